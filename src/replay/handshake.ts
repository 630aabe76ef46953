/** The handshake of one socket, as a promise that says in a sentence why it failed. */
import type { Socket } from 'socket.io-client';
import { PacketType } from 'socket.io-parser';

/** What a handshake that is tried again waits, in ms, between the connection and its first packet. */
const PAUSE = 150;

/**
 * An authentication middleware may neither accept nor reject: then there is no event at all, only the timeout.
 * `gently`: a balancer that hands connections over to its workers goes on reading for a moment, and swallows a packet that comes at once.
 */
export function shakeHands(socket: Socket, timeout: number, gently: boolean, onCancel: (cancel: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let goodbye: string | undefined;
    let closed: string | undefined;
    let heard = false;
    const afterGoodbye = (sentence: string, hint = ''): string =>
      goodbye === undefined ? `${sentence}${hint}` : `${sentence}, only the event ${goodbye}${hint && ': a refusal?'}`;
    const settle = (failure?: string): void => {
      clearTimeout(timer);
      clearTimeout(pause);
      forget();
      socket.off('connect', onConnect);
      socket.off('connect_error', onError);
      socket.io.off('close', onClose);
      socket.io.off('packet', onPacket);
      if (failure === undefined) resolve();
      else reject(new Error(failure));
    };
    const onConnect = (): void => settle();
    const onError = (error: Error): void => settle(sentenceOf(error));
    // After a refusal socket.io-client closes the connection first, and tells of the refusal then; a socket that is closed cancels what waits.
    const onClose = (reason: string): void => {
      const hint = heard ? '' : ': does it speak another parser (`use.parser`)?';
      closed = `${afterGoodbye(`the server closed the connection before it answered the handshake (${reason})`)}${hint}`;
      queueMicrotask(() => settle(closed));
    };
    // What a middleware sends before the CONNECT never becomes an event of the socket.
    const onPacket = ({ type, data }: { type: number; data?: unknown }): void => {
      heard = true;
      if ((type === PacketType.EVENT || type === PacketType.BINARY_EVENT) && Array.isArray(data)) goodbye = String(data[0]);
    };
    const timer = setTimeout(
      () => settle(afterGoodbye(`no answer to the handshake within ${timeout} ms`, ': a middleware neither accepts nor rejects?')),
      timeout,
    );
    let pause: NodeJS.Timeout | undefined;
    const afterPause = (error?: Error): void => {
      if (error) settle(sentenceOf(error));
      else pause = setTimeout(() => socket.connect(), PAUSE);
    };
    const forget = onCancel(() => settle(closed ?? 'the run was aborted'));
    socket.once('connect', onConnect);
    socket.once('connect_error', onError);
    socket.io.once('close', onClose);
    socket.io.on('packet', onPacket);
    if (gently) socket.io.open(afterPause);
    else socket.connect();
  });
}

/** Nothing at all came back. Balancers of a cluster lose a handshake now and then, and clients try again. */
export const isSilence = (reason: string): boolean => /^no answer to the handshake within \d+ ms: /.test(reason);

/** What socket.io-client knows of a failed handshake: the middleware's message, an HTTP status, a refused connection. */
export function sentenceOf(error: Error & { description?: unknown; context?: unknown; data?: unknown }): string {
  const inner = error.description;
  const text =
    typeof inner === 'object' && inner !== null && 'message' in inner && typeof inner.message === 'string' && inner.message !== '' ? inner.message : undefined;
  const cause = typeof inner === 'object' && inner !== null && 'error' in inner && inner.error instanceof Error ? inner.error.message : undefined;
  const status = /^Unexpected server response: (\d{3})$/.exec(text ?? cause ?? '')?.[1];
  if (status !== undefined) return `the handshake was answered with HTTP ${status}`;
  return [error.message, text ?? cause].filter((part) => part !== undefined && part !== '').join(': ');
}

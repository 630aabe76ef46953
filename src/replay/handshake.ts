/** The handshake of one socket, as a promise that says in a sentence why it failed. */
import type { Socket } from 'socket.io-client';

/** An authentication middleware may neither accept nor reject: then there is no event at all, only the timeout. */
export function shakeHands(socket: Socket, timeout: number, onCancel: (cancel: () => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (failure?: string): void => {
      clearTimeout(timer);
      forget();
      socket.off('connect', onConnect);
      socket.off('connect_error', onError);
      socket.io.off('close', onClose);
      if (failure === undefined) resolve();
      else reject(new Error(failure));
    };
    const onConnect = (): void => settle();
    const onError = (error: Error): void => settle(sentenceOf(error));
    // After a refusal socket.io-client closes the connection first, and tells of the refusal then.
    const onClose = (reason: string): void => queueMicrotask(() => settle(`the server closed the connection before it answered the handshake (${reason})`));
    const timer = setTimeout(() => settle(`no answer to the handshake within ${timeout} ms: a middleware neither accepts nor rejects?`), timeout);
    const forget = onCancel(() => settle('the run was aborted'));
    socket.once('connect', onConnect);
    socket.once('connect_error', onError);
    socket.io.once('close', onClose);
    socket.connect();
  });
}

/** What socket.io-client knows of a failed handshake: the middleware's message, an HTTP status, a refused connection. */
function sentenceOf(error: Error & { description?: unknown; context?: unknown; data?: unknown }): string {
  const inner = error.description;
  const text =
    typeof inner === 'object' && inner !== null && 'message' in inner && typeof inner.message === 'string' && inner.message !== '' ? inner.message : undefined;
  const cause = typeof inner === 'object' && inner !== null && 'error' in inner && inner.error instanceof Error ? inner.error.message : undefined;
  return [error.message, text ?? cause].filter((part) => part !== undefined && part !== '').join(': ');
}

/** Pages of a browser under Playwright as a source: the sockets and requests of each page that is watched, from then on. */
import { isWrite } from '../../recording/http.js';
import type { SourceEvent, TraceSource } from '../source.js';
import { type BrowserClient, followBrowsers, isEngine, isWeb, type SeenAnswer, type SeenSocket } from './browser.js';

/** What is used of Playwright's `Page`; this room does not know Playwright. */
interface WatchedPage {
  on: Listen;
  off: Listen;
  mainFrame(): object;
  isClosed(): boolean;
  evaluate(script: string): Promise<unknown>;
}

interface Listen {
  (event: 'websocket', listener: (socket: WatchedSocket) => void): unknown;
  (event: 'request', listener: (request: WatchedRequest) => void): unknown;
  (event: 'requestfinished', listener: (request: WatchedRequest) => void): unknown;
  (event: 'requestfailed', listener: (request: WatchedRequest) => void): unknown;
  (event: 'response', listener: (response: WatchedResponse) => void): unknown;
  (event: 'framenavigated', listener: (frame: { url(): string }) => void): unknown;
  (event: 'close', listener: () => void): unknown;
}

interface WatchedSocket {
  url(): string;
  on(event: 'framesent', listener: (frame: { payload: string | Buffer }) => void): unknown;
  on(event: 'framereceived', listener: (frame: { payload: string | Buffer }) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  on(event: 'socketerror', listener: (error: string) => void): unknown;
}

interface WatchedRequest {
  url(): string;
  method(): string;
  headers(): Record<string, string>;
  postDataBuffer(): Buffer | null;
  isNavigationRequest(): boolean;
  frame(): object;
  failure(): { errorText: string } | null;
  response(): Promise<WatchedResponse | null>;
}

interface WatchedResponse {
  request(): WatchedRequest;
  status(): number;
  headers(): Record<string, string>;
  body(): Promise<Buffer>;
}

export interface PageSource extends TraceSource {
  /** `user`: an alias, as the configuration names it; null: not logged in */
  watch(page: WatchedPage, user: string | null): void;
}

const NO_BODY = 'the browser did not keep the content of an answer, and what stood in it is missing';

export function pageSource(): PageSource {
  let listener: ((event: SourceEvent) => void) | undefined;
  const pending = whatPends();
  const client = followBrowsers((event) => {
    listener?.(event);
    if (event.type === 'emit' && event.asks) pending.begin(event.sid, event.n);
    if (event.type === 'ack') pending.end(event.sid, event.n);
    if (event.type === 'disconnect') pending.end(event.sid);
  }, NO_BODY);
  const queue = inOrder();
  const watched = new Map<WatchedPage, { client: BrowserClient; leave(): void }>();
  return {
    kind: 'page',
    app: '',
    // Each page tells only of itself: several tests may record at one application.
    targets: [],
    changes: 'none',
    sessions: () => [],
    start(next) {
      listener = next;
    },
    watch(page, user) {
      if (watched.has(page)) return;
      const own = client(`page ${watched.size + 1}`, user);
      watched.set(page, { client: own, leave: watchPage(page, own, queue, pending) });
    },
    async drain(timeoutMs) {
      const late = timeout(timeoutMs);
      // What the browser has told before it answers is told.
      const pages = [...watched.keys()].filter((page) => !page.isClosed());
      await Promise.race([late.over, Promise.all(pages.map((page) => page.evaluate('0').catch(() => undefined)))]);
      await Promise.race([late.over, queue.idle()]);
      for (const { client: own } of watched.values()) own.quiet(Date.now());
      await Promise.race([late.over, pending.none()]);
      late.clear();
      return { open: pending.count() };
    },
    closed: new Promise(() => undefined),
    stop() {
      listener = undefined;
      for (const { leave } of watched.values()) leave();
    },
  };
}

/** What is asked and not answered yet, by who asks: emits of a socket, requests of a page. */
interface Pending {
  begin(owner: unknown, what: unknown): void;
  /** without `what`: the owner has gone */
  end(owner: unknown, what?: unknown): void;
  count(): number;
  none(): Promise<void>;
}

function whatPends(): Pending {
  const open = new Map<unknown, Set<unknown>>();
  let waiting = (): void => undefined;
  const count = (): number => [...open.values()].reduce((sum, { size }) => sum + size, 0);
  return {
    begin(owner, what) {
      open.set(owner, (open.get(owner) ?? new Set()).add(what));
    },
    end(owner, what) {
      if (what === undefined) open.delete(owner);
      else open.get(owner)?.delete(what);
      if (count() === 0) waiting();
    },
    count,
    none: () =>
      new Promise((resolve) => {
        waiting = resolve;
        if (count() === 0) resolve();
      }),
  };
}

/** Passes everything on in the order in which it was seen, also where its content is still being fetched. */
interface Queue {
  add(step: (() => void) | Promise<() => void>): void;
  idle(): Promise<void>;
}

function inOrder(): Queue {
  let tail = Promise.resolve();
  return {
    add(step) {
      tail = tail.then(async () => (await step)());
    },
    idle: () => tail,
  };
}

function watchPage(page: WatchedPage, client: BrowserClient, queue: Queue, pending: Pending): () => void {
  const answers = new Map<WatchedRequest, (answer: SeenAnswer, at: number) => void>();
  /** the request of the document that will replace this one */
  let next: WatchedRequest | undefined;
  let documents = 0;

  const left = (): void => {
    const at = Date.now();
    documents++;
    queue.add(() => client.left(at));
    pending.end(page);
  };
  const onSocket = (socket: WatchedSocket): void => {
    let seen: SeenSocket | undefined;
    const add = (step: (socket: SeenSocket, at: number) => void): void => {
      const at = Date.now();
      queue.add(() => seen && step(seen, at));
    };
    queue.add(() => {
      seen = client.webSocket(socket.url());
    });
    socket.on('framesent', ({ payload }) => add((to, at) => to.sent(payload, at)));
    socket.on('framereceived', ({ payload }) => add((to, at) => to.received(payload, at)));
    socket.on('socketerror', () => add((to, at) => to.closed(at, true)));
    socket.on('close', () => add((to, at) => to.closed(at)));
  };
  const onRequest = (request: WatchedRequest): void => {
    if (isDocument(request, page)) next = request;
    if (!isWeb(request.url())) return;
    if (isWrite(request.method()) && !isPolling(request)) pending.begin(page, request);
    const [at, body] = [Date.now(), request.postDataBuffer()];
    queue.add(() => {
      answers.set(request, client.request({ method: request.method(), url: request.url(), headers: request.headers(), body: body ?? undefined, at }));
    });
  };
  const answer = (request: WatchedRequest, fetched: Promise<SeenAnswer>): void => {
    const at = Date.now();
    queue.add(
      fetched.then((content) => () => {
        answers.get(request)?.(content, at);
        answers.delete(request);
        pending.end(page, request);
      }),
    );
  };
  const fetch = async (response: WatchedResponse): Promise<SeenAnswer> => {
    const document = documents;
    const [status, headers] = [response.status(), response.headers()];
    try {
      return { status, headers, body: await response.body() };
    } catch {
      // The content goes with its document; and a redirect has none.
      return document === documents ? { status, headers, body: undefined } : 'aborted';
    }
  };
  /** An answer to polling holds its place in the order from its first byte on; other answers may take as long as they like. */
  const onResponse = (response: WatchedResponse): void => {
    const request = response.request();
    if (request === next && (response.status() === 204 || response.status() === 205 || 'content-disposition' in response.headers())) next = undefined;
    if (isPolling(request)) answer(request, fetch(response));
  };
  const onFinished = (request: WatchedRequest): void => {
    if (isWeb(request.url()) && !isPolling(request))
      answer(
        request,
        request.response().then((response) => (response ? fetch(response) : 'aborted')),
      );
  };
  const onFailed = (request: WatchedRequest): void => {
    if (request === next) next = undefined;
    const aborted = /ABORTED|cancell?ed/i.test(request.failure()?.errorText ?? '');
    answer(request, Promise.resolve(aborted ? 'aborted' : 'failed'));
  };
  const onNavigated = (frame: { url(): string }): void => {
    // Within a document (`pushState`, `#…`) nothing is asked for.
    if (frame !== page.mainFrame() || (!next && /^https?:/.test(frame.url()))) return;
    next = undefined;
    left();
  };

  page.on('websocket', onSocket);
  page.on('request', onRequest);
  page.on('response', onResponse);
  page.on('requestfinished', onFinished);
  page.on('requestfailed', onFailed);
  page.on('framenavigated', onNavigated);
  page.on('close', left);
  return () => {
    page.off('websocket', onSocket);
    page.off('request', onRequest);
    page.off('response', onResponse);
    page.off('requestfinished', onFinished);
    page.off('requestfailed', onFailed);
    page.off('framenavigated', onNavigated);
    page.off('close', left);
  };
}

const isPolling = (request: WatchedRequest): boolean => isWeb(request.url()) && isEngine(new URL(request.url()));

function isDocument(request: WatchedRequest, page: WatchedPage): boolean {
  if (!request.isNavigationRequest()) return false;
  try {
    return request.frame() === page.mainFrame();
  } catch {
    // a page that is only just being made: it has no connections yet
    return false;
  }
}

function timeout(ms: number): { over: Promise<void>; clear(): void } {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return { over, clear: () => clearTimeout(timer) };
}

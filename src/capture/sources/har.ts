/**
 * A HAR file as a source: what Chrome's DevTools export, and what Playwright records, with its contents inline, in files beside
 * it or in a zip. It sees what a page sees; when a connection ended is not in it.
 */
import { basename, dirname, resolve, sep } from 'node:path';
import { z } from 'zod';
import type { SourceEvent } from '../source.js';
import { type BrowserClient, followBrowsers, isEngine, isWeb, type SeenAnswer, type SeenHeaders, UPGRADE } from './browser.js';
import { fileSource } from './file.js';
import { fromJsonFile, type ImportFile, invalid, readBytes } from './import-file.js';
import { isZip, openZip } from './zip.js';

const message = z.looseObject({ type: z.string(), time: z.number(), opcode: z.number(), data: z.string() });
type Message = z.infer<typeof message>;
const header = z.looseObject({ name: z.string(), value: z.string() });
const entrySchema = z.looseObject({
  startedDateTime: z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'expected a date'),
  time: z.number(),
  timings: z.looseObject({ wait: z.number().optional() }).optional(),
  pageref: z.string().optional(),
  request: z.looseObject({
    method: z.string(),
    url: z.string(),
    headers: z.array(header).default([]),
    postData: z
      .looseObject({
        mimeType: z.string().default(''),
        text: z.string().default(''),
        params: z.array(z.looseObject({ name: z.string(), value: z.string().default('') })).default([]),
        _file: z.string().optional(),
      })
      .optional(),
  }),
  response: z.looseObject({
    status: z.number(),
    headers: z.array(header).default([]),
    content: z
      .looseObject({ mimeType: z.string().default(''), text: z.string().optional(), encoding: z.string().optional(), _file: z.string().optional() })
      .optional(),
    _failureText: z.string().nullish(),
    _error: z.string().nullish(),
  }),
  _resourceType: z.string().optional(),
  _frameref: z.string().optional(),
  _webSocketMessages: z.array(message).optional(),
});
type Entry = z.infer<typeof entrySchema>;
const harSchema = z.looseObject({
  log: z.looseObject({
    creator: z.looseObject({ name: z.string() }).optional(),
    pages: z.array(z.looseObject({ id: z.string(), title: z.string().default(''), startedDateTime: z.string() })).default([]),
    entries: z.array(entrySchema),
  }),
});
type Log = z.infer<typeof harSchema>['log'];

/** A file beside the HAR file, or in its zip. */
type Attached = (name: string) => Buffer;

/** `aliases`: users by the number of their page in the file, from 1, or its id. Socket ids are the capture's. */
export function readHar(file: string, aliases: Readonly<Record<string, string>> = {}): ImportFile {
  const { har, attached } = open(file);
  return fromJsonFile(file, har, (json) => {
    const { events, warnings, people } = follow(harSchema.parse(json).log, attached, aliases);
    if (!events.some(({ type }) => type === 'connect')) throw invalid(file, ['holds no Socket.IO connection that can be read', ...warnings].join('; '), HOW);
    return {
      file,
      name: basename(file)
        .replace(/\.zip$/i, '')
        .replace(/\.har$/i, ''),
      source: fileSource('har', events),
      notes: [
        ...warnings,
        ...(events.some(({ type }) => type === 'lost') ? [HOW] : []),
        ...people,
        'when the connections were closed is not in the file: the sessions stay open to the end',
      ],
    };
  });
}

const HOW = 'In Chrome, open the Network panel, reload the page, and export with content; with Playwright, use recordHar with embedded or attached content.';
const NO_CONTENT = 'the file lacks contents of requests or answers, and what stood in them is missing';

function open(file: string): { har: Buffer; attached: Attached } {
  const bytes = readBytes(file);
  if (!isZip(bytes)) return { har: bytes, attached: beside(file) };
  const files = unpacking(file, () => openZip(bytes));
  const attached: Attached = (name) => {
    const content = files.get(name);
    if (!content) throw invalid(file, `${name} is missing in the archive`);
    return unpacking(file, content);
  };
  return { har: attached([...files.keys()].find((name) => name.endsWith('.har')) ?? 'har.har'), attached };
}

function unpacking<T>(file: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw invalid(file, error instanceof RangeError ? 'the archive is damaged' : (error as Error).message);
  }
}

/** A file from elsewhere must not bring other files of this machine into a recording. */
function beside(file: string): Attached {
  const folder = dirname(resolve(file));
  return (name) => {
    const path = resolve(folder, name);
    if (!path.startsWith(folder + sep)) throw invalid(file, `${name} lies outside the folder of the file`);
    return readBytes(path);
  };
}

interface Step {
  at: number;
  run(): void;
}

interface Followed {
  events: SourceEvent[];
  warnings: string[];
  /** who has no user yet, and how to name them */
  people: string[];
}

/** Everything of all connections in the order of time, as a page would have seen it. */
function follow(log: Log, attached: Attached, aliases: Readonly<Record<string, string>>): Followed {
  const told: SourceEvent[] = [];
  const client = followBrowsers((event) => void told.push(event), NO_CONTENT);
  const clients = new Map<string, BrowserClient>();
  const pages = [...new Set([...log.pages.map(({ id }) => id), ...log.entries.map(pageOf)])];
  for (const [i, id] of pages.entries()) clients.set(id, client(id, aliases[id] ?? aliases[String(i + 1)] ?? null));
  const ends = endsOf(log.entries);
  const upgrades = upgradesOf(log.entries, attached, ends);
  const steps: Step[] = leavings(log, clients);
  for (const entry of log.entries.filter(({ request }) => URL.canParse(request.url))) {
    const page = clients.get(pageOf(entry)) as BrowserClient;
    if (/^wss?:/i.test(entry.request.url)) steps.push(...socketSteps(entry, page, attached, upgrades, (event) => void told.push(event)));
    else if (isWeb(entry.request.url)) steps.push(...requestSteps(entry, page, attached, ends, upgrades));
  }
  steps.sort((a, b) => a.at - b.at);
  for (const { run } of steps) run();
  for (const page of clients.values()) page.quiet(steps.at(-1)?.at ?? 0);
  return {
    events: told.filter(({ type }) => type !== 'warning'),
    warnings: told.flatMap((event) => (event.type === 'warning' ? [event.message] : [])),
    people: peopleOf(told, log, pages, aliases),
  };
}

/** Pages are the navigations of one tab in what Chrome exports, and tabs in what Playwright records. Of less detail: one page. */
const pageOf = ({ pageref }: Entry): string => pageref ?? 'page';

/** When a document goes, its connections go with it. */
function leavings({ creator, pages, entries }: Log, clients: ReadonlyMap<string, BrowserClient>): Step[] {
  if (creator?.name === 'WebInspector')
    return pages.slice(1).map(({ startedDateTime }, i) => {
      const at = Date.parse(startedDateTime);
      return { at, run: () => clients.get(pages[i]?.id ?? '')?.left(at) };
    });
  const frames = new Map<string, string | undefined>();
  return entries.flatMap((entry) => {
    const { _resourceType, _frameref, startedDateTime, response } = entry;
    if (_resourceType !== 'document' || response.status < 200 || response.status === 204) return [];
    const page = pageOf(entry);
    if (!frames.has(page)) frames.set(page, _frameref);
    if (frames.get(page) !== _frameref) return [];
    const at = Date.parse(startedDateTime);
    return [{ at, run: () => clients.get(page)?.left(at) }];
  });
}

/**
 * Requests begin at whole milliseconds, so what follows one another may seem to go backwards. Nothing is answered before it was
 * asked for, in either direction, and nothing comes by polling after the upgrade: that is what is ordered by.
 */
function requestSteps(entry: Entry, page: BrowserClient, attached: Attached, ends: Ends, upgrades: Upgrades): Step[] {
  const { request, response } = entry;
  const at = Date.parse(entry.startedDateTime);
  const end = ends.get(entry) ?? at;
  const body = sentBody(request, attached);
  const answers = body !== undefined && /(^|\x1e)4[36]/.test(Buffer.from(body).toString('latin1'));
  let answered: ReturnType<BrowserClient['request']> = () => undefined;
  return [
    {
      at: at + (answers ? 2 * UNIT : 0),
      run() {
        answered = page.request({ method: request.method, url: request.url, headers: sentHeaders(request), body, at });
      },
    },
    { at: Math.min(end + UNIT, upgrades.get(sidOf(request.url))?.at ?? Number.POSITIVE_INFINITY), run: () => answered(answerOf(response, attached), end) },
  ];
}

/** The precision of a HAR file, in milliseconds. */
const UNIT = 1;

/** When each entry had ended. */
type Ends = ReadonlyMap<Entry, number>;

/**
 * Playwright's minimal files know how long an answer took to come, but not since when. Of polling that is known all the same: the
 * client asks again as soon as it has its answer.
 */
function endsOf(entries: readonly Entry[]): Ends {
  const ends = new Map<Entry, number>();
  const later = new Map<string, number>();
  for (const entry of entries.toReversed()) {
    const at = Date.parse(entry.startedDateTime);
    const sid = entry.request.method === 'GET' && isWeb(entry.request.url) ? sidOf(entry.request.url) : '';
    const measured = at + Math.max(0, entry.time);
    ends.set(entry, sid !== '' && (entry.timings?.wait ?? 0) < 0 ? (later.get(sid) ?? measured) : measured);
    if (sid !== '') later.set(sid, at);
  }
  return ends;
}

const headersOf = (list: readonly { name: string; value: string }[]): SeenHeaders =>
  Object.fromEntries(list.map(({ name, value }) => [name.toLowerCase(), value]));

const sentHeaders = ({ headers, postData }: Entry['request']): SeenHeaders => ({
  ...(postData?.mimeType && { 'content-type': postData.mimeType }),
  ...headersOf(headers),
});

/** undefined: there is none, or it was not written. */
function sentBody({ postData }: Entry['request'], attached: Attached): Uint8Array | undefined {
  if (!postData) return undefined;
  const { _file, text, params } = postData;
  if (_file !== undefined) return attached(_file);
  if (text !== '') return Buffer.from(text);
  return params.length > 0 ? Buffer.from(formOf(params)) : undefined;
}

const formOf = (params: readonly { name: string; value: string }[]): string =>
  new URLSearchParams(params.map(({ name, value }): [string, string] => [name, value])).toString();

function answerOf({ status, headers, content }: Entry['response'], attached: Attached): SeenAnswer {
  // Requests that ended with the page, or before the file was written, have no answer; nothing tells them from a server that died.
  if (status <= 0) return 'aborted';
  return { status, headers: { ...headersOf(headers), ...(content && { 'content-type': content.mimeType }) }, body: content && contentOf(content, attached) };
}

function contentOf({ text, encoding, _file }: NonNullable<Entry['response']['content']>, attached: Attached): Uint8Array | undefined {
  if (_file !== undefined) return attached(_file);
  return text === undefined ? undefined : Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8');
}

/** Chrome counts seconds, Playwright milliseconds. */
const LATEST_SECONDS = 1e11;

const timeOf = ({ time }: Message): number | undefined => (time < 0 ? undefined : time > LATEST_SECONDS ? time : time * 1000);

function socketSteps(entry: Entry, page: BrowserClient, attached: Attached, upgrades: Upgrades, tell: (event: SourceEvent) => void): Step[] {
  const { url } = entry.request;
  const at = Date.parse(entry.startedDateTime);
  const messages = messagesOf(entry, attached);
  if (!isEngine(new URL(url))) return [];
  if (messages.length === 0 && entry.response.status === 101)
    return [
      { at, run: () => tell({ type: 'lost', count: 1 }) },
      { at, run: () => tell({ type: 'warning', code: 'frames_missing', message: NO_FRAMES }) },
    ];
  let socket: ReturnType<BrowserClient['webSocket']> | undefined;
  const untimed = upgrades.get(sidOf(url))?.end ?? at;
  const steps = messages.map((one): Step => {
    const { type, opcode, data } = one;
    const when = timeOf(one) ?? untimed;
    const content = opcode === 1 ? data : opcode === 2 ? Buffer.from(data, 'base64') : undefined;
    return {
      at: when,
      run() {
        if (type === 'send' && content !== undefined) socket?.sent(content, when);
        else if (type === 'receive' && content !== undefined) socket?.received(content, when);
        else if (type === 'error') socket?.closed(when, true);
      },
    };
  });
  const begin = (): void => {
    socket = page.webSocket(url);
  };
  return [{ at: Math.min(at, steps[0]?.at ?? at), run: begin }, ...steps];
}

const NO_FRAMES = 'the file has a WebSocket without its messages';

/** Attached: one message a line. */
function messagesOf({ _webSocketMessages, response }: Entry, attached: Attached): Message[] {
  const name = response.content?._file;
  if (_webSocketMessages || name === undefined) return _webSocketMessages ?? [];
  return attached(name)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => message.parse(JSON.parse(line)));
}

/** By the id of the connection: when it was upgraded to a WebSocket, and when its polling had ended, which is before that. */
type Upgrades = ReadonlyMap<string, { at: number; end: number }>;

function upgradesOf(entries: readonly Entry[], attached: Attached, ends: Ends): Upgrades {
  const polled = new Map<string, number>();
  for (const entry of entries) {
    const sid = isWeb(entry.request.url) ? sidOf(entry.request.url) : '';
    if (sid !== '') polled.set(sid, Math.max(polled.get(sid) ?? 0, (ends.get(entry) ?? 0) + 2 * UNIT));
  }
  return new Map(
    entries.flatMap((entry): [string, { at: number; end: number }][] => {
      const sid = sidOf(entry.request.url);
      const upgrade = isWeb(entry.request.url) ? undefined : messagesOf(entry, attached).find(({ type, data }) => type === 'send' && data === UPGRADE);
      if (sid === '' || !upgrade) return [];
      const end = polled.get(sid) ?? 0;
      return [[sid, { at: timeOf(upgrade) ?? end, end }]];
    }),
  );
}

const sidOf = (url: string): string => (URL.canParse(url) ? (new URL(url).searchParams.get('sid') ?? '') : '');

function peopleOf(events: readonly SourceEvent[], log: Log, pages: readonly string[], aliases: Readonly<Record<string, string>>): string[] {
  return pages.flatMap((id, i) => {
    const isUnnamed = events.some(
      (event) => event.type === 'connect' && event.socket.address === id && event.socket.user === null && !Object.hasOwn(aliases, event.socket.sid),
    );
    const title = log.pages.find((page) => page.id === id)?.title;
    return !isUnnamed ? [] : [`page ${i + 1}${title ? ` (${title})` : ''} has no user, and does not log in at replay; if it should: --user ${i + 1}=NAME`];
  });
}

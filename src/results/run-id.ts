/** How a run is named: `{scenario}::{start ms}::{short id}`. Pure, also runs in a browser. */
export interface RunName {
  scenario: string;
  /** milliseconds since the epoch */
  startedAt: number;
  shortId: string;
}

/** A scenario without a name. */
const UNKNOWN = 'unknown-scenario';

export const runId = ({ scenario, startedAt, shortId }: RunName): string => `${encode(scenario || UNKNOWN)}::${startedAt}::${shortId}`;

/** undefined: another form, such as that of earlier versions. */
export function parseRunId(id: string): RunName | undefined {
  const [scenario = '', started = '', shortId = '', ...more] = id.split('::');
  if (scenario === '' || shortId === '' || more.length > 0 || !/^\d{1,15}$/.test(started) || !/^[\w-]+$/.test(shortId)) return undefined;
  return { scenario: decode(scenario), startedAt: Number(started), shortId };
}

/** The folder of a run: not every scenario can be the name of one, and folders are sorted by time. Anything else is a folder already. */
export function runFolder(id: string): string {
  const name = parseRunId(id);
  return name ? `${new Date(name.startedAt).toISOString().replace(/[:.]/g, '-').slice(0, 19)}-${name.shortId}` : id;
}

/** The colons of a name must not look like those between the parts. */
const encode = (name: string): string =>
  name
    .replaceAll('%', '%25')
    .replace(/::+/g, (colons) => `:${'%3A'.repeat(colons.length - 1)}`)
    .replace(/:$/, '%3A');

const decode = (text: string): string => text.replaceAll('%3A', ':').replaceAll('%25', '%');

/** What is known before a replay begins: what will not be measured, which secrets are configured, which columns everybody changes. */
import { ReplayError } from '../errors.js';
import type { LoadedRecording } from '../recording/load.js';
import { changeOf } from '../recording/schema.js';
import { secretsOf, Tagged, type Value, walk } from '../recording/values.js';
import type { ProbeConnection } from '../wire/client.js';
import type { ReplayOptions } from './options.js';

/** Law 8: what could not be observed is never ok. */
export function notMeasured(
  probe: ProbeConnection | undefined,
  fence: boolean,
  recordings: LoadedRecording[],
  options: ReplayOptions,
  isWatched: boolean,
): { what: string; fails: boolean }[] {
  const changes = options.measure.includes('changes');
  const noRows = {
    what: `row changes are not measured: there is no probe in the process that listens at ${options.baseURL}, and no \`use.watch\``,
    fails: changes,
  };
  if (!probe)
    return [
      ...(isWatched ? [] : [noRows]),
      { what: 'who caused a push is not known without the probe: pushes are compared per receiver', fails: false },
      ...(fence ? [] : [{ what: 'that a session receives nothing more is not measured: the target accepts namespaces that do not exist', fails: false }]),
    ];
  const recorded = recordings.some(({ recording }) => recording.sessions.some((session) => session.traces.some((trace) => (trace.changes ?? []).length > 0)));
  if (probe.hello.changes === 'none' && !isWatched)
    return [{ what: 'row changes are not measured: the probe knows no database of this application', fails: changes && recorded }];
  return [];
}

/** The configured value of every secret that the recordings use; the environment does not tell upper from lower case. */
export function secretsFor(recordings: LoadedRecording[], configured: Record<string, string | number>): Map<string, string | number> {
  const secrets = new Map<string, string | number>();
  for (const { recording } of recordings)
    walk(recording as unknown as Value, (node) => {
      if (!(node instanceof Tagged)) return;
      for (const name of secretsOf(node.body)) {
        const value = configured[name] ?? configured[name.toLowerCase()];
        if (value !== undefined) secrets.set(name, value);
      }
    });
  return secrets;
}

/**
 * Columns that some recording updates, also in rows of its own: in a shared state anybody may have changed them. So may the settings
 * that are rows: payloads have them under the texts of their keys.
 */
export function mutableColumns(recordings: LoadedRecording[]): Set<string> {
  const columns = new Set<string>();
  for (const { recording } of recordings)
    for (const session of recording.sessions)
      for (const trace of session.traces)
        for (const change of (trace.changes ?? []).map(changeOf))
          if (change.op === 'update') {
            for (const column of Object.keys(change.values)) columns.add(column);
            if (Object.values(change.values).some((value) => !(value instanceof Tagged) || value.body.tag !== 'any'))
              for (const value of Object.values(change.key)) if (typeof value === 'string') columns.add(value);
          }
  return columns;
}

/** A name of `use.vary` is given by some recording, and its values have the recorded type: an application may tell 7 from "7". Throws REPLAY_OPTION_INVALID. */
export function checkVary(vary: ReplayOptions['vary'], recordings: LoadedRecording[]): void {
  for (const [name, values] of Object.entries(vary)) {
    const recorded = recordings.flatMap(({ recording }) => recording.given?.[name] ?? []);
    const wrong = values.find((value) => recorded.some((one) => typeof one !== typeof value));
    const problem =
      recorded.length === 0
        ? 'no recording has it under `given`'
        : wrong === undefined
          ? undefined
          : `${JSON.stringify(wrong)} is no ${typeof recorded[0]}, as it was recorded`;
    if (problem) throw new ReplayError('REPLAY_OPTION_INVALID', `\`use.vary.${name}\`: ${problem}`);
  }
}

/** `socket-replay prune FILE|NAME...`: disables traces, enables them again, or takes them out. */
import { Command, Option } from 'commander';
import { ReplayError } from '../../errors.js';
import { editFiles } from '../../recording/edit-files.js';
import { editRecording } from '../../recording/edit-recording.js';
import { suggestion } from '../../recording/nearest.js';
import { type Choice, type Pruned, type PruneMode, prune } from '../../recording/prune.js';
import type { ReadRecording } from '../../recording/read.js';
import { labelOf } from '../../recording/schema.js';
import type { Console } from '../console.js';
import { finish } from '../edited.js';
import { dryRunOption, outOption, several } from '../options.js';
import { run } from '../run.js';
import { plural } from '../words.js';

interface Options {
  event?: string[];
  session?: string[];
  trace?: string[];
  from?: number;
  to?: number;
  remove?: boolean;
  enable?: boolean;
  out: string;
  dryRun?: boolean;
}

export const pruneCommand = (): Command =>
  new Command('prune')
    .description('Disable traces of recordings, enable them again, or take them out.')
    .argument('<files...>', 'files, or names of recordings')
    .option('--event <glob>', 'traces that send an event of this name, or a request such as "GET /api/*"; may be repeated', several)
    .option('--session <id>', 'traces of this session; may be repeated', several)
    .option('--from <n>', 'from this trace of a session on, counted from 0', number)
    .option('--to <n>', 'up to and including this one', number)
    .option('--trace <session/n>', 'this trace; may be repeated', several)
    .option('--remove', 'take them out, with their times and everything that speaks of them')
    .addOption(new Option('--enable', 'enable them again').conflicts('remove'))
    .addOption(outOption())
    .addOption(dryRunOption())
    .addHelpText(
      'after',
      '\nExamples:\n  npx socket-replay prune checkout --event "cursor*"\n  npx socket-replay prune checkout --session bob --from 3 --to 7 --remove --dry-run',
    )
    .action((files: string[], options: Options) => run((terminal) => pruneFiles(terminal, files, options)));

function number(text: string): number {
  if (!/^\d+$/.test(text)) throw new ReplayError('REPLAY_USAGE', `${text} is no number of a trace`, undefined, 'Traces of a session are counted from 0.');
  return Number(text);
}

const done = { disable: 'disabled', enable: 'enabled', remove: 'removed' } as const;

function pruneFiles(terminal: Console, files: string[], options: Options): number {
  const choice = choiceOf(options);
  const mode: PruneMode = options.remove ? 'remove' : options.enable ? 'enable' : 'disable';
  const said: string[] = [];
  const labels = new Set<string>();
  let fitting = 0;
  const edited = editFiles(options.out, files, (text, reading) =>
    editRecording(text, reading, (read) => {
      const pruned = prune(read.recording, choice, mode);
      for (const { traces } of read.recording.sessions) for (const trace of traces) labels.add(labelOf(trace));
      fitting += pruned.fitting;
      said.push(...outcome(reading.file, pruned, mode, read));
      return pruned.edits;
    }),
  );
  if (fitting === 0)
    throw new ReplayError('REPLAY_USAGE', `no trace fits${suggestion(choice.events?.[0] ?? '', labels)}`, undefined, 'See `npx socket-replay prune --help`.');
  return finish(terminal, edited, options.dryRun, said);
}

function choiceOf({ event, session, trace, from, to }: Options): Choice {
  if (!event && !session && !trace && from === undefined && to === undefined)
    throw new ReplayError('REPLAY_USAGE', 'which traces?', undefined, 'Say it with --event, --session, --from, --to or --trace.');
  for (const name of trace ?? [])
    if (!/^[\w.-]+\/\d+$/.test(name)) throw new ReplayError('REPLAY_USAGE', `--trace ${name}`, undefined, 'Write it as SESSION/NUMBER: --trace alice/3.');
  return { events: event, sessions: session, traces: trace, from, to };
}

function outcome(file: string, { counts, fitting, orphans }: Pruned, mode: PruneMode, { recording, lineOf }: ReadRecording): string[] {
  const first = orphans[0];
  const list = orphans.map(({ what }) => `    ${what}`).join('\n');
  if (first && mode === 'remove') {
    const where = { file, line: lineOf(first.session, first.trace) };
    throw new ReplayError(
      'REPLAY_EDIT_REFUSED',
      `what stays needs names that only the removed traces make:\n${list}`,
      where,
      'Remove these too, or disable instead.',
    );
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (mode === 'remove' && total === recording.sessions.reduce((sum, { traces }) => sum + traces.length, 0))
    throw new ReplayError('REPLAY_EDIT_REFUSED', 'nothing would be left', { file }, 'Delete the file, or set `disabled: true` on the recording.');
  if (total === 0) return fitting > 0 ? [`${file}: nothing to do, ${plural(fitting, 'trace')} already ${done[mode]}`] : [];
  const byEvent = [...counts].map(([label, count]) => `${label} ${count}`).join(', ');
  const skipped = first ? [`  these need names that the disabled ones make, and will be skipped:\n${list}`] : [];
  return [`${file}: ${plural(total, 'trace')} ${done[mode]} (${byEvent})`, ...skipped];
}

/** Turning traces off and on, and taking them out with everything that speaks of them. */
import { expect, it } from 'vitest';
import { editRecording } from '../../src/recording/edit-recording.js';
import { type Choice, type PruneMode, prune } from '../../src/recording/prune.js';
import { readRecording } from '../../src/recording/read.js';

const flow = `version: 1
name: flow
status: finished
sessions:
  - id: alice
    user: alice
    times: [[0, 1], [2, 1], [4, 1], [6, 1], [8, 1]]
    traces:
      - connect: { namespace: / }
      - emit: cursorMove
        args: [1]
        pushes:
          - { to: [alice, bob], event: cursor }
          - { to: bob, event: cursor }
      # what it is about
      - emit: listCreate
        ack: [{ id: !id list1 }]
        pushes:
          - { to: bob, event: lists }
      - emit: cursorMove
        disabled: true
      - emit: listDelete
        args: [!id list1]
        pushes:
          - { to: [], event: lists, except: [alice, bob] }
  - id: bob
    traces:
      - connect: { namespace: / }
      - emit: hello
      - emit: cursorMove
      - emit: bye
      - disconnect: transport close
    received:
      - { after: 0, event: a }
      - { after: 2, event: b }
      - { after: 4, event: c }
`;

const options = { file: 'flow.yaml', readBinary: () => undefined };
function pruned(choice: Choice, mode: PruneMode, text = flow) {
  let found: ReturnType<typeof prune> | undefined;
  const result = editRecording(text, options, ({ recording }) => {
    found = prune(recording, choice, mode);
    return found.edits;
  });
  if ('errors' in result || !found) throw new Error('errors' in result ? result.errors.map(({ message }) => message).join('\n') : 'not read');
  const { recording } = readRecording(result.text, options);
  return { text: result.text, recording, counts: Object.fromEntries(found.counts), fitting: found.fitting, orphans: found.orphans.map(({ what }) => what) };
}
const labels = (recording: ReturnType<typeof pruned>['recording']) =>
  recording?.sessions.map(
    ({ id, traces }) => `${id}: ${traces.map((trace) => `${trace.emit ?? Object.keys(trace)[0]}${trace.disabled ? '-' : ''}`).join(' ')}`,
  );

it('disables traces by event, and enables them again to the byte', () => {
  const off = pruned({ events: ['cursor*'] }, 'disable');
  expect(off).toMatchObject({ counts: { cursorMove: 2 }, fitting: 3, orphans: [] });
  expect(off.text.split('\n').filter((line) => line === '        disabled: true')).toHaveLength(3);
  expect(labels(off.recording)).toEqual(['alice: connect cursorMove- listCreate cursorMove- listDelete', 'bob: connect hello cursorMove- bye disconnect']);
  const again = pruned({ events: ['cursor*'], sessions: ['bob'] }, 'enable', off.text);
  expect(again.counts).toEqual({ cursorMove: 1 });
  const all = pruned({ events: ['*'] }, 'enable', again.text);
  expect(all.text).toBe(flow.replace('        disabled: true\n', ''));
});

it('chooses by session, by range and by number; a connect only by number', () => {
  expect(labels(pruned({ sessions: ['bob'] }, 'disable').recording)?.[1]).toBe('bob: connect hello- cursorMove- bye- disconnect-');
  expect(labels(pruned({ sessions: ['bob'], from: 2, to: 3 }, 'disable').recording)?.[1]).toBe('bob: connect hello cursorMove- bye- disconnect');
  expect(labels(pruned({ traces: ['alice/0', 'bob/1'] }, 'disable').recording)).toEqual([
    'alice: connect- cursorMove listCreate cursorMove- listDelete',
    'bob: connect hello- cursorMove bye disconnect',
  ]);
});

it('names the traces that would be skipped', () => {
  expect(pruned({ events: ['listCreate'] }, 'disable').orphans).toEqual(['alice/4 listDelete: list1']);
  expect(pruned({ events: ['list*'] }, 'disable').orphans).toEqual([]);
  // It was wrong before: only a disabled trace makes the name.
  expect(
    pruned({ events: ['cursor*'] }, 'disable', flow.replace('ack: [{ id: !id list1 }]', 'ack: [{ id: !id list1 }]\n        disabled: true')).orphans,
  ).toEqual([]);
});

it('removes traces with their times, and numbers that count them', () => {
  const out = pruned({ events: ['cursor*', 'hello'] }, 'remove');
  expect(out.counts).toEqual({ cursorMove: 3, hello: 1 });
  expect(labels(out.recording)).toEqual(['alice: connect listCreate listDelete', 'bob: connect bye disconnect']);
  expect(out.recording?.sessions[0]?.times).toEqual([
    [0, 1],
    [4, 1],
    [8, 1],
  ]);
  expect(out.recording?.sessions[1]?.received?.map(({ after }) => after)).toEqual([0, 0, 2]);
  expect(out.text).toContain('      # what it is about\n      - emit: listCreate');
});

it('removes a session with its receivers', () => {
  const out = pruned({ sessions: ['bob'] }, 'remove');
  expect(labels(out.recording)).toEqual(['alice: connect cursorMove listCreate cursorMove- listDelete']);
  expect(out.recording?.sessions[0]?.traces.map(({ pushes }) => pushes)).toEqual([
    undefined,
    [{ to: 'alice', event: 'cursor' }],
    undefined,
    undefined,
    [{ to: [], event: 'lists', except: 'alice' }],
  ]);
});

it('shifts the numbers of checkpoints', () => {
  const named = `${flow}checkpoints:\n  - { name: start, next: { alice: 2, bob: 0 } } # before the list\n  - { name: end, next: { bob: 5, alice: 5 } }\n`;
  expect(pruned({ events: ['cursor*'] }, 'remove', named).recording?.checkpoints).toEqual([
    { name: 'start', next: { alice: 1, bob: 0 } },
    { name: 'end', next: { bob: 4, alice: 3 } },
  ]);
  const alone = pruned({ sessions: ['bob'] }, 'remove', named);
  expect(alone.text).toContain('  - { name: start, next: { alice: 2 } } # before the list\n  - { name: end, next: { alice: 5 } }\n');
});

it('says what could not be removed', () => {
  const orphaned = editRecording(flow, options, ({ recording }) => prune(recording, { events: ['listCreate'] }, 'remove').edits);
  expect('errors' in orphaned && orphaned.errors.map(({ code }) => code)).toEqual(['REPLAY_UNKNOWN_NAME']);
  const everything = editRecording(flow, options, ({ recording }) => prune(recording, { from: 0 }, 'remove').edits);
  expect('errors' in everything && everything.errors.map(({ code }) => code)).toEqual(['REPLAY_INVALID_VALUE']);
});

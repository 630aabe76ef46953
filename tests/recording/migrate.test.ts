/** Older versions, through a table of migrations made up here: there is only one version yet. */
import { expect, it } from 'vitest';
import { migrateText } from '../../src/recording/edit-recording.js';
import { type Migrations, migrate } from '../../src/recording/migrate.js';
import type { Value, ValueObject } from '../../src/recording/values.js';

const list = (value: Value | undefined): Value[] => (Array.isArray(value) ? value : []);
/** In 2 a session is called by `id`, in 3 there is no `took`. */
const table: Migrations = {
  1: (document) => list(document.sessions).map((_, s) => ({ at: ['sessions', s, 'sid'], rename: 'id' })),
  2: (document) => ('took' in document ? [{ at: ['took'], remove: true }] : []),
};

const before = `# why this flow matters
version: 1 # of the format
took: 5
sessions:
  # the first
  - sid:   'alice'
    traces: [{emit: x}]
  - { sid: bob, traces: [] }
`;
const after = `# why this flow matters
version: 3 # of the format
sessions:
  # the first
  - id:   'alice'
    traces: [{emit: x}]
  - { id: bob, traces: [] }
`;
const options = { file: 'r.yaml', readBinary: () => undefined };

it('brings values to the current version, step by step', () => {
  expect(migrate({ version: 1, took: 5, sessions: [{ sid: 'a' }] }, table, 3)).toEqual({ document: { version: 3, sessions: [{ id: 'a' }] } });
  expect(migrate({ version: 2, sessions: [{ id: 'a' }] }, table, 3)).toEqual({ document: { version: 3, sessions: [{ id: 'a' }] } });
  expect(migrate({ version: 1 }, { 2: table[2] as (document: ValueObject) => [] }, 3)).toEqual({ problem: 'version 1 is no longer read' });
  expect(migrate({ version: 4 }, table, 3)).toMatchObject({ problem: expect.stringMatching(/version 4 is newer than 3/) });
});

it('brings a text to the current version by the same steps, with its comments', () => {
  const result = migrateText(before, options, table, 3);
  expect(result).toMatchObject({ text: after });
  expect('steps' in result && result.steps.map(({ splices }) => splices.length)).toEqual([3, 2]);
});

it('leaves a text of the current version alone', () => {
  expect(migrateText(after, options, table, 3)).toEqual({ steps: [], text: after, files: new Map() });
});

it('says where the version stands that it does not know', () => {
  const result = migrateText('# a\nversion: 7\n', options, table, 3);
  expect('errors' in result && result.errors).toMatchObject([{ code: 'REPLAY_VERSION', where: { file: 'r.yaml', line: 2, column: 10 } }]);
});

/**
 * Older versions of the format, brought to the current one. A step is the edits that lead to the next version: applied to the values
 * of a file when it is loaded, and spliced into its text by `socket-replay migrate`. Every step has a golden file in tests.
 */
import { applyEdits, type Edit } from './edit.js';
import { VERSION } from './schema.js';
import type { ValueObject } from './values.js';

/** From a version to the next one; the number itself is seen to. */
export type Migrations = { [fromVersion: number]: (document: ValueObject) => Edit[] };

const migrations: Migrations = {};

/** The edits of each step on the way to the current version, in order; or what is wrong with the version. */
export function migrationSteps(document: ValueObject, table: Migrations = migrations, current: number = VERSION): { steps: Edit[][] } | { problem: string } {
  const { version } = document;
  if (version === undefined) return { problem: 'there is no `version`' };
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) return { problem: '`version` is not a positive integer' };
  if (version > current) return { problem: `version ${version} is newer than ${current}, the newest that this socket-replay reads` };
  const steps: Edit[][] = [];
  let migrated = document;
  for (let from = version; from < current; from++) {
    const step = table[from];
    if (!step) return { problem: `version ${version} is no longer read` };
    const edits: Edit[] = [...step(migrated), { at: ['version'], set: from + 1 }];
    steps.push(edits);
    migrated = applyEdits(migrated, edits) as ValueObject;
  }
  return { steps };
}

/** The document in the current version, or what is wrong with its version. */
export function migrate(document: ValueObject, table?: Migrations, current?: number): { document: ValueObject } | { problem: string } {
  const found = migrationSteps(document, table, current);
  if ('problem' in found) return found;
  return { document: found.steps.reduce((migrated, edits) => applyEdits(migrated, edits) as ValueObject, document) };
}

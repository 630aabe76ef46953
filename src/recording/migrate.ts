/** Older versions of the format, brought to the current one before they are validated. Every migration has a golden file in tests. */
import { VERSION } from './schema.js';

/** A recording as plain data, of any version. */
export type RawDocument = { [key: string]: unknown };

/** From a version to the next one. */
export type Migrations = { [fromVersion: number]: (document: RawDocument) => RawDocument };

const migrations: Migrations = {};

/** The document in the current version, or what is wrong with its version. */
export function migrate(document: RawDocument, table: Migrations = migrations, current: number = VERSION): { document: RawDocument } | { problem: string } {
  const { version } = document;
  if (version === undefined) return { problem: 'there is no `version`' };
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) return { problem: '`version` is not a positive integer' };
  if (version > current) return { problem: `version ${version} is newer than ${current}, the newest that this socket-replay reads` };
  let migrated = document;
  for (let from = version; from < current; from++) {
    const step = table[from];
    if (!step) return { problem: `version ${version} is no longer read` };
    migrated = { ...step(migrated), version: from + 1 };
  }
  return { document: migrated };
}

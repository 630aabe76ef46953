/** The rules of `lint`: each has one severity and says what to do. An error fails the command. */
import type { Path } from '../document.js';
import type { Place } from '../places.js';
import type { Recording } from '../schema.js';

export const rules = {
  secret: { severity: 'error', advice: 'Write !secret NAME and configure it, or record again. What was committed must be changed where it is used.' },
  'secret-config': { severity: 'warning', advice: 'Set it in `use.secrets` or in the environment.' },
  'looks-like-key': { severity: 'warning', advice: 'Write !secret NAME if it lets somebody in; else let it be: `# lint: ok looks-like-key`.' },
  person: { severity: 'warning', advice: 'Record with the data of nobody, or replace it here.' },
  'expiring-date': {
    severity: 'error',
    advice: 'For the time of sending write !now iso, !now (milliseconds) or !now s; for a time to come, a year that is far away, such as 2099.',
  },
  'past-date': {
    severity: 'warning',
    advice: 'For the time of sending write !now iso, !now (milliseconds) or !now s; leave it if the application takes any time.',
  },
  'unmade-name': { severity: 'error', advice: 'Enable or move the trace that makes it, or write the value itself.' },
  'ambiguous-id': {
    severity: 'warning',
    advice: 'If a trace of this recording makes it, write !id NAME here and where it is made; if the seed has it, let it be.',
  },
  'mid-flow': { severity: 'error', advice: 'Record again, and wait for the last answer before you stop or leave the page.' },
  'missing-head': { severity: 'warning', advice: 'Start the recording first, then load the page: what its connect does is not compared now.' },
  'never-acked': { severity: 'warning', advice: 'Each replay waits for it until the timeout: quarantine the trace, or record again.' },
  'changes-nothing': { severity: 'error', advice: 'Record a flow in which the application answers, or delete the file.' },
  'compares-nothing': {
    severity: 'warning',
    advice: 'Record with the probe, which sees causes, or say in the scenario what must come: toHaveReceived.',
  },
  'large-value': { severity: 'warning', advice: 'Record with less data; nobody can review this.' },
  'large-file': { severity: 'warning', advice: 'Record shorter flows, or leave out what is not needed with --exclude.' },
  'too-large': { severity: 'error', advice: 'Record shorter flows, or leave out what is not needed with --exclude.' },
  'orphaned-file': { severity: 'warning', advice: 'Delete it.' },
} as const satisfies Record<string, { severity: 'error' | 'warning'; advice: string }>;

export type RuleName = keyof typeof rules;

/** What a rule finds: `key` is the key that is meant of the mapping at `path`. */
export interface Finding {
  rule: RuleName;
  path: Path;
  key?: string;
  what: string;
}

/** What the rules look at. */
export interface Subject {
  recording: Recording;
  places: readonly Place[];
  /** of the file and its side files */
  bytes: number;
  /** milliseconds since the epoch */
  now: number;
  /** whether a secret is configured, as far as can be told */
  configured(secret: string): boolean;
}

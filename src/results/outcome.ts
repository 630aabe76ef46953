/** The words of results. Apart from the schemas, so that the report's page has them without zod. */

export const outcomes = ['passed', 'mismatch', 'rejected', 'timeout', 'connect-failed', 'disconnected', 'aborted', 'skipped'] as const;
export type Outcome = (typeof outcomes)[number];

/** Worst first (DESIGN.md law 11): what a set of outcomes adds up to. `updated`: it differed, and the recording was written anew. */
export const verdicts = ['failed', 'interrupted', 'disconnected', 'truncated', 'skipped', 'updated', 'finished'] as const;
export type Verdict = (typeof verdicts)[number];

/** Ways to run the pool beside the iterations; each is a project of this name. */
export const modes = ['ceiling', 'soak', 'behavioural'] as const;
export type Mode = (typeof modes)[number];

/** Most alarming first: something is gone, has another type, another value, is new. */
export const differenceClasses = ['removed', 'type', 'value', 'added'] as const;
export type DifferenceClass = (typeof differenceClasses)[number];

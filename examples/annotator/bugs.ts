/**
 * The regressions this application can be started with, one at a time (ANNOTATOR_BUG=name).
 * Every place that misbehaves asks `bugs.is(name)` and has the wrong code right beside the right code.
 */
export const BUGS = [
  { name: 'annotation-end-not-written', description: 'annotationUpdate: the INSERT lost the column "end"; the push still shows it, the row holds NULL.' },
  { name: 'activity-written-twice', description: 'Every activity row is written twice, once at once and once after the ack; only one is pushed.' },
  { name: 'private-comment-leak', description: 'commentUpdate: a private comment is pushed to everybody who has the document open.' },
  { name: 'comment-push-missing', description: 'commentUpdate: the row is written and acknowledged, commentRefresh is never sent.' },
  { name: 'tag-assign-no-effect', description: 'appDataUpdate annotation/assignTag: says success, but the UPDATE matches no row.' },
  { name: 'upload-size-string', description: 'documentUpload: the ack has size as a string instead of a number.' },
  { name: 'comment-never-acks', description: 'commentUpdate: a comment is saved and pushed, but the client never gets its ack.' },
  { name: 'rev-lost-update', description: 'annotationUpdate: document.rev is read, then awaited upon, then written; concurrent updates get lost.' },
  { name: 'slow-with-clients', description: 'annotationUpdate: looks up every client for every client before it pushes; slow with many connected.' },
  { name: 'edit-by-anyone', description: "annotationUpdate and annotationDelete: the owner check is gone, another user's annotation can be changed." },
] as const;

type BugName = (typeof BUGS)[number]['name'];

/** Answers whether a regression is switched on. At most one ever is. */
export interface Bugs {
  readonly active: BugName | undefined;
  is(name: BugName): boolean;
}

export class UnknownBug extends Error {
  constructor(name: string) {
    super(`ANNOTATOR_BUG=${name} is not known. Known are:\n${BUGS.map((bug) => `  ${bug.name}`).join('\n')}`);
  }
}

/** Nothing or an empty text means: no bug. Anything not in the list is an error, never silently ignored. */
export function chooseBug(name: string | undefined): Bugs {
  if (!name) return { active: undefined, is: () => false };
  const active = BUGS.find((bug) => bug.name === name)?.name;
  if (!active) throw new UnknownBug(name);
  return { active, is: (asked) => asked === active };
}

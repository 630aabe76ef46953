import type { Context } from '../context.js';
import { findDocument } from '../db/rows.js';

/**
 * Counts one change of a document. Begin before the slow work, call the answer with the write:
 * the right code does not need what was known at the beginning, the wrong code relies on it.
 */
export function revisionOf({ db, bugs }: Context, documentId: number): (userId: number) => void {
  const revBefore = findDocument(db, documentId)?.rev ?? 0;
  return (userId) => {
    const now = new Date().toISOString();
    if (bugs.is('rev-lost-update')) {
      // Wrong: whoever else counted meanwhile is overwritten.
      db.prepare('UPDATE document SET rev = ?, updatedBy = ?, updatedAt = ? WHERE id = ?').run(revBefore + 1, userId, now, documentId);
    } else {
      db.prepare('UPDATE document SET rev = rev + 1, updatedBy = ?, updatedAt = ? WHERE id = ?').run(userId, now, documentId);
    }
  };
}

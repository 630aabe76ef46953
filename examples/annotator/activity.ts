import type { Bugs } from './bugs.js';
import type { User } from './context.js';
import type { Db } from './db/open.js';
import type { Push } from './push.js';

export interface Activity {
  documentId: number;
  user: User;
  action: 'annotated' | 'edited' | 'deleted' | 'commented' | 'tagged' | 'uploaded' | 'renamed';
  /** Something private is written down, but nobody is told. */
  quiet?: boolean;
}

const DELAY_MS = 50;

/** Writes what happened a moment after the user got the ack, so that nobody waits for the audit. */
export class ActivityLog {
  private readonly pending = new Map<NodeJS.Timeout, () => void>();

  constructor(
    private readonly db: Db,
    private readonly push: Push,
    private readonly bugs: Bugs,
  ) {}

  record(activity: Activity): void {
    const timer = setTimeout(() => {
      this.pending.delete(timer);
      this.write(activity);
    }, DELAY_MS);
    this.pending.set(timer, () => this.write(activity));
    // Wrong: the call from before the delay was introduced is still here.
    if (this.bugs.is('activity-written-twice')) this.insert(activity);
  }

  /** At shutdown: what was acknowledged must be in the audit. */
  flush(): void {
    for (const [timer, write] of [...this.pending]) {
      clearTimeout(timer);
      write();
    }
    this.pending.clear();
  }

  /** At reset: the rows these belong to are gone. */
  cancel(): void {
    for (const timer of this.pending.keys()) clearTimeout(timer);
    this.pending.clear();
  }

  private write(activity: Activity): void {
    const row = this.insert(activity);
    if (!activity.quiet) this.push.toDocument(activity.documentId, 'activityRefresh', [row]);
  }

  private insert({ documentId, user, action }: Activity): Record<string, unknown> {
    const row = { documentId, userId: user.id, action, summary: `${user.name} ${action}`, createdAt: new Date().toISOString() };
    const { lastInsertRowid } = this.db
      .prepare('INSERT INTO activity (documentId, userId, action, summary, createdAt) VALUES (@documentId, @userId, @action, @summary, @createdAt)')
      .run(row);
    return { id: Number(lastInsertRowid), ...row };
  }
}

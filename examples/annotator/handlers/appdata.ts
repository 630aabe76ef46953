import { z } from 'zod';
import type { AppSocket, Context } from '../context.js';
import { findDocument, findTag } from '../db/rows.js';
import { handle, Rejection } from '../handle.js';
import { existingAnnotation, ownAnnotation } from './access.js';
import { Colour, refuseDuplicate, TagName } from './tags.js';

const Id = z.number().int();
const RenameDocument = z.object({
  table: z.literal('document'),
  operation: z.literal('rename'),
  data: z.object({ id: Id, title: z.string().trim().min(1).max(200) }),
});
const EditTag = z.object({
  table: z.literal('tag'),
  operation: z.literal('edit'),
  data: z.object({ id: Id, name: TagName.optional(), colour: Colour.optional() }),
});
const AssignTag = z.object({
  table: z.literal('annotation'),
  operation: z.literal('assignTag'),
  data: z.object({ id: Id, tagId: Id.nullable() }),
});
const Change = z.discriminatedUnion('table', [RenameDocument, EditTag, AssignTag]);

/** One generic event for small changes; what it does is in the payload, not in its name. */
export function appDataHandlers(context: Context, socket: AppSocket): void {
  handle(socket, 'appDataUpdate', Change, async (change) => {
    if (change.table === 'document') renameDocument(context, socket, change.data);
    else if (change.table === 'tag') editTag(context, socket, change.data);
    else assignTag(context, socket, change.data);
  });
}

function renameDocument({ db, push, activity }: Context, socket: AppSocket, { id, title }: z.infer<typeof RenameDocument>['data']): void {
  const { user } = socket.data;
  if (!findDocument(db, id)) throw new Rejection('There is no such document');
  db.prepare('UPDATE document SET title = ?, rev = rev + 1, updatedBy = ?, updatedAt = ? WHERE id = ?').run(title, user.id, new Date().toISOString(), id);
  push.toTable('document', 'documentRefresh', [{ id, title }]);
  activity.record({ documentId: id, user, action: 'renamed' });
}

function editTag({ db, push }: Context, socket: AppSocket, data: z.infer<typeof EditTag>['data']): void {
  const tag = findTag(db, data.id);
  if (!tag) throw new Rejection('There is no such tag');
  if (tag.createdBy !== socket.data.user.id && !socket.data.admin) throw new Rejection('This tag belongs to another user');
  const row = { ...tag, name: data.name ?? tag.name, colour: data.colour ?? tag.colour };
  refuseDuplicate(row.name, () => {
    db.prepare('UPDATE tag SET name = @name, colour = @colour WHERE id = @id').run(row);
  });
  push.toTable('tag', 'tagRefresh', [row]);
}

function assignTag(context: Context, socket: AppSocket, { id, tagId }: z.infer<typeof AssignTag>['data']): void {
  const { db, bugs, push, activity } = context;
  const before = ownAnnotation(context, socket, id);
  if (tagId !== null && !findTag(db, tagId)) throw new Rejection('There is no such tag');
  if (bugs.is('tag-assign-no-effect')) {
    // Wrong: meant as "unless somebody else was faster", but NULL = NULL is never true, and nobody looks at the count.
    db.prepare('UPDATE annotation SET tagId = ? WHERE id = ? AND tagId = ?').run(tagId, id, before.tagId);
  } else {
    db.prepare('UPDATE annotation SET tagId = ? WHERE id = ?').run(tagId, id);
  }
  push.toDocument(before.documentId, 'annotationRefresh', [existingAnnotation(context, id)]);
  activity.record({ documentId: before.documentId, user: socket.data.user, action: 'tagged' });
}

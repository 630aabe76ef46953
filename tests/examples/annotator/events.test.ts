import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TABLES } from '../../../examples/annotator/db/schema.js';
import { type Client, type Lab, openLab, until } from './support.js';

describe('annotator events', () => {
  let lab: Lab;
  let alice: Client;
  let bob: Client;
  beforeAll(async () => {
    lab = await openLab();
  });
  afterAll(() => lab.close());
  beforeEach(async () => {
    alice?.socket.disconnect();
    bob?.socket.disconnect();
    await fetch(`${lab.url}/reset`, { method: 'POST' });
    [alice, bob] = await Promise.all([lab.client('alice'), lab.client('bob')]);
    await bob.send('documentOpen', { documentId: 1 });
  });

  it('tells who is logged in', () => {
    expect(alice.pushes[0]).toEqual({ event: 'ready', payload: { user: { id: 1, name: 'alice' } } });
  });

  it('lists and opens documents', async () => {
    const list = await alice.send('documentList', {});
    expect(list.data).toHaveLength(3);
    const opened = await alice.send('documentOpen', { documentId: 2 });
    expect(opened.data).toMatchObject({ document: { id: 2, rev: 1 }, annotations: [], comments: [], uploads: [] });
    expect(await alice.send('documentOpen', { documentId: 99 })).toEqual({ success: false, message: 'There is no such document' });
    expect((await alice.send('documentOpen', { documentId: 'two' })).message).toContain('documentId');
  });

  it('gives the id of a new annotation only in the push', async () => {
    await alice.send('documentOpen', { documentId: 1 });
    const ack = await alice.send('annotationUpdate', { documentId: 1, text: 'a lonely habit', start: 3, end: 9 });
    expect(ack).toEqual({ success: true });
    const row = await bob.row('annotationRefresh');
    expect(row).toMatchObject({ id: 1, documentId: 1, userName: 'alice', start: 3, end: 9, tagId: null, wordCount: 3, label: 'lonely' });
    // What was pushed is what was written.
    expect((await bob.send('documentOpen', { documentId: 1 })).data).toMatchObject({ annotations: [row], document: { rev: 2, updatedBy: 1 } });
  });

  it('pushes only to those who have the document open', async () => {
    await bob.send('documentClose', { documentId: 1 });
    await alice.annotate();
    await bob.send('documentList', {});
    expect(bob.got('annotationRefresh')).toEqual([]);
  });

  it('changes and deletes an annotation, but not that of another user', async () => {
    const { id } = await alice.annotate();
    const refused = { success: false, message: 'This annotation belongs to another user' };
    expect(await bob.send('annotationUpdate', { annotationId: id, text: 'mine now' })).toEqual(refused);
    expect(await bob.send('annotationDelete', { annotationId: id })).toEqual(refused);
    expect(await alice.send('annotationUpdate', { annotationId: id, text: 'a better remark' })).toEqual({ success: true });
    expect(await bob.row('annotationRefresh', (row) => row.text === 'a better remark')).toMatchObject({ id, start: 0, end: 7 });
    await alice.send('commentUpdate', { annotationId: id, text: 'goes with it' });
    expect(await alice.send('annotationDelete', { annotationId: id })).toEqual({ success: true });
    expect(await bob.row('annotationRefresh', (row) => row.deleted === true)).toEqual({ id, documentId: 1, deleted: true });
    expect(lab.rows('SELECT * FROM annotation')).toEqual([]);
    expect(lab.rows('SELECT * FROM comment')).toEqual([]);
    expect(lab.rows('SELECT rev FROM document WHERE id = 1')).toEqual([{ rev: 4 }]);
  });

  it('shows a private comment only to its author and the owner of the annotation', async () => {
    const admin = await lab.client('admin');
    await admin.send('documentOpen', { documentId: 1 });
    const { id } = await alice.annotate();
    await bob.send('commentUpdate', { annotationId: id, text: 'psst', private: true });
    await bob.send('commentUpdate', { annotationId: id, text: 'hello all' });
    expect(await alice.row('commentRefresh')).toMatchObject({ text: 'psst', private: true, userName: 'bob' });
    expect(await bob.row('commentRefresh')).toMatchObject({ text: 'psst' });
    // The first that admin gets is the second that was sent.
    expect(await admin.row('commentRefresh')).toMatchObject({ text: 'hello all', private: false });
    expect((await admin.send('documentOpen', { documentId: 1 })).data?.comments).toHaveLength(1);
    expect(alice.pushes.filter((push) => push.event === 'notification')).toHaveLength(2);
    expect(bob.pushes.filter((push) => push.event === 'notification')).toEqual([]);
    await until(() => lab.rows("SELECT * FROM activity WHERE action = 'commented'").length === 2);
    expect((await admin.row('activityRefresh', (row) => row.action === 'commented')).summary).toBe('bob commented');
    expect(admin.got('activityRefresh').filter((row) => row.action === 'commented')).toHaveLength(1);
  });

  it('lets only the author change a comment', async () => {
    const { id } = await alice.annotate();
    await alice.send('commentUpdate', { annotationId: id, text: 'frist' });
    const comment = await bob.row('commentRefresh');
    expect((await bob.send('commentUpdate', { commentId: comment.id, text: 'x' })).success).toBe(false);
    expect(await alice.send('commentUpdate', { commentId: comment.id, text: 'first' })).toEqual({ success: true });
    expect(await bob.row('commentRefresh', (row) => row.text === 'first')).toEqual({ ...comment, text: 'first' });
  });

  it('creates a tag once, assigns it and tells subscribers', async () => {
    const subscribed = await bob.send('subscribe', { table: 'tag' });
    expect(await alice.send('tagCreate', { name: 'quote', colour: '#00aa00' })).toEqual({
      success: true,
      data: { id: 3, name: 'quote', colour: '#00aa00', createdBy: 1 },
    });
    expect(await bob.row('tagRefresh', (row) => row.name === 'quote')).toMatchObject({ id: 3 });
    expect(await bob.send('tagCreate', { name: 'quote', colour: '#00aa00' })).toEqual({ success: false, message: 'A tag named quote exists' });
    const { id } = await alice.annotate();
    await alice.send('appDataUpdate', { table: 'annotation', operation: 'assignTag', data: { id, tagId: 3 } });
    expect(await bob.row('annotationRefresh', (row) => row.tagId === 3)).toMatchObject({ id });
    expect((await bob.send('unsubscribe', { subscriptionId: subscribed.data?.subscriptionId })).success).toBe(true);
    await alice.send('tagCreate', { name: 'later', colour: '#00aa00' });
    await bob.send('documentList', {});
    expect(bob.got('tagRefresh').map((row) => row.name)).toEqual(['question', 'important', 'quote']);
  });

  it('takes the operation from the payload', async () => {
    await bob.send('subscribe', { table: 'document' });
    expect(await alice.send('appDataUpdate', { table: 'document', operation: 'rename', data: { id: 1, title: 'New' } })).toEqual({ success: true });
    expect(await bob.row('documentRefresh', (row) => row.title === 'New')).toEqual({ id: 1, title: 'New' });
    const edit = { table: 'tag', operation: 'edit', data: { id: 1, name: 'important' } };
    expect((await alice.send('appDataUpdate', edit)).message).toBe('This tag belongs to another user');
    const admin = await lab.client('admin');
    expect((await admin.send('appDataUpdate', edit)).message).toBe('A tag named important exists');
    expect((await alice.send('appDataUpdate', { table: 'user', operation: 'rename', data: {} })).success).toBe(false);
  });

  it('takes a file and gives it back', async () => {
    const file = Buffer.from([0, 1, 2, 255, 254]);
    const ack = await alice.send('documentUpload', { documentId: 1, name: 'bytes.bin', file });
    const sha256 = createHash('sha256').update(file).digest('hex');
    expect(ack).toEqual({ success: true, data: { id: 1, size: 5, sha256 } });
    expect(await bob.row('uploadRefresh')).toMatchObject({ id: 1, documentId: 1, name: 'bytes.bin', size: 5, sha256 });
    const back = await bob.send('uploadGet', { uploadId: 1 });
    expect(file.equals(back.data?.file as Buffer)).toBe(true);
    expect((await alice.send('documentUpload', { documentId: 1, name: 'empty', file: Buffer.alloc(0) })).data).toMatchObject({ size: 0 });
  });

  it('writes the activity after the ack', async () => {
    await alice.annotate();
    expect(lab.rows('SELECT * FROM activity')).toEqual([]);
    expect(await bob.row('activityRefresh')).toMatchObject({ id: 1, documentId: 1, userId: 1, summary: 'alice annotated' });
  });

  it('writes statistics in one row when the socket goes', async () => {
    alice.socket.emit('statistic', { clicks: 2 });
    alice.socket.emit('statistic', { clicks: 3, keys: 9 });
    await alice.send('documentList', {});
    expect(lab.rows('SELECT * FROM statistic')).toEqual([]);
    alice.socket.disconnect();
    await until(() => lab.rows('SELECT * FROM statistic').length > 0);
    expect(lab.rows('SELECT userId, clicks, keys FROM statistic')).toEqual([{ userId: 1, clicks: 5, keys: 9 }]);
  });

  it('goes back to the seed while sockets are connected', async () => {
    await alice.annotate();
    alice.socket.emit('statistic', { clicks: 1 });
    await alice.send('tagCreate', { name: 'gone soon', colour: '#000000' });
    expect((await fetch(`${lab.url}/reset`, { method: 'POST' })).status).toBe(204);
    for (const table of ['annotation', 'comment', 'upload', 'activity', 'statistic']) expect(lab.rows(`SELECT * FROM ${table}`)).toEqual([]);
    expect(lab.rows('SELECT name FROM tag ORDER BY id')).toEqual([{ name: 'question' }, { name: 'important' }]);
    // Nobody has the document open any more, the ids start again, and the old counts are forgotten.
    expect((await alice.annotate('after the reset')).id).toBe(1);
    await alice.row('activityRefresh');
    expect(bob.got('annotationRefresh').map((row) => row.text)).toEqual(['a first remark']);
    alice.socket.disconnect();
    await bob.send('documentList', {});
    expect(lab.rows('SELECT * FROM statistic')).toEqual([]);
  });

  it('gives the same rows after each reset, times and random keys aside', async () => {
    const flow = async (): Promise<string> => {
      await fetch(`${lab.url}/reset`, { method: 'POST' });
      const { id } = await alice.annotate();
      await bob.send('annotationDelete', { annotationId: id });
      await alice.send('annotationUpdate', { annotationId: id, text: 'again' });
      await bob.send('commentUpdate', { annotationId: id, text: 'why', private: true });
      await bob.send('tagCreate', { name: 'reason', colour: '#123456' });
      await alice.send('appDataUpdate', { table: 'annotation', operation: 'assignTag', data: { id, tagId: 3 } });
      await alice.send('documentUpload', { documentId: 1, name: 'a', file: Buffer.from('abc') });
      await until(() => lab.rows('SELECT * FROM activity').length === 5);
      const volatile = new Set(['createdAt', 'updatedAt', 'shareKey']);
      const tables = TABLES.map((table) => lab.rows(`SELECT * FROM ${table}`));
      return JSON.stringify(tables, (key, value: unknown) => (volatile.has(key) ? undefined : value));
    };
    expect(await flow()).toBe(await flow());
  });

  it('works for the same user many times at once', async () => {
    const copies = await Promise.all(Array.from({ length: 10 }, () => lab.client('alice')));
    await Promise.all(copies.map((copy, n) => copy.annotate(`remark ${n}`)));
    expect(lab.rows('SELECT rev FROM document WHERE id = 1')).toEqual([{ rev: 11 }]);
    const ids = lab.rows('SELECT id FROM annotation ORDER BY id').map((row) => row.id);
    expect(ids).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { BUGS } from '../../../examples/annotator/bugs.js';
import { type Client, type Lab, openLab } from './support.js';

const tried = new Set<string>();

describe('annotator regressions', () => {
  let lab: Lab;
  let alice: Client;
  let bob: Client;
  afterEach(() => lab.close());

  const start = async (bug: string): Promise<void> => {
    tried.add(bug);
    lab = await openLab(bug);
    [alice, bob] = await Promise.all([lab.client('alice'), lab.client('bob')]);
    await bob.send('documentOpen', { documentId: 1 });
  };

  it('annotation-end-not-written shows in the row only', async () => {
    await start('annotation-end-not-written');
    expect(await alice.annotate()).toMatchObject({ end: 7 });
    expect(lab.rows('SELECT "end" FROM annotation')).toEqual([{ end: null }]);
  });

  it('activity-written-twice shows in the rows only', async () => {
    await start('activity-written-twice');
    await alice.annotate();
    await alice.row('activityRefresh');
    expect(alice.got('activityRefresh')).toHaveLength(1);
    expect(lab.rows('SELECT * FROM activity')).toHaveLength(2);
  });

  it('private-comment-leak shows at a user who must not get it', async () => {
    await start('private-comment-leak');
    const { id } = await alice.annotate();
    await alice.send('commentUpdate', { annotationId: id, text: 'note to self', private: true });
    expect(await bob.row('commentRefresh')).toMatchObject({ text: 'note to self' });
  });

  it('comment-push-missing shows in the pushes only', async () => {
    await start('comment-push-missing');
    const { id } = await alice.annotate();
    expect(await alice.send('commentUpdate', { annotationId: id, text: 'hello' })).toEqual({ success: true });
    await bob.row('activityRefresh', (row) => row.action === 'commented');
    expect(bob.got('commentRefresh')).toEqual([]);
    expect(lab.rows('SELECT text FROM comment')).toEqual([{ text: 'hello' }]);
  });

  it('tag-assign-no-effect says success and changes nothing', async () => {
    await start('tag-assign-no-effect');
    const { id } = await alice.annotate();
    expect((await alice.send('appDataUpdate', { table: 'annotation', operation: 'assignTag', data: { id, tagId: 1 } })).success).toBe(true);
    expect(lab.rows('SELECT tagId FROM annotation')).toEqual([{ tagId: null }]);
  });

  it('upload-size-string shows in the ack only', async () => {
    await start('upload-size-string');
    const ack = await alice.send('documentUpload', { documentId: 1, name: 'a', file: Buffer.from('abc') });
    expect(ack.data).toMatchObject({ size: '3' });
    expect(lab.rows('SELECT size FROM upload')).toEqual([{ size: 3 }]);
  });

  it('comment-never-acks writes and pushes, and leaves the client waiting', async () => {
    await start('comment-never-acks');
    const { id } = await alice.annotate();
    await expect(alice.send('commentUpdate', { annotationId: id, text: 'hello' }, 200)).rejects.toThrow('timed out');
    expect(await bob.row('commentRefresh')).toMatchObject({ text: 'hello' });
    expect((await alice.send('commentUpdate', { annotationId: 99, text: 'hello' })).success).toBe(false);
  });

  it('rev-lost-update shows only with several users at once', async () => {
    await start('rev-lost-update');
    await alice.annotate('one');
    await alice.annotate('two');
    expect(lab.rows('SELECT rev FROM document WHERE id = 1')).toEqual([{ rev: 3 }]);
    await Promise.all([alice.annotate('three'), bob.annotate('four')]);
    expect(lab.rows('SELECT rev FROM document WHERE id = 1')).toEqual([{ rev: 4 }]);
  });

  it('slow-with-clients is unnoticed by four and too slow for twelve', async () => {
    await start('slow-with-clients');
    const connect = (count: number): Promise<Client[]> => Promise.all(Array.from({ length: count }, () => lab.client('alice')));
    const duration = async (): Promise<number> => {
      const begin = performance.now();
      expect(await alice.send('annotationUpdate', { documentId: 1, text: 'x', start: 0, end: 1 }, 9000)).toEqual({ success: true });
      return performance.now() - begin;
    };
    await connect(2);
    expect(await duration()).toBeLessThan(1500);
    await connect(8);
    expect(await duration()).toBeGreaterThan(2500);
  }, 12_000);

  it('edit-by-anyone lets bob change what belongs to alice', async () => {
    await start('edit-by-anyone');
    const { id } = await alice.annotate();
    expect((await bob.send('annotationUpdate', { annotationId: id, text: 'mine now' })).success).toBe(true);
  });

  it('has a test for every one', async () => {
    lab = await openLab();
    expect([...tried].sort()).toEqual(BUGS.map((bug) => bug.name).sort());
  });
});

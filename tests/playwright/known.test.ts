/** What is settled before a replay begins. */
import { expect, test } from 'vitest';
import { mutableColumns } from '../../src/playwright/known.js';
import { any, Tagged } from '../../src/recording/values.js';
import { connect, emit, recorded } from '../replay/world.js';

test('columns that are updated, and settings by the texts of their keys, may be changed by anybody', () => {
  const set = (name: string, values: { [key: string]: string | Tagged }) => ({ update: 'setting', key: { name, userId: 1 }, set: values });
  const save = emit('save', [], {
    changes: [
      set('projects.default', { value: new Tagged({ tag: 'text', template: '${project1}' }), updatedAt: any('timestamp') }),
      set('sidebar.width', { updatedAt: any('timestamp') }),
      { insert: 'project', row: { id: new Tagged({ tag: 'id', name: 'project1' }), title: 'mine' } },
    ],
  });
  expect(mutableColumns([recorded('settings', { alice: [connect(), save] })])).toEqual(new Set(['value', 'updatedAt', 'projects.default']));
});

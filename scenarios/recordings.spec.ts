import { recordings, test } from 'socket-replay';

// Project `regression`: every recording alone, compared exactly.
for (const name of recordings())
  test(name, async ({ replay }) => {
    await replay(name);
  });

// Projects `iteration-1` … `iteration-M`: all recordings together, at growing scale.
test('pool', { tag: '@pool' }, async ({ replay }) => {
  await replay();
});

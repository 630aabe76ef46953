import { defineConfig } from 'vitest/config';

/** Tests that attach the probe to this very process, or reach into it: it hooks what the next file would use without it. */
const probes = [
  'tests/probe/{channel,log-streams,timers}.test.ts',
  'tests/probe/changes/{better-sqlite3,node-sqlite,pg,sqlite3}.test.ts',
  'tests/traps/**/*.test.ts',
  // All but these, which use none.
  'tests/replay/!(changes.property|getting-in|laws.property|load-plan|order.property|outcomes|pace.property|plan|request|sent-requests|settings|watched).test.ts',
  'tests/playwright/{expect,preflight}.test.ts',
];
/** Tests that mostly wait for processes of their own. */
const commands = [
  'tests/{cli,docs,e2e}/**/*.test.ts',
  'tests/probe/kinds/**/*.test.ts',
  'tests/probe/{application,foreign-adapters,loading,requests,sockets,unharmed}.test.ts',
  'tests/probe/changes/{orms,pg-attribution,pg-libraries}.test.ts',
];

/** To start a process and to load the sources takes longer than most files run, so they share one where they can. */
const shared = { isolate: false, testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 10_000 } } };

export default defineConfig({
  test: {
    // Two cores, and one worker more: most wait for processes, a browser or a database.
    maxWorkers: 3,
    // Projects run one after the other by their names: those that take long first, so that no worker is left alone at the end.
    projects: [
      { test: { ...shared, name: 'commands', include: commands } },
      { test: { ...shared, name: 'probes', include: probes, isolate: true, env: { REPLAY_TEST_ALONE: '1' } } },
      { test: { ...shared, name: 'units', include: ['tests/**/*.test.ts'], exclude: [...commands, ...probes] } },
    ],
  },
});

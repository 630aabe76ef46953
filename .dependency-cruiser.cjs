/** The house (docs/architecture.md): imports run downwards only. */
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  comment: `${from} may import only ${allowed.join(', ') || 'nothing of ours'}`,
  from: { path: `^${from}` },
  to: { path: '^(src|reporters)/', pathNot: [`^${from}`, ...allowed.map((room) => `^${room}`)] },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: { path: '^(src|reporters)' }, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    only('recording is the ground floor', 'src/recording/', ['src/errors']),
    only('wire is the ground floor', 'src/wire/', ['src/errors']),
    // What a database says of itself is asked by both, in the same words.
    only('watch', 'src/watch/', ['src/database/database', 'src/probe/changes/(sqlite-schema|pg-schema|row-text|pg-values)', 'src/wire/', 'src/errors']),
    only('results', 'src/results/', ['src/recording/', 'src/errors']),
    only("the probe is loaded into other people's processes", 'src/probe/', ['src/wire/(cookies|encode|runtime-dir|messages|pg-sql|process)']),
    only('database', 'src/database/', ['src/recording/', 'src/wire/', 'src/errors']),
    only('auth', 'src/auth/', ['src/recording/', 'src/wire/', 'src/errors']),
    only('capture', 'src/capture/', ['src/recording/', 'src/wire/', 'src/watch/', 'src/results/', 'src/errors']),
    only('replay', 'src/replay/', ['src/recording/', 'src/wire/', 'src/watch/', 'src/results/', 'src/auth/', 'src/errors']),
    {
      name: 'reporters never import replay',
      severity: 'error',
      from: { path: '^reporters/' },
      to: { path: '^src/(replay|capture|playwright|cli|probe|auth|database)/' },
    },
    {
      name: 'only playwright and reporters know Playwright',
      severity: 'error',
      from: { path: '^src/(?!playwright/|index)' },
      to: { path: '@playwright/test' },
    },
    {
      name: 'the probe loads nothing heavy',
      severity: 'error',
      from: { path: '^src/probe/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-peer'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};

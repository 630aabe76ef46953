import { describe, expect, it } from 'vitest';
import { selectedProjects } from '../../src/playwright/selected-projects.js';

const projects = [
  { name: 'regression' },
  { name: 'iteration-1', dependencies: ['regression'] },
  { name: 'iteration-2', dependencies: ['iteration-1'] },
  { name: 'pages' },
];
const selected = (...argv: string[]) => selectedProjects(projects, ['node', 'playwright', 'test', ...argv]).map(({ name }) => name);

describe('the projects of a command line', () => {
  it.each([
    [[], ['regression', 'iteration-1', 'iteration-2', 'pages']],
    [['--project=pages'], ['pages']],
    [
      ['--project', 'pages', 'regression', '--headed', 'iteration-2'],
      ['regression', 'pages'],
    ],
    [['--project=pages', 'iteration-2'], ['pages']],
    [['--project=iteration-2'], ['regression', 'iteration-1', 'iteration-2']],
    [['--project=iteration-2', '--no-deps'], ['iteration-2']],
    [
      ['--project=Iteration-*', '--no-deps'],
      ['iteration-1', 'iteration-2'],
    ],
    [
      ['--project=iteration-1', '--project=pages', '-g', 'x'],
      ['regression', 'iteration-1', 'pages'],
    ],
    [['--project=nobody'], []],
  ])('%j: %j', (argv, names) => expect(selected(...argv)).toEqual(names));
});

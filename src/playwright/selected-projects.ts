/** Which projects a command line of Playwright runs, with those that they depend on. Pure. */
import { globPattern } from '../recording/glob.js';

interface Named {
  name?: string | undefined;
  dependencies?: string[] | undefined;
}

/** Only `--project` and `--no-deps` are read: what files, `-g` and the like leave of a project is not known before Playwright has read the tests. */
export function selectedProjects<T extends Named>(projects: readonly T[], argv: readonly string[]): T[] {
  const wanted = projectsOf(argv).map((name) => globPattern(name.toLowerCase()));
  const chosen = new Set(wanted.length === 0 ? projects : projects.filter(({ name = '' }) => wanted.some((pattern) => pattern.test(name.toLowerCase()))));
  // A set goes on over what is added meanwhile.
  if (!argv.includes('--no-deps'))
    for (const { dependencies = [] } of chosen)
      for (const project of projects) if (project.name !== undefined && dependencies.includes(project.name)) chosen.add(project);
  return projects.filter((project) => chosen.has(project));
}

/** `--project=a`, `--project a b c`. */
function projectsOf(argv: readonly string[]): string[] {
  const names: string[] = [];
  let open = false;
  for (const word of argv) {
    if (word === '--') break;
    if (word.startsWith('--project=')) names.push(word.slice('--project='.length));
    else if (open && !word.startsWith('-')) names.push(word);
    open = word === '--project' || (open && !word.startsWith('-'));
  }
  return names;
}

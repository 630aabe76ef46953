/** What a reviewer sees when a flow is recorded again: `git diff` of two recordings of the real application. */
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Client } from '../examples/annotator/support.js';
import { record, startAnnotator, temporary } from './support.js';

type People = { alice: Client; bob: Client };

async function login(url: string, name: string): Promise<Client> {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: name, password: `${name}-pw` }),
  });
  return Client.connect(url, response.headers.getSetCookie()[0]?.split(';')[0] ?? '');
}

/** Waits for what comes after the acknowledgement too, the feed: it is part of the flow. */
async function annotate({ alice, bob }: People, text: string): Promise<void> {
  const known = new Set(alice.got('activityRefresh').map(({ id }) => id));
  await alice.send('annotationUpdate', { documentId: 1, text, start: 0, end: 7 });
  for (const person of [alice, bob]) {
    await person.row('annotationRefresh', (row) => row.text === text);
    await person.row('activityRefresh', ({ id }) => !known.has(id));
  }
}

/** Two people annotate and comment; `between` is what one of the recordings has more. */
async function flow(url: string, between: (people: People) => Promise<void> = async () => undefined): Promise<void> {
  const people = { alice: await login(url, 'alice'), bob: await login(url, 'bob') };
  const { alice, bob } = people;
  for (const person of [alice, bob]) await person.send('documentOpen', { documentId: 1 });
  await annotate(people, 'the first remark');
  const first = await bob.row('annotationRefresh', (row) => row.text === 'the first remark');
  await between(people);
  await annotate(people, 'the last remark');
  await bob.send('commentUpdate', { annotationId: first.id, text: 'agreed', private: false });
  for (const person of [alice, bob]) await person.row('activityRefresh', (row) => row.action === 'commented');
  for (const person of [bob, alice]) person.socket.disconnect();
}

/** Recorded into a folder of its own, or over the one that lies there. */
async function recorded(folder: string, between?: (people: People) => Promise<void>): Promise<string> {
  const target = await startAnnotator();
  const { code, output } = await record(target, 'golden', folder, () => flow(target.url, between));
  await target.stop();
  expect(code, output).toBe(0);
  return join(folder, 'golden.yaml');
}

/** The lines of a diff that begin with `+` or `-`, by hunk. */
function hunks(one: string, other: string): string[][] {
  const { status, stdout } = spawnSync('git', ['diff', '--no-index', '--unified=0', '--no-color', one, other], { encoding: 'utf8' });
  expect(status).toBe(1);
  return stdout
    .split(/^@@ .*$/m)
    .slice(1)
    .map((hunk) => hunk.split('\n').filter((line) => /^[-+]/.test(line)));
}

const isTime = (line: string): boolean => /^[-+] +times: \[|^[-+]recorded: \{ .*took: \d+ \}$/.test(line);

it('of the same flow: the times, and nothing else', { timeout: 60_000 }, async () => {
  const lines = hunks(await recorded(temporary('golden')), await recorded(temporary('golden'))).flat();
  expect(lines.filter((line) => !isTime(line))).toEqual([]);
  // How long it took, and the times of two sessions.
  expect(lines).toHaveLength(6);
});

it('of a flow with one event more, recorded over the first: its trace, and the times', { timeout: 60_000 }, async () => {
  const folder = temporary('golden');
  const before = join(temporary('golden'), 'before.yaml');
  cpSync(await recorded(folder), before);
  const found = hunks(before, await recorded(folder, (people) => annotate(people, 'one more')));
  const [more, ...rest] = found.filter((lines) => !lines.every(isTime));
  expect(rest).toEqual([]);
  expect(more?.filter((line) => line.startsWith('-'))).toEqual([]);
  const added = more?.map((line) => line.slice(1)).join('\n') ?? '';
  expect(added.match(/- emit: /g)).toHaveLength(1);
  expect(added).toContain('text: one more');
  expect([...new Set(added.match(/!id \w+/g))].sort()).toEqual(['!id activity4', '!id annotation3', '!id shareKey3']);
  expect(found.flat().filter(isTime)).toHaveLength(6);
});

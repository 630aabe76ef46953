/** What a reviewer sees when a flow is recorded again: `git diff` of two recordings of the real application. */
import { execFileSync } from 'node:child_process';
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

async function recorded(between?: (people: People) => Promise<void>): Promise<string> {
  const target = await startAnnotator();
  const folder = temporary('golden');
  const { code, output } = await record(target, 'golden', folder, () => flow(target.url, between));
  await target.stop();
  expect(code, output).toBe(0);
  return join(folder, 'golden.yaml');
}

/** The lines of a diff that begin with `+` or `-`. */
function diff(one: string, other: string): string[] {
  try {
    execFileSync('git', ['diff', '--no-index', '--unified=0', one, other], { encoding: 'utf8' });
    return [];
  } catch (error) {
    const { stdout } = error as { stdout: string };
    return stdout.split('\n').filter((line) => /^[-+](?![-+]{2} )/.test(line));
  }
}

it('of the same flow: the times, and nothing else', { timeout: 60_000 }, async () => {
  const [one, other] = [await recorded(), await recorded()];
  const lines = diff(one, other);
  console.log(lines.join('\n'));
  expect(lines.filter((line) => !/^[-+] +times: |^[-+]recorded: \{ .*took: \d+ \}$/.test(line))).toEqual([]);
});

it('of a flow with one event more', { timeout: 60_000 }, async () => {
  const [one, other] = [await recorded(), await recorded((people) => annotate(people, 'one more'))];
  const lines = diff(one, other);
  console.log(lines.join('\n'));
});

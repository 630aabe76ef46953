import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAnnotator } from '../../../examples/annotator/app.js';
import { BUGS } from '../../../examples/annotator/bugs.js';
import { analyse } from '../../../examples/annotator/wordservice.js';
import { Client, type Lab, openLab } from './support.js';

describe('annotator over HTTP', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab();
  });
  afterAll(() => lab.close());

  const login = (username: string, password: string): Promise<Response> =>
    fetch(`${lab.url}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password }),
    });

  it('logs in with JSON', async () => {
    const response = await login('alice', 'alice-pw');
    expect(response.status).toBe(200);
    expect(response.headers.get('set-cookie')).toMatch(/^connect\.sid=/);
    expect(await response.json()).toEqual({ user: { id: 1, name: 'alice' } });
  });

  it('sends a browser form back to the page', async () => {
    const response = await fetch(`${lab.url}/login`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ username: 'bob', password: 'bob-pw' }),
    });
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toBe('/');
  });

  it('refuses a wrong password and an unknown user', async () => {
    expect((await login('alice', 'bob-pw')).status).toBe(401);
    expect((await login('nobody', 'x')).status).toBe(401);
    const form = await fetch(`${lab.url}/login`, { method: 'POST', body: new URLSearchParams({ username: 'bob', password: 'x' }) });
    expect(form.status).toBe(401);
    expect(await form.text()).toContain('data-login="failed"');
  });

  it('refuses a socket without a login', async () => {
    await expect(Client.connect(lab.url, '')).rejects.toThrow('not logged in');
  });

  it('keeps an open socket authorised after the logout, but takes no new one', async () => {
    const cookie = await lab.cookie('alice');
    const client = await Client.connect(lab.url, cookie);
    await fetch(`${lab.url}/logout`, { method: 'POST', headers: { cookie } });
    expect((await client.send('documentList', {})).success).toBe(true);
    await expect(Client.connect(lab.url, cookie)).rejects.toThrow('not logged in');
    client.socket.disconnect();
  });

  it('answers its health', async () => {
    expect((await fetch(`${lab.url}/healthz`)).status).toBe(200);
  });
});

describe('annotator start', () => {
  it('lists its regressions and refuses an unknown one', async () => {
    const run = (args: string[], env: Record<string, string>) =>
      spawnSync(process.execPath, ['--import', 'tsx', 'examples/annotator/server.ts', ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
    expect(run(['--list-bugs'], {}).stdout.trim().split('\n')).toEqual(BUGS.map((bug) => bug.name));
    const refused = run([], { ANNOTATOR_BUG: 'no-such-bug' });
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('no-such-bug');
    await expect(startAnnotator({ bug: 'no-such-bug' })).rejects.toThrow('not known');
  });

  it('always gives the same label to the same text', () => {
    expect(analyse('Two herons, two weirs')).toEqual({ words: 4, label: 'herons' });
    expect(analyse(' … ')).toEqual({ words: 0, label: null });
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import type { User } from './context.js';
import type { Db } from './db/open.js';
import { checkPassword } from './password.js';

const PUBLIC = join(import.meta.dirname, 'public');
const Credentials = z.object({ username: z.string(), password: z.string() });
const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

/** A program sends JSON and gets JSON; the form of a browser gets pages. */
const wantsJson = (request: Request): boolean => Boolean(request.is('application/json'));

async function findUser(db: Db, body: unknown): Promise<User | undefined> {
  const given = Credentials.safeParse(body);
  if (!given.success) return undefined;
  const row = db.prepare<[string], User & { passwordHash: string }>('SELECT id, name, passwordHash FROM user WHERE name = ?').get(given.data.username);
  if (!row || !(await checkPassword(given.data.password, row.passwordHash))) return undefined;
  return { id: row.id, name: row.name };
}

/** A new session id at login, so that one planted before is worth nothing. */
function logIn(request: Request, user: User): Promise<void> {
  return new Promise((resolve, reject) => {
    request.session.regenerate((failed: unknown) => {
      if (failed) return reject(failed);
      request.session.user = user;
      request.session.save((unsaved: unknown) => (unsaved ? reject(unsaved) : resolve()));
    });
  });
}

function loginFailed(request: Request, response: Response): void {
  response.status(401);
  if (wantsJson(request)) return void response.json({ message: 'Wrong name or password' });
  // The same page again, told to say so.
  const page = readFileSync(join(PUBLIC, 'index.html'), 'utf8').replace('data-login="open"', 'data-login="failed"');
  response.type('html').send(page);
}

export function buildHttp(db: Db, sessions: RequestHandler, reset: () => void): Express {
  const app = express();
  app.disable('x-powered-by');

  app.get('/healthz', (_request, response) => void response.json({ ok: true }));

  // Before the session: a test that resets needs no cookie.
  app.post('/reset', (request, response) => {
    if (!LOOPBACK.has(request.socket.remoteAddress ?? '')) return void response.status(403).end();
    reset();
    response.status(204).end();
  });

  app.use(sessions, express.json(), express.urlencoded({ extended: false }));

  app.post('/login', async (request, response) => {
    const user = await findUser(db, request.body);
    if (!user) return loginFailed(request, response);
    await logIn(request, user);
    if (wantsJson(request)) response.json({ user });
    else response.redirect(303, '/');
  });

  app.post('/logout', (request, response) => {
    request.session.destroy(() => {
      response.clearCookie('connect.sid');
      if (wantsJson(request)) response.json({ ok: true });
      else response.redirect(303, '/');
    });
  });

  app.get('/me', (request, response) => void response.json({ user: request.session.user ?? null }));
  app.use(express.static(PUBLIC));
  return app;
}

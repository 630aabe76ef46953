import type { RequestHandler } from 'express';
import session from 'express-session';
import type { User } from './context.js';

declare module 'express-session' {
  interface SessionData {
    user: User;
  }
}

/** The usual cookie `connect.sid`. The memory store is enough for a demo; it is lost at a restart. */
export function sessionMiddleware(): RequestHandler {
  return session({
    secret: process.env.ANNOTATOR_SECRET ?? 'annotator-demo-secret',
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax' },
  });
}

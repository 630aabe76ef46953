import { scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** Far too cheap for production, on purpose: many users log in at once during a replay under load. */
const COST = { N: 1024, r: 8, p: 1 };
const LENGTH = 32;
const derive = promisify<string, string, number, typeof COST, Buffer>(scrypt);

export function hashPassword(password: string, salt: string): string {
  return `${salt}:${scryptSync(password, salt, LENGTH, COST).toString('hex')}`;
}

export async function checkPassword(password: string, stored: string): Promise<boolean> {
  const [salt = '', hex = ''] = stored.split(':');
  const expected = Buffer.from(hex, 'hex');
  const given = await derive(password, salt, LENGTH, COST);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

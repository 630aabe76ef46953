import { describe, expect, it, vi } from 'vitest';
import { checkProtected, checkProtectedRun, markProtected } from '../../src/playwright/protected.js';
import { temporary } from '../e2e/support.js';

const target = 'https://shop.example.com/';
const check = (patterns: string[], allowed = false, REPLAY_ALLOW_PROTECTED = '', more: { target?: string; declared?: boolean } = {}) => {
  try {
    return checkProtected({ target, patterns, allowed, ...more }, { REPLAY_ALLOW_PROTECTED }) ? 'is protected, and may' : 'may';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a protected target', () => {
  it.each(['shop.example.com', '*.example.com', 'SHOP.example.com', 'shop.example.com:443', '*', 'shop.example.???'])('is one of %s', (pattern) => {
    expect(check([pattern])).toMatch(/^REPLAY_TARGET_PROTECTED: https:\/\/shop\.example\.com\/ is protected/);
  });

  it.each(['example.com', '*.shop.example.com', 'shop.example.com:80', 'shop.example.co', 'shopxexample.com'])('is none of %s', (pattern) => {
    expect(check([pattern])).toBe('may');
  });

  it('needs both, and says which is missing', () => {
    expect(check(['*'])).toContain('because the scenario does not say `allowProtected: true`, and REPLAY_ALLOW_PROTECTED does not name shop.example.com');
    expect(check(['*'], true)).toContain('because REPLAY_ALLOW_PROTECTED does not name shop.example.com');
    expect(check(['*'], false, 'shop.example.com')).toContain('because the scenario does not say');
    expect(check(['*'], true, 'other.example.com, example.com, 1')).toContain('REPLAY_ALLOW_PROTECTED does not name');
    expect(check(['*'], true, '*')).toContain('REPLAY_ALLOW_PROTECTED does not name');
    expect(check(['*'], true, 'other, Shop.example.com')).toBe('is protected, and may');
    expect(check(['*'], true, 'shop.example.com:443')).toBe('is protected, and may');
    expect(check(['*'], true, 'shop.example.com:8443')).toContain('does not name');
  });

  it('may declare itself', () => {
    expect(check([], false, '', { declared: true })).toContain('its process runs with REPLAY_PROTECTED=1');
    expect(check([], true, 'shop.example.com', { declared: true })).toBe('is protected, and may');
  });

  it('keeps a run against it from being taken back without the word of the environment', () => {
    const directory = temporary('run');
    checkProtectedRun(directory);
    markProtected(directory, target);
    expect(() => checkProtectedRun(directory)).toThrow(/REPLAY_TARGET_PROTECTED.*REPLAY_ALLOW_PROTECTED does not name shop\.example\.com\n/);
    vi.stubEnv('REPLAY_ALLOW_PROTECTED', 'shop.example.com');
    checkProtectedRun(directory);
    vi.unstubAllEnvs();
  });

  it('is the same by other spellings', () => {
    expect(check(['shop.example.com'], false, '', { target: 'http://SHOP.example.com.:80' })).toContain('is protected');
    expect(check(['[[]::1[]]', '[::1]'], false, '', { target: 'http://[::1]:3000' })).toContain('is protected');
    expect(check(['10.0.0.*'], false, '', { target: 'http://10.0.0.7' })).toContain('is protected');
  });
});

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toJson } from '../../src/recording/json.js';
import { createRedactor } from '../../src/recording/redact.js';
import { Tagged, type Value } from '../../src/recording/values.js';
import { value as arbitraryValue } from './arbitrary.js';

const secret = (name: string) => new Tagged({ tag: 'secret', name });
const redact = (value: Value, keyHint?: string) => createRedactor().redact(value, keyHint);
const jwt = `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.${Buffer.from('{"sub":"1234"}').toString('base64url')}.${'aB3_'.repeat(10)}`;

describe('by key', () => {
  it.each([
    ['password', 'password1'],
    ['passwd', 'password1'],
    ['pwd', 'password1'],
    ['userPassword', 'password1'],
    ['new-password', 'password1'],
    ['PASSWORD', 'password1'],
    ['secret', 'secret1'],
    ['client_secret', 'secret1'],
    ['token', 'token1'],
    ['access_token', 'token1'],
    ['refreshToken', 'token1'],
    ['api_key', 'apiKey1'],
    ['apikey', 'apiKey1'],
    ['X-API-Key', 'apiKey1'],
    ['Authorization', 'authorization1'],
    ['cookie', 'cookie1'],
    ['set-cookie', 'cookie1'],
    ['connect.sid', 'cookie1'],
    ['_csrf', 'csrf1'],
    ['x-csrf-token', 'token1'],
    ['otp', 'otp1'],
    ['userOtp', 'otp1'],
  ])('%s', (key, name) => {
    expect(redact({ [key]: 'abc' })).toEqual({ [key]: secret(name) });
    expect(redact('abc', key)).toEqual(secret(name));
  });

  it.each([
    { tokenCount: 3 },
    { passwordHint: 'the dog' },
    { token: 7 },
    { password: true },
    { password: null },
    { password: '' },
    { tokens: ['The', 'cat'] },
    { secretary: 'Ann' },
    { laptop: 'new' },
    { tokenize: 'yes' },
    { name: 'password' },
    { label: 'token', text: 'cat' },
    { keyboard: 'qwerty' },
  ] as Value[])('leaves %o', (value) => {
    expect(redact(value)).toBe(value);
  });

  it('reaches into lists, headers, and what lies under a secret key', () => {
    expect(redact({ cookies: { sid: 'x', n: 1 }, passwords: ['a', 'b', 'a'] })).toEqual({
      cookies: { sid: secret('cookie1'), n: 1 },
      passwords: [secret('password1'), secret('password2'), secret('password1')],
    });
    expect(redact([['Cookie', 'a=b'], { name: 'authorization', value: 'abc' }, ['cookie', 'recipe', 'x']])).toEqual([
      ['Cookie', secret('cookie1')],
      { name: 'authorization', value: secret('authorization1') },
      ['cookie', 'recipe', 'x'],
    ]);
    expect(redact(new Tagged({ tag: 'some', items: [{ password: 'a' }] }))).toEqual(new Tagged({ tag: 'some', items: [{ password: secret('password1') }] }));
  });

  it('knows further keys', () => {
    expect(createRedactor({ keys: ['license_no', ''] }).redact({ userLicenseNo: 'a', other: 'b' })).toEqual({
      userLicenseNo: secret('licenseno1'),
      other: 'b',
    });
  });
});

describe('by shape', () => {
  it.each([
    ['a JWT', jwt, 'token1'],
    ['a JWT in a text', `/login?next=${jwt}&x=1`, 'token1'],
    ['a bearer token', 'Bearer abc123def456', 'token1'],
    ['basic authorization', `Basic ${Buffer.from('ann:pw').toString('base64')}`, 'authorization1'],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----', 'privateKey1'],
    ['a signed cookie', 's:bTzZ8N1kM2s4.aG9tZXJ1bnMgYXJlIGZ1biBidXQgcmFyZQ', 'cookie1'],
    ['an encoded signed cookie', 'connect.sid=s%3AbTzZ8N1kM2s4.aG9tZXJ1bnMgYXJlIGZ1biBidXQgcmFyZQ', 'cookie1'],
    ['an AWS key', 'AKIAIOSFODNN7EXAMPLE', 'accessKey1'],
    ['a GitHub token', `ghp_${'a1B2'.repeat(9)}`, 'token1'],
    ['JSON in a text', '{"user":"ann","password":"pw"}', 'password1'],
    ['escaped JSON', '"{\\"user\\":\\"ann\\",\\"password\\":\\"pw\\"}"', 'password1'],
    ['a query', '/files/7?size=2&access_token=abc', 'token1'],
    ['a form', 'user=ann&password=pw', 'password1'],
    ['a URL with a password', 'see postgres://ann:pw@host/db', 'url1'],
  ])('%s', (_, text, name) => {
    expect(redact({ x: text })).toEqual({ x: secret(name) });
  });

  it('finds random keys', () => {
    let missed = 0;
    for (let i = 0; i < 500; i++)
      for (const text of [
        randomBytes(16).toString('hex'),
        randomBytes(32).toString('hex'),
        randomBytes(24).toString('base64'),
        randomBytes(32).toString('base64url'),
      ])
        if (redact(text) === text) missed++;
    expect(missed).toBeLessThan(20);
  });

  it('leaves uuids, hashes of content, dates and ordinary text', () => {
    const digest = (algorithm: string) => createHash(algorithm).update('x').digest('hex');
    const values: Value = {
      id: randomUUID(),
      upper: randomUUID().toUpperCase(),
      sha256: digest('sha256'),
      contentHash: digest('sha1'),
      md5: digest('md5'),
      'file-checksum': digest('sha256'),
      date: '2024-01-31T12:30:00.000Z',
      text: 'The bearer of this letter may sign: the password is told by phone; Bearer instruments exist.',
      basic: 'Basic introduction',
      slug: 'my-very-long-document-title-2024-edition-final',
      path: '/documents/Annotations/Page2/Comments/Overview3',
      identifier: 'annotationUpdateResponseHandlerVersion2Final',
      word: 'Donaudampfschifffahrtsgesellschaftskapitaen1',
      zeros: '0'.repeat(64),
      image: `data:image/png;base64,${randomBytes(600).toString('base64')}`,
      content: randomBytes(1000).toString('base64'),
      url: 'https://example.com/a?page=2&sort=name',
      json: '{"tokenCount": 3, "text": "a"}',
      mongo: '507f1f77bcf86cd799439011',
      nano: 'V1StGXR8_Z5jdHi6B-myT',
      binary: new Uint8Array([1, 2, 3]),
    };
    expect(redact(values)).toBe(values);
  });

  it('reaches keys of objects', () => {
    const [key] = Object.keys(redact({ [jwt]: 1 }) as object);
    expect(key).toBe('[secret token1]');
    const hashes = { [createHash('sha256').update('x').digest('hex')]: 1 };
    expect(redact(hashes)).toBe(hashes);
  });
});

describe('names', () => {
  it('are one a secret, everywhere', () => {
    const redactor = createRedactor();
    expect(redactor.redact({ token: 'abc', other: { password: 'abc' }, csrfToken: 'def' })).toEqual({
      token: secret('token1'),
      other: { password: secret('token1') },
      csrfToken: secret('token2'),
    });
    expect(redactor.redact('abc', 'secret')).toEqual(secret('token1'));
    expect(redactor.redact('ghi', 'secret')).toEqual(secret('secret1'));
  });
});

describe('laws', () => {
  it('keeps no secret, and returns what has none as it is', () => {
    fc.assert(
      fc.property(arbitraryValue, fc.stringMatching(/^[a-z]{12}$/), (value, password) => {
        const redacted = redact({ value, inside: [{ password: `Zq9${password}` }] }) as { inside: Value };
        expect(JSON.stringify(toJson(redacted as unknown as Value))).not.toContain(`Zq9${password}`);
        // What was redacted has nothing left to redact.
        const once = redact(value);
        expect(redact(once)).toBe(once);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves untouched parts the same objects', () => {
    const clean = { a: [1, { b: 'c' }] };
    const redacted = redact({ clean, password: 'x' }) as { clean: Value };
    expect(redacted.clean).toBe(clean);
  });

  it('takes time in proportion to the length of hostile texts', () => {
    for (const text of [
      '-eyJ'.repeat(50_000),
      '\\'.repeat(200_000),
      `${'"a'.repeat(100_000)}"`,
      'a://'.repeat(50_000),
      's:aaaaaaaa'.repeat(20_000),
      '?a'.repeat(100_000),
      `x=${'Bearer '.repeat(30_000)}`,
    ]) {
      const started = Date.now();
      redact(text);
      expect(Date.now() - started, text.slice(0, 20)).toBeLessThan(4000);
    }
  });
});

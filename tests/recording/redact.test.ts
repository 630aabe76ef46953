import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { toJson } from '../../src/recording/json.js';
import { createRedactor } from '../../src/recording/redact.js';
import { Tagged, type Value } from '../../src/recording/values.js';
import fc from '../fast-check.js';
import { value as arbitraryValue } from './arbitrary.js';

const secret = (name: string) => new Tagged({ tag: 'secret', name });
const text = (template: string) => new Tagged({ tag: 'text', template });
const redact = (value: Value) => createRedactor().redact(value);
const jwt = `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.${Buffer.from('{"sub":"1234"}').toString('base64url')}.${'aB3_'.repeat(10)}`;

describe('by key', () => {
  it('leaves what says yes or no', () => {
    const settings = { 'app.login.forgotPassword': 'true', showApiKey: 'false', password: 'truest', all: [{ key: 'app.apiKey', value: 'true' }] };
    expect(redact(settings)).toEqual({ ...settings, password: secret('password1') });
  });
  it.each([
    ['password', 'password1'],
    ['passwd', 'password1'],
    ['passwordHash', 'passwordHash1'],
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
    { transferToken: 'path/to/file' },
    { token: '/var/files/my-file_2.tar' },
    { tokens: ['docs/Reading-list.txt'] },
  ] as Value[])('leaves %o', (value) => {
    expect(redact(value)).toBe(value);
  });

  it('reaches into lists, headers, and what lies under a secret key', () => {
    expect(redact({ cookies: { sid: 'x', n: 1 }, passwords: ['a', 'b', 'a'] })).toEqual({
      cookies: { sid: secret('cookie1'), n: 1 },
      passwords: [secret('password1'), secret('password2'), secret('password1')],
    });
    expect(redact([['Cookie', 'a=b'], { name: 'authorization', value: 'abc' }, ['cookie', 'recipe', 'x']])).toEqual([
      ['Cookie', text('a=${!secret cookie1}')],
      { name: 'authorization', value: secret('authorization1') },
      ['cookie', 'recipe', 'x'],
    ]);
    expect(redact(new Tagged({ tag: 'some', items: [{ password: 'a' }] }))).toEqual(new Tagged({ tag: 'some', items: [{ password: secret('password1') }] }));
  });

  it.each(['Ab3d/fGh4/xY', 'aGVsbG8/d29ybGQ', 'one', '/x9f2', 'path/to/a1b2c3d4e5', 'a/b', 'path/to?x=1', 'secret//word'])('no path: %s', (value) => {
    expect(redact({ token: value })).toEqual({ token: secret('token1') });
  });
  it('a path is a password, or what a rule says', () => {
    expect(redact({ password: 'path/to/file' })).toEqual({ password: secret('password1') });
    expect(createRedactor({ rules: ['transferToken'] }).redact({ transferToken: 'path/to/file' })).toEqual({ transferToken: secret('transferToken1') });
  });

  it('an id with its kind before it is what other ids are', () => {
    const hex = createHash('sha256').update('x').digest('hex').slice(0, 32);
    for (const value of [hex, `r.${hex}`]) {
      expect(redact({ readOnlyId: value })).toEqual({ readOnlyId: value });
      expect(redact({ value })).toEqual({ value: secret('key1') });
      const redactor = createRedactor();
      expect(redactor.restore(redactor.redact([{ value }, { readOnlyId: value }]))).toEqual([{ value }, { readOnlyId: value }]);
    }
  });

  it('knows further keys', () => {
    expect(createRedactor({ rules: ['license_no', ''] }).redact({ userLicenseNo: 'a', other: 'b' })).toEqual({
      userLicenseNo: secret('licenseno1'),
      other: 'b',
    });
  });
});

describe('by shape', () => {
  it.each([
    ['a JWT', jwt, '${!secret token1}'],
    ['a JWT in a text', `/login?next=${jwt}&x=1`, '/login?next=${!secret token1}&x=1'],
    ['a bearer token', 'Bearer abc123def456', 'Bearer ${!secret token1}'],
    ['basic authorization', `Basic ${Buffer.from('ann:pw').toString('base64')}`, 'Basic ${!secret authorization1}'],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n', '${!secret privateKey1}\n'],
    ['half a private key', 'x -----BEGIN PRIVATE KEY-----\nMIIE', 'x ${!secret privateKey1}'],
    ['a signed cookie', 's:bTzZ8N1kM2s4.aG9tZXJ1bnMgYXJlIGZ1biBidXQgcmFyZQ', '${!secret cookie1}'],
    ['an encoded signed cookie', 'connect.sid=s%3AbTzZ8N1kM2s4.aG9tZXJ1bnMgYXJlIGZ1biBidXQgcmFyZQ', 'connect.sid=${!secret cookie1}'],
    ['a hash of bcrypt', `$2a$10$${'aB3./'.repeat(10)}xyz`, '${!secret passwordHash1}'],
    ['a hash of Argon2', '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b', '${!secret passwordHash1}'],
    ['an AWS key', 'AKIAIOSFODNN7EXAMPLE', '${!secret accessKey1}'],
    ['a GitHub token', `use ghp_${'a1B2'.repeat(9)}.`, 'use ${!secret token1}.'],
    ['JSON in a text', '{"user":"ann","password":"pw"}', '{"user":"ann","password":"${!secret password1}"}'],
    ['escaped JSON', '"{\\"user\\":\\"ann\\",\\"password\\":\\"pw\\"}"', '"{\\"user\\":\\"ann\\",\\"password\\":\\"${!secret password1}\\"}"'],
    ['JSON that has an object under the key', '{"cookies":{"sid":"x7"}}', '{"cookies":{"sid":"${!secret cookie1}"}}'],
    ['broken JSON', 'got {"password":"p\\"w", "x', 'got {"password":"${!secret password1}", "x'],
    ['a query', '/files/7?size=2&access_token=abc', '/files/7?size=2&access_token=${!secret token1}'],
    ['a random value in a query', '/reset?t=a8Fk3Lq9Zx2Wv7Bn4Mc6Rt1Yp5Hs0JdG', '/reset?t=${!secret key1}'],
    ['a form', 'user=ann&password=pw', 'user=ann&password=${!secret password1}'],
    ['a message', 'login failed (password=hunter2, try 3)', 'login failed (password=${!secret password1}, try 3)'],
    ['a message with a colon', 'wrong password: hunter2', 'wrong password: ${!secret password1}'],
    ['a message with quotes', "token 'x' for password: 'a b'", "token 'x' for password: '${!secret password1}'"],
    ['a URL with a password', 'see postgres://ann:pw@host/db', 'see postgres://ann:${!secret password1}@host/db'],
  ])('%s', (_, plain, template) => {
    const whole = /^\$\{!secret (\w+)\}$/.exec(template)?.[1];
    expect(redact({ x: plain })).toEqual({ x: whole ? secret(whole) : text(template) });
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
    // One of 64 keys of 16 bytes looks like a uuid.
    expect(missed).toBeLessThan(40);
  });

  it('leaves uuids, hashes of content, dates and ordinary text', () => {
    const digest = (algorithm: string) => createHash(algorithm).update('x').digest('hex');
    const values: Value = {
      id: randomUUID(),
      upper: randomUUID().toUpperCase(),
      bare: randomUUID().replaceAll('-', ''),
      padId: '0123456789abcdef'.repeat(2),
      told: 'Password: must have 8 letters',
      headline: 'The password=',
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
    expect(redactor.redact({ secret: 'abc' })).toEqual({ secret: secret('token1') });
    expect(redactor.redact({ secret: 'ghi' })).toEqual({ secret: secret('secret1') });
  });
});

describe('one secret, one name', () => {
  const both = (...values: Value[]) => {
    const redactor = createRedactor();
    const once = values.map((value) => redactor.redact(value));
    return once.map((value) => redactor.redact(value));
  };

  it('as a token, in a header, in a URL, in JSON, percent-encoded', () => {
    expect(
      both(
        { token: 'ab+c/d=12345' },
        { headers: { authorization: 'Bearer ab+c/d=12345', cookie: 'lang=en; sid=ab+c/d=12345' } },
        '/x?access_token=ab%2Bc%2Fd%3D12345',
        '{"token":"ab+c/d=12345"}',
        'see ab+c/d=12345.',
      ),
    ).toEqual([
      { token: secret('token1') },
      { headers: { authorization: text('Bearer ${!secret token1}'), cookie: text('lang=${!secret cookie1}; sid=${!secret token1}') } },
      text('/x?access_token=${!secret token2}'),
      text('{"token":"${!secret token1}"}'),
      text('see ${!secret token1}.'),
    ]);
  });

  it('a short password in another field, a text, a key, JSON, before it was known as one', () => {
    expect(
      both({ note: 'hunter2' }, { password: 'hunter2' }, { note: 'hunter2' }, ['is hunter2 right?', 'hunter22'], '{"a":["hunter2"]}', {
        pw: createHash('sha1').update('x').digest('base64'),
      })[0],
    ).toEqual({ note: secret('password1') });
    expect(both({ password: 'hunter2' }, ['is hunter2 right?', 'hunter22', '{"a":["hunter2"]}'])[1]).toEqual([
      text('is ${!secret password1} right?'),
      'hunter22',
      text('{"a":["${!secret password1}"]}'),
    ]);
    expect(both({ password: 'correct-horse-7' }, { 'room-correct-horse-7': 1 })[1]).toEqual({ 'room-[secret password1]': 1 });
  });

  it('but the name of a user that is also the password stays a name', () => {
    expect(both({ username: 'alice', password: 'alice' }, { by: 'alice', text: 'alice wrote' })[1]).toEqual({ by: 'alice', text: 'alice wrote' });
    const redactor = createRedactor();
    redactor.publish('bob');
    expect([redactor.redact({ password: 'bob' }), redactor.redact('bob')]).toEqual([{ password: secret('password1') }, 'bob']);
  });

  it('sent as a set-cookie and back as a cookie', () => {
    expect(both({ 'set-cookie': ['sid=abc; Path=/; HttpOnly; Expires=Thu, 01 Jan 2026 00:00:00 GMT'] }, { Cookie: 'sid=abc' }, { cookie: 'no pairs' })).toEqual(
      [
        { 'set-cookie': [text('sid=${!secret cookie1}; Path=/; HttpOnly; Expires=Thu, 01 Jan 2026 00:00:00 GMT')] },
        { Cookie: text('sid=${!secret cookie1}') },
        { cookie: secret('cookie2') },
      ],
    );
  });

  it('knows the password of Basic authorization', () => {
    const basic = `Basic ${Buffer.from('ann:sesame-5').toString('base64')}`;
    expect(both({ authorization: basic }, 'sesame-5')).toEqual([{ authorization: text('Basic ${!secret authorization1}') }, secret('password1')]);
  });

  it('a code of digits, as a number and as a text', () => {
    expect(both({ otp: 482913, token: 7 }, 'your code: 482913')).toEqual([{ otp: secret('otp1'), token: 7 }, text('your code: ${!secret otp1}')]);
  });
});

describe('what may be an id', () => {
  const hex = 'f3b1c9d2e4a5968701b2c3d4e5f60718';

  it('is a secret until it stands under the key of one, and is put back', () => {
    const redactor = createRedactor();
    expect(redactor.redact([hex])).toEqual([secret('key1')]);
    expect(redactor.restore(redactor.redact([hex]))).toEqual([secret('key1')]);
    expect(redactor.redact({ padId: hex })).toEqual({ padId: secret('key1') });
    expect(redactor.restore([secret('key1'), secret('key2')])).toEqual([hex, secret('key2')]);
    expect(redactor.redact({ id: `${hex.slice(0, -1)}9` })).toEqual({ id: `${hex.slice(0, -1)}9` });
    expect(redactor.redact(`${hex.slice(0, -1)}9`)).toBe(`${hex.slice(0, -1)}9`);
  });

  it('stays a secret where it is one by its key, or the id of a session', () => {
    const redactor = createRedactor();
    expect(redactor.redact([{ x: hex }, { token: hex }, { id: hex }])).toEqual([{ x: secret('key1') }, { token: secret('key1') }, { id: secret('key1') }]);
    expect(redactor.restore(secret('key1'))).toEqual(secret('key1'));
    expect(redact({ sessionId: hex, sid: hex.replace('f', 'e') })).toEqual({ sessionId: secret('key1'), sid: secret('key2') });
  });
});

describe('by place', () => {
  it('the id of a session in its store is, whatever it looks like', () => {
    const redactor = createRedactor({ rules: [] });
    const at = (table: string, row: Value) => redactor.redact(row, { event: `table:${table}`, part: 'row' });
    const letters = 'JAJoKOkMPjqwertzuiopasdfghjklyxc';
    expect(at('Sessions', { sid: letters, data: '{}' })).toEqual({ sid: secret('sid1'), data: '{}' });
    expect(at('user_session', { sid: 'short' })).toEqual({ sid: secret('sid2') });
    expect(at('songs', { sid: 'other' })).toEqual({ sid: 'other' });
  });

  it('takes what a rule points at, and nothing else', () => {
    const redactor = createRedactor({ rules: ['login*:args[0].pin', 'chat:login:ack[*].code', 'table:users:row.phone', 'pay:args[1]'] });
    const at = (event: string, part: string, value: Value) => redactor.redact(value, { event, part });
    expect(at('loginUser', 'args', [{ pin: 12, name: 'ann' }])).toEqual([{ pin: secret('pin1'), name: 'ann' }]);
    expect(at('loginUser', 'ack', [{ pin: 12 }])).toEqual([{ pin: 12 }]);
    expect(at('logout', 'args', [{ pin: 12 }])).toEqual([{ pin: 12 }]);
    expect(at('chat:login', 'ack', [1, { code: 'abcdef' }])).toEqual([1, { code: secret('code1') }]);
    expect(at('table:users', 'row', { phone: '555-1', name: 'x' })).toEqual({ phone: secret('phone1'), name: 'x' });
    expect(at('pay', 'args', ['a', { card: '4111', list: ['b'] }])).toEqual(['a', { card: secret('secret1'), list: [secret('secret2')] }]);
  });

  it.each(['login:arg[0].pin', 'login:', 'a[0]', ':args'])('refuses %s, which would protect nothing', (rule) => {
    expect(() => createRedactor({ rules: [rule] })).toThrow(/REPLAY_USAGE/);
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

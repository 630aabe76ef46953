/** Examples in the documentation are true: recordings are read, TypeScript is checked, tables name every key, tag and option. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { vscodeCustomTags } from '../../src/recording/json-schema.js';
import { readRecording } from '../../src/recording/read.js';
import {
  changeSchema,
  connectSchema,
  httpSchema,
  pushSchema,
  quarantineSchema,
  receivedSchema,
  recordingSchema,
  sessionSchema,
  traceSchema,
} from '../../src/recording/schema.js';
import { tagKinds } from '../../src/recording/tags.js';
import { anyTypes } from '../../src/recording/values.js';
import { root, temporary } from '../e2e/support.js';
import { type Block, blocksOf, pageOf, placeOf } from './markdown.js';

const indent = (text: string, by: number): string => text.replace(/^(?=.)/gm, ' '.repeat(by));

/** A recording around an example that is only a part of one. The names that it uses are made by a first trace. */
function wholeOf({ text, mark }: Block): string {
  if (mark === undefined) return text;
  const names = new Set([...text.matchAll(/!id (\w+)|\$\{(\w+)\}/g)].map(([, id, inText]) => id ?? inText ?? ''));
  const made = `  - id: alice\n    traces:\n      - emit: make\n        ack: [${[...names].map((name) => `!id ${name}`).join(', ')}]\n`;
  const others = '  - { id: bob, traces: [] }\n';
  const head = (own: string): string =>
    ['version: 1', 'name: example', 'status: finished'].filter((line) => !new RegExp(`^${line.split(':')[0]}:`, 'm').test(own)).join('\n');
  switch (mark) {
    case 'fragment: traces':
      return `${head('')}\nsessions:\n${made}${indent(text, 6)}${others}`;
    case 'fragment: session':
      return `${head('')}\nsessions:\n${made}${indent(text, 2)}${others}`;
    case 'fragment: recording':
      return `${head(text)}\n${text}sessions:\n${made}${others}`;
    default:
      throw new Error(`${mark}: unknown mark of an example`);
  }
}

const read = (text: string) => readRecording(text, { file: 'example.yaml', readBinary: () => undefined });

describe('recordings', () => {
  const yaml = blocksOf('yaml');
  const examples = yaml.filter(({ mark }) => mark !== 'not a recording');

  it('has examples', () => expect(examples.length).toBeGreaterThan(8));

  it.each(examples.map((block) => [placeOf(block), block] as const))('%s is read', (_, block) => {
    expect(read(wholeOf(block)).errors?.map(({ message }) => message) ?? []).toEqual([]);
  });

  it.each(yaml.filter(({ mark }) => mark === 'not a recording').map((block) => [placeOf(block), block] as const))('%s is YAML', (_, block) => {
    expect(parse(block.text)).toBeTypeOf('object');
  });
});

describe('json', () => {
  it.each(blocksOf('json').map((block) => [placeOf(block), block] as const))('%s is JSON', (_, block) => {
    expect(JSON.parse(block.text)).toBeTypeOf('object');
  });
});

describe('docs/reference/recording.md', () => {
  const { text } = pageOf('docs/reference/recording.md');
  const spelled = [...text.matchAll(/^\| `(![^`]+)` \|/gm)].map(([, tag = '']) => tag);

  it.each(spelled)('%s is a tag', (tag) => {
    const whole = wholeOf({
      file: '',
      line: 0,
      language: 'yaml',
      mark: 'fragment: traces',
      text: `- emit: x\n  args: [${/^!(?:id|text|unique|now|uuid|socket|secret)\b/.test(tag) ? tag : 1}]\n  ack:\n    - ${tag}\n`,
    });
    expect(read(whole).errors?.map(({ message }) => message) ?? []).toEqual([]);
  });

  it('has every tag and every type of !any', () => {
    for (const tag of Object.keys(tagKinds)) expect(text).toMatch(new RegExp(`!${tag}\\b`));
    for (const type of anyTypes) expect(spelled).toContain(`!any ${type}`);
  });

  it('has the tags for editors as `init` writes them', () => {
    const settings = JSON.parse(blocksOf('json').find((block) => block.text.includes('yaml.customTags'))?.text ?? '{}') as { 'yaml.customTags'?: string[] };
    expect(settings['yaml.customTags']?.sort()).toEqual([...vscodeCustomTags].sort());
  });

  it('has every key of the format', () => {
    const schemas = [recordingSchema, sessionSchema, traceSchema, pushSchema, receivedSchema, changeSchema, connectSchema, httpSchema, quarantineSchema];
    const keys = new Set(schemas.flatMap((schema) => Object.keys(schema.shape)));
    expect([...keys].filter((key) => !new RegExp(`\`${key}(?:: [A-Z]+)?\``).test(text))).toEqual([]);
  });
});

describe('docs/reference/options.md', () => {
  it('has every option', async () => {
    const { useSchema } = await import('../../src/playwright/options.js');
    const { loginSchema } = await import('../../src/auth/get-in.js');
    const { text } = pageOf('docs/reference/options.md');
    const logins = loginSchema.options.flatMap(({ shape }) => Object.keys(shape));
    for (const option of [
      ...Object.keys(useSchema.shape),
      ...logins,
      'recordings',
      'iterations',
      'schedule',
      'continueOnFailure',
      'allowLoad',
      'protectedTargets',
    ])
      expect(text).toMatch(new RegExp(`^\\| \`${option}\` \\|`, 'm'));
  });
});

describe('TypeScript', () => {
  it('checks against the built package', { timeout: 120_000 }, async () => {
    const folder = temporary('docs-types');
    if (!existsSync(join(root, 'dist/src/index.d.ts'))) throw new Error('socket-replay is not built: npm run build');
    for (const name of ['@playwright/test', 'playwright', 'playwright-core', 'socket.io', 'socket.io-client', '@types/node'])
      link(folder, name, join(root, 'node_modules', name));
    link(folder, 'socket-replay', root);
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const names = new Map(blocksOf('ts').map((block, i) => [`example-${i + 1}.ts`, block]));
    expect(names.size).toBeGreaterThan(4);
    for (const [name, { text }] of names) writeFileSync(join(folder, name), text);
    const compilerOptions = { strict: true, noEmit: true, module: 'nodenext', target: 'es2022', skipLibCheck: true, types: ['node'], noUnusedLocals: true };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    const said = await promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { cwd: folder }).then(
      () => '',
      (error: { stdout?: string }) => error.stdout ?? String(error),
    );
    expect(said.replace(/example-\d+\.ts/g, (name) => `${placeOf(names.get(name) as Block)} (${name})`)).toBe('');
  });
});

function link(folder: string, name: string, to: string): void {
  const from = join(folder, 'node_modules', name);
  mkdirSync(dirname(from), { recursive: true });
  symlinkSync(to, from);
}

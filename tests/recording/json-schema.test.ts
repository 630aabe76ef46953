import { describe, expect, it } from 'vitest';
import { recordingJsonSchema, vscodeCustomTags } from '../../src/recording/json-schema.js';
import { tagKinds } from '../../src/recording/tags.js';

type Schema = { [key: string]: Schema & string };

describe('recordingJsonSchema', () => {
  const schema = recordingJsonSchema() as Schema;

  it('has the structure of a recording', () => {
    expect(schema.$schema).toContain('json-schema.org');
    expect(schema.title).toBe('socket-replay recording');
    expect(schema.required).toEqual(['version', 'name', 'status', 'sessions']);
    expect(schema.additionalProperties).toBe(false);
    const trace = schema.properties?.sessions?.items?.properties?.traces?.items;
    expect(Object.keys(trace?.properties ?? {})).toEqual(expect.arrayContaining(['connect', 'emit', 'http', 'disconnect', 'args', 'ack', 'pushes', 'changes']));
    expect(trace?.additionalProperties).toBe(false);
    expect(trace?.properties?.changes?.items?.properties?.row?.type).toBe('object');
  });

  it('lets any value stand where tags may, and is plain JSON', () => {
    const args = schema.properties?.sessions?.items?.properties?.traces?.items?.properties?.args;
    expect(args?.type).toBe('array');
    expect(args?.items?.type).toBeUndefined();
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  });
});

it('names every tag for editors', () => {
  expect(vscodeCustomTags).toHaveLength(Object.keys(tagKinds).length);
  expect(vscodeCustomTags).toEqual(expect.arrayContaining(['!id scalar', '!some sequence', '!unordered sequence', '!ignore scalar', '!file scalar']));
});

/** What editors need to check and complete recordings: a JSON Schema, and the tags that the YAML extension must know. */
import { z } from 'zod';
import { recordingSchema } from './schema.js';
import { tagKinds } from './tags.js';

/** The content of `recordings/recording.schema.json`. */
export function recordingJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(recordingSchema, { io: 'input', unrepresentable: 'any' });
  return {
    $schema,
    title: 'socket-replay recording',
    description: 'One or more recorded Socket.IO sessions: what the clients sent, and what the server is expected to answer, push and change.',
    ...schema,
  };
}

/** `yaml.customTags` of `.vscode/settings.json`: without them the YAML extension reports every tag as an error. */
export const vscodeCustomTags: string[] = Object.entries(tagKinds).map(([tag, kind]) => `!${tag} ${kind}`);

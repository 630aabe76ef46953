/** The order of keys in a file: that of the schema, whatever order a recording was built in, so that diffs show only changes. */
import type { z } from 'zod';
import {
  changeSchema,
  checkpointSchema,
  connectSchema,
  httpSchema,
  pushSchema,
  quarantineSchema,
  type Recording,
  receivedSchema,
  recordingSchema,
  sessionSchema,
  traceSchema,
} from './schema.js';
import type { Value, ValueObject } from './values.js';

type Order = (value: Value) => Value;

const keep: Order = (value) => value;
const each =
  (order: Order): Order =>
  (value) =>
    Array.isArray(value) ? value.map(order) : value;

/** The keys of a schema in its order, without those that are undefined. */
function keysOf(schema: z.ZodObject, parts: { [key: string]: Order } = {}): Order {
  const keys = Object.keys(schema.shape);
  return (value) => {
    const object = value as ValueObject;
    const ordered: ValueObject = {};
    for (const key of keys) {
      const part = object[key];
      if (part !== undefined) ordered[key] = (parts[key] ?? keep)(part);
    }
    return ordered;
  };
}

/** One receiver is written as one: `to: alice`. */
const receiver: Order = (to) => (Array.isArray(to) && to.length === 1 ? (to[0] ?? to) : to);

const changes = each(keysOf(changeSchema));
const trace = keysOf(traceSchema, {
  connect: keysOf(connectSchema),
  http: keysOf(httpSchema),
  pushes: each(keysOf(pushSchema, { to: receiver })),
  changes,
  quarantine: keysOf(quarantineSchema),
});
const session = keysOf(sessionSchema, { traces: each(trace), received: each(keysOf(receivedSchema)) });
const recorded = keysOf(recordingSchema.shape.recorded.unwrap());
const recording = keysOf(recordingSchema, {
  recorded,
  quarantine: keysOf(quarantineSchema),
  sessions: each(session),
  checkpoints: each(keysOf(checkpointSchema)),
  unattributed: changes,
});

/** A recording as plain values, with the keys of every level of the schema in order. */
export const inOrder = (value: Recording): ValueObject => recording(value as unknown as Value) as ValueObject;

/** The keys of a mapping in its order, by where it stands. */
export const keyOrder = {
  recording: Object.keys(recordingSchema.shape),
  session: Object.keys(sessionSchema.shape),
  trace: Object.keys(traceSchema.shape),
  value: [] as string[],
};

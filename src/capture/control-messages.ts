/**
 * What other processes may ask a recorder that runs: one JSON object a line over a loopback connection, with the token of the file
 * that the recorder leaves in the runtime directory.
 */
import { z } from 'zod';

export const requestSchema = z.discriminatedUnion('do', [
  z.object({ do: z.literal('status'), token: z.string() }),
  z.object({ do: z.literal('checkpoint'), token: z.string(), name: z.string() }),
  /** answers when the log holds everything until now */
  z.object({ do: z.literal('flush'), token: z.string() }),
  z.object({ do: z.literal('stop'), token: z.string() }),
]);
export type ControlRequest = z.infer<typeof requestSchema>;

const countsSchema = z.object({ sessions: z.number(), emits: z.number(), requests: z.number(), pushes: z.number(), changes: z.number().nullable() });

export const replySchema = z.union([z.object({ ok: z.literal(true), counts: countsSchema }), z.object({ ok: z.literal(false), message: z.string() })]);
export type ControlReply = z.infer<typeof replySchema>;

/** Mode 0600: readers of the same user find the recorder by it. */
export const recorderFileSchema = z.object({
  pid: z.number(),
  port: z.number(),
  token: z.string(),
  name: z.string(),
  app: z.string(),
  /** where its log lies, an absolute path */
  folder: z.string(),
  /** milliseconds since the epoch */
  since: z.number(),
});
export type RecorderFile = z.infer<typeof recorderFileSchema>;

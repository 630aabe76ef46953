/** Where what a login gave is put: texts with `{token}`, `{csrf}` or a field of the user in them. */
import { z } from 'zod';
import { ReplayError } from '../errors.js';

const texts = z.record(z.string(), z.string());

export const bringSchema = z.strictObject({
  /** keys of the handshake's `auth`, instead of what was recorded there */
  auth: texts.optional(),
  /** headers of the handshake and of every request */
  headers: texts.optional(),
  /** keys of the handshake's query */
  query: texts.optional(),
  /** secrets of the recording by name, without the number: `token` is also `!secret token1` of this user's sessions */
  secrets: texts.optional(),
});
export type Bring = z.infer<typeof bringSchema>;

/** Throws REPLAY_OPTION_INVALID for a placeholder that nothing fills. */
export const fillBring = (bring: Bring, values: Record<string, string>): Bring =>
  Object.fromEntries(
    Object.entries(bring).map(([part, entries]) => [
      part,
      Object.fromEntries(Object.entries(entries ?? {}).map(([key, text]) => [key, fillText(`bring.${part}.${key}`, text, values)])),
    ]),
  );

/** `place`: of the option, below `use.login`. Throws the same. */
export const fillText = (place: string, text: string, values: Record<string, string>): string =>
  text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value !== undefined) return value;
    throw new ReplayError(
      'REPLAY_OPTION_INVALID',
      `\`use.login.${place}\` asks for {${name}}, and this login has ${Object.keys(values).join(', ') || 'nothing'}`,
    );
  });

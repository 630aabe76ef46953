/** Bodies of requests as values, so that keys in them are seen when secrets are looked for. Pure. */
import type { Value } from '../../recording/values.js';

/** undefined: there is none, or it is a file or a page, which says nothing of what a user did. */
export function bodyValue(bytes: Uint8Array, contentType: string): Value | undefined {
  if (bytes.length === 0) return undefined;
  const text = new TextDecoder().decode(bytes);
  if (isJson(contentType)) {
    try {
      return JSON.parse(text) as Value;
    } catch {
      return text;
    }
  }
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) return formValue(text);
  return /^text\/plain\b/i.test(contentType) ? text : undefined;
}

export const isJson = (contentType: string): boolean => /^application\/([\w.-]+\+)?json\b/i.test(contentType);

/** A field that stands twice is a list. */
function formValue(text: string): Value {
  const fields = new Map<string, string[]>();
  for (const [name, field] of new URLSearchParams(text)) fields.set(name, [...(fields.get(name) ?? []), field]);
  return Object.fromEntries([...fields].map(([name, all]) => [name, all.length === 1 ? (all[0] as string) : all]));
}

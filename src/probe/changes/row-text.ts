/** Rows as SQLite hands them to a function of ours, written as JSON at once: nothing is kept that would have to be read again. */

/** `{"id":1,"text":"x"}` from names that are JSON already and the values from `start` on. */
export function rowText(names: readonly string[], values: readonly unknown[], start: number): string {
  let text = '';
  for (let index = 0; index < names.length; index += 1) text += `${index === 0 ? '' : ','}${names[index]}:${valueText(values[start + index])}`;
  return `{${text}}`;
}

/** Integers come as bigint, so that none loses digits. An infinite REAL has no JSON; SQLite stores no NaN. */
export function valueText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'bigint': {
      const number = Number(value);
      return Number.isSafeInteger(number) ? `${number}` : `"${value}"`;
    }
    case 'number':
      return Number.isFinite(value) ? `${value}` : 'null';
    default:
      return value instanceof Uint8Array ? `{"!binary":"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"}` : 'null';
  }
}

/** Rows as SQLite hands them to a function of ours, written as JSON at once: nothing is kept that would have to be read again. */

/** `[1,"x",null]`. Integers come as bigint, so that none loses digits. An infinite REAL has no JSON; SQLite stores no NaN. */
export function valuesText(row: unknown[]): string {
  for (let index = 0; index < row.length; index += 1) {
    const value = row[index];
    if (typeof value === 'bigint') row[index] = whole(value);
    else if (value instanceof Uint8Array) row[index] = { '!binary': Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
  }
  return JSON.stringify(row);
}

function whole(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

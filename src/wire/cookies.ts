/** Cookies that tell clients apart. Pure. */

/** As long as a session id is; shorter values may be equal by chance. */
const MIN_SECRET = 16;

/** Those of a Cookie header that are long enough to be somebody's alone, as `name=value`. */
export const longCookies = (header: string | undefined): string[] =>
  (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.length - pair.indexOf('=') > MIN_SECRET);

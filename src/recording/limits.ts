/** How large a recording may be, its side files included: above the first it is hard to review, above the second it is saved only by force. */
export const SIZE_WARNED = 5 * 1024 * 1024;
export const SIZE_REFUSED = 20 * 1024 * 1024;

export const inMegabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

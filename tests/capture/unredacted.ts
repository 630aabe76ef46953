/** A redactor that leaves everything as it is, where a test compares values. */
import type { CaptureOptions } from '../../src/capture/capture.js';

export const unredacted: CaptureOptions['redactor'] = {
  redact: (value) => value,
  text: (text) => text,
  publish: () => undefined,
  restore: (value) => value,
  learnt: 0,
};

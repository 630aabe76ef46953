/** How a process that we start gets the probe: through NODE_OPTIONS, in front of its own first line. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ReplayError } from '../errors.js';

/** The probe's entry: beside us when built; `REPLAY_PROBE_PRELOAD` (a file path or file URL) overrides it. */
export function preloadFile(): string {
  const override = process.env.REPLAY_PROBE_PRELOAD;
  if (override) return override.startsWith('file:') ? fileURLToPath(override) : override;
  const here = ['../probe/preload.js', '../../dist/src/probe/preload.js'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const found = here.find((file) => existsSync(file));
  if (!found) throw new ReplayError('REPLAY_NO_PROBE', 'the built probe was not found', { file: here[0] ?? '' }, 'Build socket-replay: npm run build');
  return found;
}

/**
 * Appended: what the application's own NODE_OPTIONS load comes first. Required and not imported: `--import` makes Node load the
 * application itself as an ES module, for which the hooks of ts-node and its like do nothing.
 */
export const nodeOptions = (present: string | undefined, preload: string): string => [present, `--require=${quoted(preload)}`].filter(Boolean).join(' ');

/** NODE_OPTIONS is split at spaces, and knows double quotes with backslashes in them. */
const quoted = (path: string): string => (/[\s"\\]/.test(path) ? `"${path.replace(/["\\]/g, '\\$&')}"` : path);

/** The options of the modes `ceiling`, `soak` and `behavioural`: each that is configured is a project of its own. */
import { z } from 'zod';

const copies = z.int().min(1).max(1000);

const ceilingOptions = z
  .strictObject({
    /** copies of the first level. Default: as `step` */
    from: copies.optional(),
    /** copies that each level adds. Default 5 */
    step: copies.default(5),
    /** copies of the last level. Default 100 */
    max: copies.default(100),
    /** a level holds up to this p95, ms. Default 1,000 */
    latencyThreshold: z.number().positive().default(1000),
    /** a level holds with so many traces that did not pass. Default 0 */
    maxFailures: z.int().min(0).default(0),
    /** and with this share of them, percent. Default 5 */
    failThreshold: z.number().min(0).max(100).default(5),
    /** the gate: the test fails below so many copies. Without it the result is information */
    min: copies.optional(),
  })
  .transform((options) => ({ ...options, from: options.from ?? options.step }))
  .refine(({ from, max }) => from <= max, { path: ['max'], message: 'the climb begins above its end' })
  .refine(({ min, max }) => min === undefined || min <= max, { path: ['min'], message: 'the climb ends below the copies that must hold' });

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
/** A week. */
const LONGEST = 7 * 24 * units.h;

const duration = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m|h)$/, 'expected a duration such as 60s, 5m or 1h')
  .transform((text) => Number.parseFloat(text) * units[text.replace(/^[\d.]+/, '') as keyof typeof units])
  .refine((ms) => ms > 0 && ms <= LONGEST, 'expected more than nothing, and at most a week');

const soakOptions = z.strictObject({
  /** Default 10 */
  copies: copies.default(10),
  /** no round begins after it. Default `60s` */
  duration: duration.prefault('60s'),
});

const behaviouralOptions = z.strictObject({
  /** Default 1 */
  copies: copies.default(1),
  /** `realtime`, or a factor. Default `realtime` */
  speed: z.union([z.literal('realtime'), z.number().positive().max(1000)]).default('realtime'),
});

export const modeOptions = {
  /** climbs until a level breaks, and reports the last good one */
  ceiling: ceilingOptions.optional(),
  /** replays the pool again and again, and looks for drift */
  soak: soakOptions.optional(),
  /** replays the pool with the recorded times between sessions and traces */
  behavioural: behaviouralOptions.optional(),
};

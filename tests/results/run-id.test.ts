import { describe, expect, it } from 'vitest';
import { parseRunId, runFolder, runId } from '../../src/results/run-id.js';
import fc from '../fast-check.js';

const shortId = fc.stringMatching(/^[0-9a-f]{8}$/);
const name = fc.oneof(
  fc.string(),
  fc.array(fc.constantFrom(':', '::', '%', '%3A', '%25', 'a', ' ')).map((parts) => parts.join('')),
);

describe('the name of a run', () => {
  it('is scenario, start and a short id', () => {
    expect(runId({ scenario: 'recordings', startedAt: 1712851200000, shortId: 'a1b2c3d4' })).toBe('recordings::1712851200000::a1b2c3d4');
    expect(runId({ scenario: 'a::b', startedAt: 1, shortId: 'x' })).toBe('a:%3Ab::1::x');
    expect(runId({ scenario: '', startedAt: 1, shortId: 'x' })).toBe('unknown-scenario::1::x');
  });

  it('is read as it was made, whatever the scenario is called', () => {
    fc.assert(
      fc.property(name, fc.nat({ max: 9e14 }), shortId, (scenario, startedAt, short) => {
        const id = runId({ scenario, startedAt, shortId: short });
        expect(id.split('::')).toHaveLength(3);
        expect(parseRunId(id)).toEqual({ scenario: scenario || 'unknown-scenario', startedAt, shortId: short });
      }),
    );
  });

  it.each(['', 'plain', '2026-11-21T08-43-25-1a2b', 'a::b', 'a::b::c', 'a::NaN::c', 'a::1::', '::1::c', 'a::1::c::d', 'a::-1::c', 'a::1e3::c'])(
    '%j is none',
    (text) => expect(parseRunId(text)).toBeUndefined(),
  );

  it('has a folder that every file system takes, sorted by time', () => {
    expect(runFolder('a/b::1712851200000::a1b2c3d4')).toBe('2024-04-11T16-00-00-a1b2c3d4');
    expect(runFolder('2026-11-21T08-43-25-1a2b')).toBe('2026-11-21T08-43-25-1a2b');
    expect(runFolder('../x::1::../../etc')).toBe('../x::1::../../etc');
  });

  it('of any text is read or refused, and never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseRunId(text)));
  });
});

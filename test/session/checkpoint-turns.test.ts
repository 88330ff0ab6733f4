/** When sessions are saved. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { checkpointTurns } from '../../server/session/checkpoint-turns.ts';

const intervalMs = 5_000;

/** Between two looks at who is due. */
const sweepMs = 250;

describe('turns of checkpoints', () => {
  test('[C6] nothing waits longer than the interval, and what waits all the time is saved once in each', () => {
    const turns = Array.from({ length: 45 }, checkpointTurns(intervalMs));
    fc.assert(
      fc.property(fc.constantFrom(...turns), fc.nat(1_000_000), (turn, sinceMs) => {
        const dueMs = turn(sinceMs);
        expect(dueMs).toBeGreaterThan(sinceMs);
        expect(dueMs - sinceMs).toBeLessThanOrEqual(intervalMs);
        expect(turn(dueMs)).toBe(dueMs + intervalMs);
      }),
    );
  });

  test('[C6] sessions that began together are saved apart, evenly', () => {
    const turns = Array.from({ length: 500 }, checkpointTurns(intervalMs));
    const dueMs = turns.map((turn) => turn(1_000));
    const sweeps = intervalMs / sweepMs;
    const counts = Array.from(
      { length: sweeps },
      (_, sweep) => dueMs.filter((at) => Math.floor(at / sweepMs) % sweeps === sweep).length,
    );
    const share = (500 * sweepMs) / intervalMs;
    for (const count of counts) expect(Math.abs(count - share)).toBeLessThanOrEqual(2);
  });
});

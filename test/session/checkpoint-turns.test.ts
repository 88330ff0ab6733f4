/** When sessions are saved. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { checkpointTurns } from '../../server/session/checkpoint-turns.ts';

const intervalMs = 5_000;
const slotMs = 250;

describe('turns of checkpoints', () => {
  test('[C6] nothing waits longer than the interval, and what waits all the time is saved once in each', () => {
    const turns = Array.from({ length: 45 }, checkpointTurns(intervalMs, slotMs));
    fc.assert(
      fc.property(fc.constantFrom(...turns), fc.nat(1_000_000), (turn, sinceMs) => {
        const dueMs = turn(sinceMs);
        expect(dueMs).toBeGreaterThan(sinceMs);
        expect(dueMs - sinceMs).toBeLessThanOrEqual(intervalMs);
        expect(turn(dueMs)).toBe(dueMs + intervalMs);
      }),
    );
  });

  test('[C6] sessions that began together are saved apart, as few at a time as there can be', () => {
    const turns = Array.from({ length: 500 }, checkpointTurns(intervalMs, slotMs));
    const dueMs = turns.map((turn) => turn(1_000));
    const counts = new Map<number, number>();
    for (const at of dueMs) counts.set(at, (counts.get(at) ?? 0) + 1);
    expect(counts.size).toBe(intervalMs / slotMs);
    expect(Math.max(...counts.values())).toBe((500 * slotMs) / intervalMs);
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  bucketCountMax,
  noTrace,
  traceMeansW,
  withPower,
} from '../../shared/workout/power-trace.ts';
import type { PowerTrace } from '../../shared/workout/power-trace.ts';

const draw = (count: number, powerAt: (second: number) => number, from: PowerTrace = noTrace) =>
  Array.from({ length: count }, (_, second) => second).reduce(
    (trace, second) => withPower(trace, second, powerAt(second)),
    from,
  );

describe('a power trace', () => {
  it('keeps every second while they fit', () => {
    const trace = draw(bucketCountMax, (second) => second);
    expect(trace.bucketS).toBe(1);
    expect(traceMeansW(trace)).toEqual(Array.from({ length: bucketCountMax }, (_, s) => s));
  });

  it('merges pairs into buckets twice as wide when it is full', () => {
    const trace = draw(bucketCountMax + 1, (second) =>
      second < 4 ? [10, 20, 30, 50][second]! : 100,
    );
    expect(trace.bucketS).toBe(2);
    const means = traceMeansW(trace);
    expect(means).toHaveLength(361);
    expect(means.slice(0, 4)).toEqual([15, 40, 100, 100]);
  });

  it('holds a day in at most 720 buckets, without lifting or lowering it', () => {
    const trace = draw(86_400, (second) => 150 + (second % 2));
    expect(trace.bucketS).toBe(128);
    const means = traceMeansW(trace);
    expect(means).toHaveLength(675);
    expect(means.every((meanW) => meanW === 150 || meanW === 151)).toBe(true);
    expect(JSON.stringify(trace).length).toBeLessThan(3000);
  });

  it('leaves buckets empty where nothing came, and merges what there is', () => {
    const holed = withPower(withPower(noTrace, 0, 100), 3, 200);
    expect(traceMeansW(holed)).toEqual([100, null, null, 200]);
    expect(traceMeansW(withPower(holed, 1000, 50)).slice(0, 3)).toEqual([100, 200, null]);
  });

  it('stays small however far a clock jumps', () => {
    const trace = withPower(withPower(noTrace, 5, 100), 1e15, 200);
    expect(traceMeansW(trace).length).toBeLessThanOrEqual(bucketCountMax);
    expect(traceMeansW(trace).at(-1)).toBe(200);
  });

  it('shares what did not change with the trace before', () => {
    const before = draw(bucketCountMax * 2, () => 100);
    const open = withPower(before, bucketCountMax * 2, 100);
    expect(withPower(open, bucketCountMax * 2 + 1, 100).meansW).toBe(open.meansW);
  });

  it('keeps the mean of any ride within a watt per merge', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 997 }),
        (count, step) => {
          const powerAt = (second: number) => (second * step) % 500;
          const trace = draw(count, powerAt);
          const { bucketS } = trace;
          for (const [bucket, meanW] of traceMeansW(trace).entries()) {
            const length = Math.min(bucketS, count - bucket * bucketS);
            const seconds = Array.from({ length }, (_, index) => powerAt(bucket * bucketS + index));
            const trueW = seconds.reduce((sum, powerW) => sum + powerW, 0) / length;
            expect(Math.abs((meanW ?? 0) - trueW)).toBeLessThanOrEqual(1 + Math.log2(bucketS));
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});

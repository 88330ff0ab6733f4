import { describe, expect, test } from 'vitest';

import { graphScale, profileShapes, tracePath, xAt, yAt } from '../../client/app/profile-graph.ts';
import { zoneOf } from '../../client/app/zones.ts';
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import type { Plan, PlanSegment } from '../../shared/workout/plan.ts';
import { noTrace, withPower } from '../../shared/workout/power-trace.ts';

const planOf = (...segments: PlanSegment[]): Plan => ({ name: 'Test', description: '', segments });
const hour = planOf(
  { kind: 'steady', durationS: 1800, fraction: 0.5 },
  { kind: 'steady', durationS: 1800, fraction: 1.1 },
);
const numbersIn = (d: string): number[] => (d.match(/-?[\d.]+/g) ?? []).map(Number);

describe('the scale', () => {
  test('holds the whole plan, and the line of FTP above an easy one', () => {
    expect(graphScale(hour)).toEqual({ endS: 3600, topFraction: 1.1 * 1.08 });
    const easy = graphScale(planOf({ kind: 'steady', durationS: 60, fraction: 0.4 }));
    expect(yAt(1, easy)).toBeGreaterThan(0);
  });

  test('grows with whoever rides on after the end', () => {
    expect(graphScale(hour, 4000).endS).toBe(4000);
  });

  test('keeps what is off the chart on the chart', () => {
    const scale = graphScale(hour);
    expect([xAt(-5, scale), xAt(9999, scale)]).toEqual([0, 1000]);
    expect([yAt(-1, scale), yAt(9, scale)]).toEqual([100, 0]);
  });
});

describe('the areas', () => {
  test('a steady segment is a box in the colour of its zone', () => {
    const [first, second] = profileShapes(hour, { endS: 3600, topFraction: 2 });
    expect(first).toEqual({ zone: 1, d: 'M0 100V75L500 75V100Z' });
    expect(second).toEqual({ zone: 5, d: 'M500 100V45L1000 45V100Z' });
  });

  test('a ramp is one area per zone it passes, without gaps, up and down', () => {
    for (const [from, to] of [
      [0.5, 1],
      [1, 0.5],
    ] as const) {
      const ramp = planOf({ kind: 'ramp', durationS: 100, fromFraction: from, toFraction: to });
      const shapes = profileShapes(ramp, { endS: 100, topFraction: 1 });
      const zones = shapes.map(({ zone }) => zone);
      expect(from < to ? zones : zones.toReversed()).toEqual([1, 2, 3, 4]);
      const edges = shapes.map(({ d }) => numbersIn(d));
      expect(edges[0]?.[0]).toBe(0);
      expect(edges.at(-1)?.[3]).toBe(1000);
      expect(edges.slice(1).map(([left]) => left)).toEqual(
        edges.slice(0, -1).map(([, , , right]) => right),
      );
    }
  });

  test('a ramp that does not climb is one area', () => {
    const flat = planOf({ kind: 'ramp', durationS: 10, fromFraction: 0.6, toFraction: 0.6 });
    expect(profileShapes(flat, graphScale(flat))).toHaveLength(1);
  });

  test('a free segment has an area of its own kind', () => {
    const free = planOf({ kind: 'free', durationS: 10 });
    expect(profileShapes(free, graphScale(free))[0]?.zone).toBe('free');
  });

  test.each(builtInPlans.map(({ id, plan }) => [id, plan] as const))(
    '%s is drawn within the box',
    (_id, plan) => {
      for (const { d } of profileShapes(plan, graphScale(plan)))
        for (const value of numbersIn(d)) expect(value).toBeLessThanOrEqual(1000);
    },
  );
});

describe('the trace', () => {
  test('is interrupted where nothing was measured', () => {
    const trace = [0, 1, 2, 5, 6].reduce((trace, second) => withPower(trace, second, 100), noTrace);
    const d = tracePath(trace, 200, { endS: 10, topFraction: 1 });
    expect(d).toBe('M50 50L150 50L250 50M550 50L650 50');
  });

  test('of no ride is empty', () => {
    expect(tracePath(noTrace, 200, graphScale(hour))).toBe('');
  });
});

test('a bound belongs to the zone below it', () => {
  expect([0, 0.55, 0.56, 0.75, 0.9, 1.05, 1.06, 1.2, 1.21, 3].map(zoneOf)).toEqual([
    1, 1, 2, 2, 3, 4, 5, 5, 6, 6,
  ]);
});

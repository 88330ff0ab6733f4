import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import {
  fractionAt,
  messageAt,
  planDurationS,
  planSchema,
  planSecondsMax,
  segmentAt,
  targetPowerW,
} from '../../shared/workout/plan.ts';
import type { Plan } from '../../shared/workout/plan.ts';

const plan: Plan = {
  name: 'Three kinds',
  description: '',
  segments: [
    { kind: 'ramp', durationS: 100, fromFraction: 0.5, toFraction: 1 },
    { kind: 'steady', durationS: 60, fraction: 0.9, texts: [{ atS: 50, message: 'nearly' }] },
    { kind: 'free', durationS: 30, texts: [{ atS: 5, message: 'as you like' }] },
    { kind: 'steady', durationS: 10, fraction: 0.4 },
  ],
};

const accepts = (value: unknown) => v.safeParse(planSchema, value).success;
const withSegments = (segments: unknown[]) => ({ name: 'x', description: '', segments });
const steady = (durationS: number) => ({ kind: 'steady', durationS, fraction: 0.5 });

describe('target power', () => {
  it('follows a ramp in a straight line, in whole watts', () => {
    expect([0, 1, 50, 99.9].map((s) => targetPowerW(plan, 200, 1, s))).toEqual([
      100, 101, 150, 200,
    ]);
  });

  it('falls along a falling ramp', () => {
    const down = { kind: 'ramp', durationS: 10, fromFraction: 1, toFraction: 0.5 } as const;
    expect(fractionAt(down, 4)).toBeCloseTo(0.8);
  });

  it('belongs to the later segment at a boundary', () => {
    expect(targetPowerW(plan, 200, 1, 100)).toBe(180);
  });

  it('scales with the intensity', () => {
    expect(targetPowerW(plan, 200, 1.1, 120)).toBe(198);
  });

  it('is absent in a free segment, before the start and from the end on', () => {
    expect([160, 189.9, -1, 200, Number.NaN].map((s) => targetPowerW(plan, 200, 1, s))).toEqual(
      Array(5).fill(null),
    );
  });
});

describe('the place in a plan', () => {
  it('names the segment, the seconds left and what comes next', () => {
    expect(segmentAt(plan, 130)).toEqual({
      index: 1,
      segment: plan.segments[1],
      startS: 100,
      endS: 160,
      leftS: 30,
      next: plan.segments[2],
    });
  });

  it('has nothing next in the last segment, and is nowhere at the end', () => {
    expect(segmentAt(plan, 199)?.next).toBeNull();
    expect(segmentAt(plan, 200)).toBeNull();
    expect(planDurationS(plan)).toBe(200);
  });
});

describe('a text', () => {
  it('shows from its moment for ten seconds, across a boundary too', () => {
    expect([149, 150, 159.9, 160].map((s) => messageAt(plan, s))).toEqual([
      null,
      'nearly',
      'nearly',
      null,
    ]);
  });

  it('gives way to one that began later', () => {
    const texts = [
      { atS: 0, message: 'first' },
      { atS: 4, message: 'second' },
    ];
    const both: Plan = { ...plan, segments: [{ kind: 'free', durationS: 60, texts }] };
    expect([3, 4, 13, 14].map((s) => messageAt(both, s))).toEqual([
      'first',
      'second',
      'second',
      null,
    ]);
  });
});

describe('a plan from outside', () => {
  it('is taken within the bounds and stripped of unknown keys', () => {
    const taken = v.parse(planSchema, {
      ...withSegments([{ ...steady(60), colour: 'red' }]),
      id: 7,
    });
    expect(taken).toEqual(withSegments([steady(60)]));
  });

  it('is refused beyond 24 hours, 1000 segments, or without any', () => {
    expect(accepts(withSegments([steady(planSecondsMax)]))).toBe(true);
    expect(accepts(withSegments([steady(planSecondsMax), steady(1)]))).toBe(false);
    expect(accepts(withSegments(Array(1000).fill(steady(1))))).toBe(true);
    expect(accepts(withSegments(Array(1001).fill(steady(1))))).toBe(false);
    expect(accepts(withSegments([]))).toBe(false);
  });

  it('is refused with fractions that are no fractions', () => {
    for (const fraction of [-0.1, 5.1, 85, Number.NaN, '1'])
      expect(accepts(withSegments([{ kind: 'steady', durationS: 60, fraction }]))).toBe(false);
  });

  it('is refused with broken seconds', () => {
    for (const durationS of [0, -5, 1.5, Infinity])
      expect(accepts(withSegments([steady(durationS)]))).toBe(false);
  });

  it('is refused with texts too long, too many or not storable', () => {
    const saying = (message: string, count = 1) =>
      withSegments([
        { ...steady(60), texts: Array.from({ length: count }, () => ({ atS: 0, message })) },
      ]);
    expect(accepts(saying('x'.repeat(200), 300))).toBe(true);
    expect(accepts(saying('x'.repeat(201)))).toBe(false);
    expect(accepts(saying('x', 301))).toBe(false);
    expect(accepts(withSegments([0, 1].map(() => saying('x', 151).segments[0])))).toBe(false);
    expect(accepts(saying('a\u{1F6B4}b'))).toBe(true);
    expect(accepts(saying('half \uD83D'))).toBe(false);
    expect(accepts(saying('nul \0'))).toBe(false);
  });
});

describe('the built-in plans', () => {
  it('hold the bounds', () => {
    for (const { plan } of builtInPlans) expect(v.parse(planSchema, plan)).toEqual(plan);
  });

  it('last what they promise', () => {
    const minutes = builtInPlans.map(({ id, plan }) => [id, planDurationS(plan) / 60]);
    expect(Object.fromEntries(minutes)).toEqual({
      'lunch-break': 30,
      'sweet-spot-hour': 60,
      'long-endurance': 135,
      'ramp-test': 35,
    });
  });
});

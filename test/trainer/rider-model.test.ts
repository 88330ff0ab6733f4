import { describe, expect, test } from 'vitest';

import { measure, rideOn, riderAt, type Rider } from '../../client/app/trainer/rider-model.ts';
import type { TrainerTarget } from '../../client/app/trainer/trainer.ts';

const rest: TrainerTarget = { kind: 'rest' };
const power = (powerW: number): TrainerTarget => ({ kind: 'power', powerW });

function ridden(rider: Rider, target: TrainerTarget, seconds: number): Rider[] {
  const riders: Rider[] = [];
  for (let second = 0; second < seconds; second += 1) {
    rider = rideOn(rider, target, 1);
    riders.push(rider);
  }
  return riders;
}
const last = (riders: readonly Rider[]): Rider => riders.at(-1) as Rider;
const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;

describe('the rider', () => {
  const fresh = riderAt(rest, 250, 4711);

  test('is the same rider again for the same seed, and another for another', () => {
    const ride = (seed: number) =>
      ridden(riderAt(rest, 250, seed), power(200), 60).map((r) => measure(r, 0));
    expect(ride(1)).toEqual(ride(1));
    expect(ride(1)).not.toEqual(ride(2));
  });

  test('comes to the target within seconds and holds it on average, never exactly', () => {
    const powers = ridden(fresh, power(200), 310).map((rider) => measure(rider, 0).powerW ?? 0);
    expect(powers[0]).toBeLessThan(100);
    const held = powers.slice(10);
    expect(mean(held)).toBeGreaterThan(196);
    expect(mean(held)).toBeLessThan(204);
    expect(new Set(held).size).toBeGreaterThan(8);
    for (const powerW of held) expect(Math.abs(powerW - 200)).toBeLessThan(35);
  });

  test('follows a step as a trainer does: two thirds in a few seconds, without overshooting far', () => {
    const steady = last(ridden(fresh, power(100), 60));
    const step = ridden(steady, power(300), 10);
    expect(step[2]?.powerW).toBeGreaterThan(200);
    expect(last(step).powerW).toBeLessThanOrEqual(300);
  });

  test('has a heart that follows slowly, drifts upward, and calms down', () => {
    const [minute, quarter] = [60, 900].map((seconds) => last(ridden(fresh, power(220), seconds)));
    const hour = last(ridden(fresh, power(220), 3600));
    expect(measure(fresh, 0).heartRateBpm).toBe(62);
    expect(minute?.heartRateBpm).toBeGreaterThan(110);
    expect(hour.heartRateBpm).toBeGreaterThan((quarter?.heartRateBpm ?? 0) + 4);
    expect(hour.heartRateBpm).toBeLessThan(175);
    expect(last(ridden(hour, rest, 300)).heartRateBpm).toBeLessThan(80);
  });

  test('turns at the cadence that is asked for, and stands still at rest', () => {
    const slow = last(ridden(fresh, { kind: 'power', powerW: 200, cadenceRpm: 60 }, 30));
    expect(Math.abs((measure(slow, 0).cadenceRpm ?? 0) - 60)).toBeLessThan(6);
    expect(measure(last(ridden(slow, rest, 60)), 0)).toMatchObject({ powerW: 0, cadenceRpm: 0 });
  });

  test('arrives at the same place in one long step as in many short ones', () => {
    const short = last(ridden(fresh, power(200), 60));
    const long = rideOn(fresh, power(200), 60);
    expect(long.powerW).toBeCloseTo(short.powerW, 6);
    expect(Math.abs(long.heartRateBpm - short.heartRateBpm)).toBeLessThan(8);
  });

  test('who is put on the bicycle in mid-ride rides on without a dip', () => {
    const rider = riderAt(power(240), 250, 1);
    expect(measure(rideOn(rider, power(240), 1), 0).powerW).toBeGreaterThan(220);
  });

  test('stays within what a session takes, whatever is asked', () => {
    for (const { powerW, cadenceRpm, heartRateBpm } of ridden(fresh, power(2000), 600).map((r) =>
      measure(r, 0),
    )) {
      expect(powerW).toBeLessThan(5000);
      expect(cadenceRpm).toBeLessThan(300);
      expect(heartRateBpm).toBeLessThanOrEqual(192);
    }
  });
});

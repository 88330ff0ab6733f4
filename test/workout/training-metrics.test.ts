import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  noMetrics,
  trainingSummary,
  withMissing,
  withSecond,
} from '../../shared/workout/training-metrics.ts';
import type { RiddenSecond, TrainingMetrics } from '../../shared/workout/training-metrics.ts';
import { differences, recompute } from './metrics-recompute.ts';
import { hasRide, rideRecords, whySkipped } from './sample-files.ts';

const power = (powerW: number | null): RiddenSecond => ({
  powerW,
  cadenceRpm: null,
  heartRateBpm: null,
});
const ride = (seconds: readonly RiddenSecond[]) => seconds.reduce(withSecond, noMetrics);
const powers = (count: number, powerAt: (second: number) => number | null) =>
  Array.from({ length: count }, (_, second) => power(powerAt(second)));
const value = (most: number) => fc.option(fc.integer({ min: 0, max: most }));

describe('golden numbers', () => {
  it('an hour at 200 W with FTP 250 is normalized 200 W, intensity 0.8, load 64 and 720 kJ', () => {
    const numbers = trainingSummary(ride(powers(3600, () => 200)), 250);
    expect(numbers).toMatchObject({ averageW: 200, energyKj: 720, maxW: 200, recordedS: 3600 });
    expect(numbers.normalizedW).toBeCloseTo(200, 9);
    expect(numbers.intensityFactor).toBeCloseTo(0.8, 9);
    expect(numbers.load).toBeCloseTo(64, 9);
  });

  it('an hour of minutes at 300 W and 100 W is normalized 239.1 W, intensity 0.956 and load 91.5', () => {
    const numbers = trainingSummary(
      ride(powers(3600, (second) => (second % 120 < 60 ? 300 : 100))),
      250,
    );
    expect(numbers).toMatchObject({ averageW: 200, energyKj: 720, maxW: 300 });
    expect(numbers.normalizedW).toBeCloseTo(239.1, 1);
    expect(numbers.intensityFactor).toBeCloseTo(0.956, 3);
    expect(numbers.load).toBeCloseTo(91.5, 1);
  });

  it('an hour at FTP is a load of 100', () => {
    expect(trainingSummary(ride(powers(3600, () => 250)), 250).load).toBeCloseTo(100, 9);
  });

  it.skipIf(!hasRide)(`a real ride agrees with its head unit (${whySkipped})`, () => {
    const numbers = trainingSummary(ride(rideRecords()), 250);
    expect(numbers).toMatchObject({ recordedS: 2222, missingS: 41 });
    expect(numbers.averageW?.toFixed(0)).toBe('201');
    expect(numbers.normalizedW?.toFixed(0)).toBe('228');
    expect(numbers.intensityFactor?.toFixed(3)).toBe('0.914');
    expect(numbers.averageHeartRateBpm?.toFixed(0)).toBe('148');
    expect(numbers.averageCadenceRpm?.toFixed(0)).toBe('82');
    expect(numbers.load).toBeGreaterThan(50);
    expect(numbers.load).toBeLessThan(52);
  });
});

describe('seconds without data', () => {
  it('change nothing but the count of missing seconds', () => {
    const whole = ride(powers(100, (second) => 100 + second));
    const holed = ride(
      powers(140, (second) => (second < 50 ? 100 + second : second < 90 ? null : 60 + second)),
    );
    expect(holed).toEqual({ ...whole, missingS: 40 });
  });

  it('may still carry heart rate and cadence, which count', () => {
    const metrics = ride([{ powerW: null, cadenceRpm: 90, heartRateBpm: 140 }]);
    expect(trainingSummary(metrics, 250)).toMatchObject({
      averageW: null,
      averageHeartRateBpm: 140,
      averageCadenceRpm: 90,
      recordedS: 0,
      missingS: 1,
    });
  });

  it('count alike one by one and all at once', () => {
    expect(withMissing(noMetrics, 3)).toEqual(ride(powers(3, () => null)));
    expect(withMissing(noMetrics, 0)).toBe(noMetrics);
  });

  it('are no zeros: a coasting rider lowers the average, a lost sensor does not', () => {
    const [coasting, lost] = [0, null].map((last) => ride([power(200), power(last)]));
    expect(trainingSummary(coasting ?? noMetrics, 250).averageW).toBe(100);
    expect(trainingSummary(lost ?? noMetrics, 250).averageW).toBe(200);
  });
});

describe('running metrics', () => {
  it('say nothing about intensity before 30 recorded seconds', () => {
    const early = trainingSummary(ride(powers(29, () => 200)), 250);
    expect(early).toMatchObject({ averageW: 200, normalizedW: null, load: null });
    expect(trainingSummary(ride(powers(30, () => 200)), 250).normalizedW).toBeCloseTo(200);
  });

  it('leave coasting out of the average cadence', () => {
    const cadence = [80, 0, 90].map((cadenceRpm) => ({ ...power(100), cadenceRpm }));
    expect(trainingSummary(ride(cadence), 250).averageCadenceRpm).toBe(85);
  });

  it('equal a full recompute for any ride', () => {
    const second = fc.record({
      powerW: value(2500),
      cadenceRpm: value(200),
      heartRateBpm: value(220),
    });
    fc.assert(
      fc.property(fc.array(second, { maxLength: 200, size: 'max' }), (seconds) => {
        const running = trainingSummary(ride(seconds), 250);
        expect(differences(running, recompute(seconds, 250))).toEqual([]);
      }),
    );
  });

  it('go on from a stored copy as if nothing had happened', () => {
    const seconds = powers(500, (second) => (second % 7 === 0 ? null : (second * 37) % 400));
    const stored = JSON.parse(JSON.stringify(ride(seconds.slice(0, 251)))) as TrainingMetrics;
    expect(seconds.slice(251).reduce(withSecond, stored)).toEqual(ride(seconds));
  });

  it('stay below 600 bytes after a day of sprinting', () => {
    const day = Array.from({ length: 86_400 }, (_, second) => ({
      powerW: 2400 + (second % 97),
      cadenceRpm: 199,
      heartRateBpm: 219,
    }));
    expect(JSON.stringify(ride(day)).length).toBeLessThan(600);
  });
});

/** The ride's numbers computed all at once from all its seconds: what the incremental metrics must agree with. */
import type { RiddenSecond, TrainingSummary } from '../../shared/workout/training-metrics.ts';

export function recompute(seconds: readonly RiddenSecond[], ftpW: number): TrainingSummary {
  const powers = seconds.flatMap(({ powerW }) => (powerW === null ? [] : [powerW]));
  const fourthPowers = powers
    .slice(29)
    .map((_, index) => mean(powers.slice(index, index + 30)) ** 4);
  const normalizedW = fourthPowers.length === 0 ? null : Math.sqrt(Math.sqrt(mean(fourthPowers)));
  const heart = seconds.flatMap(({ heartRateBpm }) =>
    heartRateBpm === null ? [] : [heartRateBpm],
  );
  const pedalled = seconds.flatMap(({ cadenceRpm }) => (cadenceRpm ? [cadenceRpm] : []));
  return {
    averageW: powers.length === 0 ? null : mean(powers),
    normalizedW,
    energyKj: powers.reduce((sum, powerW) => sum + powerW, 0) / 1000,
    intensityFactor: normalizedW === null ? null : normalizedW / ftpW,
    load:
      normalizedW === null
        ? null
        : ((powers.length * normalizedW * (normalizedW / ftpW)) / (ftpW * 3600)) * 100,
    maxW: powers.length === 0 ? null : Math.max(...powers),
    averageHeartRateBpm: heart.length === 0 ? null : mean(heart),
    averageCadenceRpm: pedalled.length === 0 ? null : mean(pedalled),
    recordedS: powers.length,
    missingS: seconds.length - powers.length,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Numbers as close as floating point lets two ways of adding up be; everything else alike. */
export function differences(one: object, other: object): string[] {
  const values = new Map<string, unknown>(Object.entries(other));
  return Object.entries(one).flatMap(([name, value]: [string, unknown]) => {
    const second = values.get(name);
    if (typeof value !== 'number' || typeof second !== 'number')
      return Object.is(value, second) ? [] : [`${name}: ${String(value)} and ${String(second)}`];
    const close = Math.abs(value - second) <= 1e-9 * Math.max(1, Math.abs(value));
    return close ? [] : [`${name}: ${value} and ${second}`];
  });
}

/**
 * A ride's numbers, kept second by second in constant space.
 *
 * One rule for seconds without data: **a second without power counts for nothing but itself.** It is no zero, it is not filled
 * in, and it is no part of an average, of energy or of load; the rolling window of normalized power spans the last 30 seconds
 * that have power, so a gap joins its two sides just as a pause does. Heart rate and cadence are averaged over the seconds that
 * have them, whatever power did. A power meter's head unit counts the same way: of a ride of 2,263 records with 41 missing it
 * says 201 W, normalized 228 W, intensity factor 0.914 and a load of 50.8 at FTP 250 W; this rule says 201.4, 228.4, 0.914, 51.5.
 * (50.8 comes out when only seconds from the first full window on are counted; ours counts all, so that an hour at FTP is 100.)
 *
 * A second's values are whole watts, rpm and bpm, like the records of an activity file: sums stay exact however long the ride.
 */

/** One second as it was ridden; null where no sensor said anything. */
export interface RiddenSecond {
  readonly powerW: number | null;
  readonly cadenceRpm: number | null;
  readonly heartRateBpm: number | null;
}

/** Everything the summary needs, as JSON below 600 bytes whatever the length. */
export interface TrainingMetrics {
  /** Seconds with power, and seconds without. */
  readonly recordedS: number;
  readonly missingS: number;
  readonly energyJ: number;
  readonly maxW: number;
  /** Powers of the last 30 recorded seconds; the one of recorded second n is at n % 30. */
  readonly windowW: readonly number[];
  /** Sum of the fourth powers of all means over a full window. */
  readonly fourthPowers: number;
  readonly heartBeats: Tally;
  readonly pedalling: Tally;
}

/** Sum and count of a value over the seconds that have it. */
interface Tally {
  readonly sum: number;
  readonly seconds: number;
}

/** A ride in numbers. Null means: nothing to say yet. */
export interface TrainingSummary {
  readonly averageW: number | null;
  /** Source: Allen & Coggan. Null before 30 recorded seconds, and so are the two that follow from it. */
  readonly normalizedW: number | null;
  readonly energyKj: number;
  /** Normalized power as a fraction of FTP. */
  readonly intensityFactor: number | null;
  /** Training load: 100 is an hour at FTP. */
  readonly load: number | null;
  readonly maxW: number | null;
  readonly averageHeartRateBpm: number | null;
  /** Over the seconds the rider pedalled, as head units say it: coasting is no slow pedalling. */
  readonly averageCadenceRpm: number | null;
  readonly recordedS: number;
  readonly missingS: number;
}

/** Seconds of the rolling mean. Source: Allen & Coggan; the body answers a change of power within about that time. */
const windowS = 30;

/** A ride before its first second. */
export const noMetrics: TrainingMetrics = {
  recordedS: 0,
  missingS: 0,
  energyJ: 0,
  maxW: 0,
  windowW: [],
  fourthPowers: 0,
  heartBeats: { sum: 0, seconds: 0 },
  pedalling: { sum: 0, seconds: 0 },
};

/** The metrics one second later. Values are rounded to whole numbers here. */
export function withSecond(metrics: TrainingMetrics, second: RiddenSecond): TrainingMetrics {
  const { cadenceRpm, heartRateBpm } = second;
  const powerW = second.powerW === null ? null : Math.round(second.powerW);
  const windowW = powerW === null ? metrics.windowW : movedOn(metrics, powerW);
  const full = powerW !== null && windowW.length === windowS;
  return {
    recordedS: metrics.recordedS + (powerW === null ? 0 : 1),
    missingS: metrics.missingS + (powerW === null ? 1 : 0),
    energyJ: metrics.energyJ + (powerW ?? 0),
    maxW: Math.max(metrics.maxW, powerW ?? 0),
    windowW,
    fourthPowers: metrics.fourthPowers + (full ? fourthPower(meanW(windowW)) : 0),
    heartBeats:
      heartRateBpm === null ? metrics.heartBeats : tally(metrics.heartBeats, heartRateBpm),
    // A zero is a rider who coasts, and is left out.
    pedalling: cadenceRpm ? tally(metrics.pedalling, cadenceRpm) : metrics.pedalling,
  };
}

/** The metrics after seconds in which nothing arrived at all. */
export function withMissing(metrics: TrainingMetrics, seconds: number): TrainingMetrics {
  return seconds <= 0 ? metrics : { ...metrics, missingS: metrics.missingS + seconds };
}

/** What the metrics say for a rider of this FTP. */
export function trainingSummary(metrics: TrainingMetrics, ftpW: number): TrainingSummary {
  const { recordedS, missingS, energyJ } = metrics;
  const windowCount = Math.max(0, recordedS - (windowS - 1));
  const normalizedW = windowCount === 0 ? null : (metrics.fourthPowers / windowCount) ** (1 / 4);
  const intensityFactor = normalizedW === null ? null : normalizedW / ftpW;
  return {
    averageW: recordedS === 0 ? null : energyJ / recordedS,
    normalizedW,
    energyKj: energyJ / 1000,
    intensityFactor,
    load: intensityFactor === null ? null : ((recordedS * intensityFactor ** 2) / 3600) * 100,
    maxW: recordedS === 0 ? null : metrics.maxW,
    averageHeartRateBpm: average(metrics.heartBeats),
    averageCadenceRpm: average(metrics.pedalling),
    recordedS,
    missingS,
  };
}

function tally({ sum, seconds }: Tally, value: number): Tally {
  return { sum: sum + Math.round(value), seconds: seconds + 1 };
}

function average({ sum, seconds }: Tally): number | null {
  return seconds === 0 ? null : sum / seconds;
}

function movedOn({ windowW, recordedS }: TrainingMetrics, powerW: number): readonly number[] {
  const next = windowW.slice();
  next[recordedS % windowS] = powerW;
  return next;
}

/** By multiplication: `**` may differ in the last bit between engines, and both sides must come to the same state. */
function fourthPower(value: number): number {
  const square = value * value;
  return square * square;
}

function meanW(windowW: readonly number[]): number {
  let sumW = 0;
  for (const powerW of windowW) sumW += powerW;
  return sumW / windowW.length;
}

/** A rider on a trainer, for those who have neither at hand: a seeded model. Pure. */
import type { TrainerSample, TrainerTarget } from './trainer.ts';

/** The rider at a moment. A value: the same seed and the same targets give the same ride. */
export interface Rider {
  readonly ftpW: number;
  readonly powerW: number;
  readonly cadenceRpm: number;
  readonly heartRateBpm: number;
  /** Unevenness of power and cadence, standard deviations. */
  readonly wobble: number;
  readonly rhythm: number;
  /** Heat and fatigue, beats per minute on top of what the power asks for. */
  readonly driftBpm: number;
  readonly random: number;
}

/** Seconds in which two thirds of a change is made. Trainers take 2 to 4 s to a target, hearts half a minute and longer down. */
const powerTauS = 2.5;
const cadenceTauS = 2;
const heartUpTauS = 35;
const heartDownTauS = 55;
const wobbleTauS = 4;

const restingBpm = 62;
/** At FTP, without drift. */
const thresholdBpm = 164;
const heartBpmMax = 192;
/** After an hour at FTP. */
const driftBpmPerHour = 9;
const easyCadenceRpm = 88;
/** What this rider does when nothing is asked, and on a level road. */
const freeFraction = 0.55;
/** More of FTP for each percent that a road climbs, and fewer turns; downhill the legs hardly work. */
const climbFraction = 0.06;
const climbRpm = 3;
const hardestFraction = 1.15;
const easiestFraction = 0.1;
const slowestRpm = 60;
const fastestRpm = 95;
/** The highest level of the simulated trainer. */
export const simulatedLevelMax = 100;
/** Of FTP, at an easy cadence: the lowest level turns freely, the highest is a sprint. */
const levelFractions = { lowest: 0.2, highest: 1.4 } as const;
const levelRpm = 0.28;

/** A rider who already rides that target, so that a page that was refreshed goes on without a dip. */
export function riderAt(target: TrainerTarget, ftpW: number, seed: number): Rider {
  const powerW = goalW(target, ftpW);
  return {
    ftpW,
    powerW,
    cadenceRpm: goalRpm(target),
    heartRateBpm: heartGoalBpm(powerW, ftpW, 0),
    wobble: 0,
    rhythm: 0,
    driftBpm: 0,
    random: seed | 0,
  };
}

/** The rider `spanS` seconds later under a target. Any span will do: one long step ends where many short ones end. */
export function rideOn(rider: Rider, target: TrainerTarget, spanS: number): Rider {
  const [toWobble, afterWobble] = gaussian(rider.random);
  const [toRhythm, random] = gaussian(afterWobble);
  const { ftpW } = rider;
  const powerW = approach(rider.powerW, goalW(target, ftpW), spanS, powerTauS);
  const driftBpm = rider.driftBpm + (powerW / ftpW) * driftBpmPerHour * (spanS / 3600);
  const heartGoal = heartGoalBpm(powerW, ftpW, driftBpm);
  const heartTauS = heartGoal > rider.heartRateBpm ? heartUpTauS : heartDownTauS;
  return {
    ftpW,
    powerW,
    cadenceRpm: approach(rider.cadenceRpm, goalRpm(target), spanS, cadenceTauS),
    heartRateBpm: approach(rider.heartRateBpm, heartGoal, spanS, heartTauS),
    wobble: wander(rider.wobble, toWobble, spanS),
    rhythm: wander(rider.rhythm, toRhythm, spanS),
    driftBpm,
    random,
  };
}

/** What the sensors say of the rider. */
export function measure(rider: Rider, atMs: number): TrainerSample {
  const { powerW, cadenceRpm } = rider;
  // Pedalling is uneven in proportion, and a little more; who stands still is measured still.
  const isPedalling = cadenceRpm > 15;
  const uneven = isPedalling ? rider.wobble * (1.5 + powerW * 0.018) : 0;
  return {
    atMs,
    powerW: isPedalling ? Math.max(0, Math.round(powerW + uneven)) : 0,
    cadenceRpm: isPedalling ? Math.round(cadenceRpm + rider.rhythm * 1.2) : 0,
    heartRateBpm: Math.round(rider.heartRateBpm),
  };
}

function goalW(target: TrainerTarget, ftpW: number): number {
  switch (target.kind) {
    case 'power':
      return target.powerW;
    case 'free':
      return freeFraction * ftpW;
    case 'grade': {
      const fraction = freeFraction + climbFraction * target.gradePercent;
      return Math.min(hardestFraction, Math.max(easiestFraction, fraction)) * ftpW;
    }
    case 'resistance': {
      const { lowest, highest } = levelFractions;
      const fraction = lowest + (highest - lowest) * (target.level / simulatedLevelMax);
      // The brake is the same: who turns slower does less.
      return fraction * ftpW * (goalRpm(target) / easyCadenceRpm);
    }
    case 'rest':
      return 0;
  }
}

function goalRpm(target: TrainerTarget): number {
  switch (target.kind) {
    case 'power':
      return target.cadenceRpm ?? easyCadenceRpm;
    case 'free':
      return easyCadenceRpm;
    case 'grade':
      return slowedRpm(target.gradePercent * climbRpm);
    case 'resistance':
      return slowedRpm(target.level * levelRpm);
    case 'rest':
      return 0;
  }
}

function slowedRpm(byRpm: number): number {
  return Math.min(fastestRpm, Math.max(slowestRpm, easyCadenceRpm - byRpm));
}

function heartGoalBpm(powerW: number, ftpW: number, driftBpm: number): number {
  const worked = restingBpm + (thresholdBpm - restingBpm) * (powerW / ftpW) + driftBpm;
  return Math.min(heartBpmMax, worked);
}

/** First-order response. */
function approach(value: number, goal: number, spanS: number, tauS: number): number {
  return goal + (value - goal) * Math.exp(-spanS / tauS);
}

/** Ornstein-Uhlenbeck: comes back to 0, with a standard deviation of 1 whatever the span. */
function wander(value: number, push: number, spanS: number): number {
  const kept = Math.exp(-spanS / wobbleTauS);
  return value * kept + push * Math.sqrt(1 - kept * kept);
}

/** Roughly normal: the sum of four uniform numbers, which is bounded where a rider is too. */
function gaussian(random: number): [value: number, random: number] {
  let sum = 0;
  for (let count = 0; count < 4; count += 1) {
    random = (random + 0x6d2b79f5) | 0;
    sum += mulberry(random);
  }
  return [(sum - 2) * Math.sqrt(3), random];
}

/** mulberry32: a fraction in [0, 1) from a counter. */
function mulberry(counter: number): number {
  let mixed = Math.imul(counter ^ (counter >>> 15), counter | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
}

/**
 * Between the plan and the trainer: gives the legs time. Pure.
 *
 *              legs turn for 2 s          5 s
 *   waiting ----------------------> rising ----> following
 *      ^------ legs slow or still for 3 s ----------'        resting: the ride stands
 *
 * A trainer in ERG mode brakes the harder the slower the legs turn, until they stand: the spiral. So the target is halved when they
 * slow down, and it comes back softly, as it does after a pause and after the trainer was out of reach. A hill and a resistance level
 * come back softly too: from a level road, and from half the level. No legs are too slow for them, because they do not brake harder then.
 */
import type { TrainerSample, TrainerTarget } from './trainer.ts';

export type SoftTarget =
  | { readonly phase: 'resting' }
  /** `from`: in the measure of the target. `turningMs`: since when the legs turn; null while they do not. */
  | { readonly phase: 'waiting'; readonly from: number; readonly turningMs: number | null }
  | { readonly phase: 'rising'; readonly from: number; readonly sinceMs: number }
  | { readonly phase: 'following'; readonly slowMs: number | null };

/** The legs at a moment; null where nothing is known. */
export type Legs = Pick<TrainerSample, 'powerW' | 'cadenceRpm'>;

export interface Softened {
  readonly soft: SoftTarget;
  readonly target: TrainerTarget;
}

/** Also after the trainer was out of reach: the next target begins softly. */
export const resting: SoftTarget = { phase: 'resting' };

/** Below that the legs are stuck; plans that ask for slow strength are met by `slowRpm`. */
const stuckRpm = 50;
/** Slower than that nobody climbs. */
const climbingRpm = 20;
const turnsForMs = 2_000;
const slowForMs = 3_000;
const riseMs = 5_000;
const easedPart = 0.5;
/** With less on the pedals a cadence of 0 is true; with more the machine does not measure it. */
const pedallingW = 20;

/** What the trainer is told, and where that leaves the legs. */
export function soften(
  soft: SoftTarget,
  target: TrainerTarget,
  legs: Legs,
  nowMs: number,
): Softened {
  if (target.kind === 'rest') return { soft: resting, target };
  // Nothing pulls at the legs: what comes next may begin as it is.
  if (target.kind === 'free') return { soft: { phase: 'following', slowMs: null }, target };
  return withAmount(moved(soft, target, legs, nowMs), target, nowMs);
}

type BrakedTarget = Extract<TrainerTarget, { kind: 'power' | 'grade' | 'resistance' }>;

/** How much is asked, in whatever measure. */
function amountOf(target: BrakedTarget): number {
  switch (target.kind) {
    case 'power':
      return target.powerW;
    case 'grade':
      return target.gradePercent;
    case 'resistance':
      return target.level;
  }
}

function ofAmount(target: BrakedTarget, amount: number): BrakedTarget {
  switch (target.kind) {
    case 'power':
      return { ...target, powerW: Math.round(amount) };
    case 'grade':
      return { ...target, gradePercent: Math.round(amount * 10) / 10 };
    case 'resistance':
      return { ...target, level: Math.round(amount * 10) / 10 };
  }
}

function moved(soft: SoftTarget, target: BrakedTarget, legs: Legs, nowMs: number): SoftTarget {
  switch (soft.phase) {
    case 'resting': {
      // Legs that stand say nothing about where to begin, nor do watts about a hill.
      const now = target.kind === 'power' ? legs.powerW || Infinity : Infinity;
      return waiting(eased(now, target), isTurning(legs, target) ? nowMs : null);
    }
    case 'waiting': {
      if (!isTurning(legs, target)) return waiting(soft.from, null);
      const turningMs = soft.turningMs ?? nowMs;
      return nowMs - turningMs < turnsForMs
        ? waiting(soft.from, turningMs)
        : { phase: 'rising', from: eased(soft.from, target), sinceMs: nowMs };
    }
    case 'rising':
      if (isStuck(legs, target)) return waiting(eased(Infinity, target), null);
      return nowMs - soft.sinceMs < riseMs ? soft : { phase: 'following', slowMs: null };
    case 'following': {
      if (!isStuck(legs, target)) return { phase: 'following', slowMs: null };
      const slowMs = soft.slowMs ?? nowMs;
      return nowMs - slowMs < slowForMs
        ? { phase: 'following', slowMs }
        : waiting(eased(Infinity, target), null);
    }
  }
}

function waiting(from: number, turningMs: number | null): SoftTarget {
  return { phase: 'waiting', from, turningMs };
}

function withAmount(soft: SoftTarget, target: BrakedTarget, nowMs: number): Softened {
  const at = (amount: number): Softened => ({ soft, target: ofAmount(target, amount) });
  switch (soft.phase) {
    case 'waiting':
      return at(eased(soft.from, target));
    case 'rising': {
      const risen = Math.min(1, (nowMs - soft.sinceMs) / riseMs);
      // The rider may have asked for less meanwhile, or for another kind of brake.
      const from = Math.min(soft.from, amountOf(target));
      return at(from + (amountOf(target) - from) * risen);
    }
    case 'resting':
    case 'following':
      return { soft, target };
  }
}

/** The plan may have gone on to something easier meanwhile. Downhill there is nothing to ease. */
function eased(from: number, target: BrakedTarget): number {
  const amount = amountOf(target);
  return Math.min(from, target.kind === 'grade' ? Math.min(0, amount) : amount * easedPart);
}

function slowRpm(target: BrakedTarget): number {
  if (target.kind !== 'power') return climbingRpm;
  return Math.min(stuckRpm, (target.cadenceRpm ?? stuckRpm + 10) - 10);
}

/** Null when nothing says how fast the legs turn: a machine without a cadence sensor may send zeros. */
function cadenceOf({ powerW, cadenceRpm }: Legs): number | null {
  return cadenceRpm === 0 && (powerW ?? 0) > pedallingW ? null : cadenceRpm;
}

function isTurning(legs: Legs, target: BrakedTarget): boolean {
  const cadenceRpm = cadenceOf(legs);
  return cadenceRpm === null ? (legs.powerW ?? 0) > 0 : cadenceRpm > slowRpm(target);
}

function isStuck(legs: Legs, target: BrakedTarget): boolean {
  if (target.kind !== 'power') return false;
  const cadenceRpm = cadenceOf(legs);
  return cadenceRpm !== null && cadenceRpm < slowRpm(target);
}

/**
 * Between the plan and the trainer: gives the legs time. Pure.
 *
 *              legs turn for 2 s          5 s
 *   waiting ----------------------> rising ----> following
 *      ^------ legs slow or still for 3 s ----------'        resting: the ride stands
 *
 * A trainer in ERG mode brakes the harder the slower the legs turn, until they stand: the spiral. So the target is halved when they
 * slow down, and it comes back softly, as it does after a pause and after the trainer was out of reach.
 */
import type { TrainerSample, TrainerTarget } from './trainer.ts';

export type SoftTarget =
  | { readonly phase: 'resting' }
  /** `turningMs`: since when the legs turn; null while they do not. */
  | { readonly phase: 'waiting'; readonly fromW: number; readonly turningMs: number | null }
  | { readonly phase: 'rising'; readonly fromW: number; readonly sinceMs: number }
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
  return withPower(moved(soft, target, legs, nowMs), target, nowMs);
}

type PowerTarget = Extract<TrainerTarget, { kind: 'power' }>;

function moved(soft: SoftTarget, target: PowerTarget, legs: Legs, nowMs: number): SoftTarget {
  switch (soft.phase) {
    case 'resting': {
      // Legs that stand say nothing about where to begin.
      const fromW = easedW(legs.powerW || Infinity, target);
      return waiting(fromW, isTurning(legs, target) ? nowMs : null);
    }
    case 'waiting': {
      if (!isTurning(legs, target)) return waiting(soft.fromW, null);
      const turningMs = soft.turningMs ?? nowMs;
      return nowMs - turningMs < turnsForMs
        ? waiting(soft.fromW, turningMs)
        : { phase: 'rising', fromW: easedW(soft.fromW, target), sinceMs: nowMs };
    }
    case 'rising':
      if (isStuck(legs, target)) return waiting(target.powerW * easedPart, null);
      return nowMs - soft.sinceMs < riseMs ? soft : { phase: 'following', slowMs: null };
    case 'following': {
      if (!isStuck(legs, target)) return { phase: 'following', slowMs: null };
      const slowMs = soft.slowMs ?? nowMs;
      return nowMs - slowMs < slowForMs
        ? { phase: 'following', slowMs }
        : waiting(target.powerW * easedPart, null);
    }
  }
}

function waiting(fromW: number, turningMs: number | null): SoftTarget {
  return { phase: 'waiting', fromW, turningMs };
}

function withPower(soft: SoftTarget, target: PowerTarget, nowMs: number): Softened {
  const at = (powerW: number): Softened => ({
    soft,
    target: { ...target, powerW: Math.round(powerW) },
  });
  switch (soft.phase) {
    case 'waiting':
      return at(easedW(soft.fromW, target));
    case 'rising': {
      const risen = Math.min(1, (nowMs - soft.sinceMs) / riseMs);
      return at(soft.fromW + (target.powerW - soft.fromW) * risen);
    }
    case 'resting':
    case 'following':
      return { soft, target };
  }
}

/** The plan may have gone on to something easier meanwhile. */
function easedW(fromW: number, { powerW }: PowerTarget): number {
  return Math.min(fromW, powerW * easedPart);
}

function slowRpm({ cadenceRpm }: PowerTarget): number {
  return Math.min(stuckRpm, (cadenceRpm ?? stuckRpm + 10) - 10);
}

/** Null when nothing says how fast the legs turn: a machine without a cadence sensor may send zeros. */
function cadenceOf({ powerW, cadenceRpm }: Legs): number | null {
  return cadenceRpm === 0 && (powerW ?? 0) > pedallingW ? null : cadenceRpm;
}

function isTurning(legs: Legs, target: PowerTarget): boolean {
  const cadenceRpm = cadenceOf(legs);
  return cadenceRpm === null ? (legs.powerW ?? 0) > 0 : cadenceRpm > slowRpm(target);
}

function isStuck(legs: Legs, target: PowerTarget): boolean {
  const cadenceRpm = cadenceOf(legs);
  return cadenceRpm !== null && cadenceRpm < slowRpm(target);
}

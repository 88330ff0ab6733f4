/** What a screen asks of a workout's state. `nowMs` is by the clock that issues the commands. */
import { targetPowerW } from './plan.ts';
import { trainingSummary } from './training-metrics.ts';
import type { TrainingSummary } from './training-metrics.ts';
import { markLap, riddenMsAt } from './workout-state.ts';
import type { LapMark, WorkoutState } from './workout-state.ts';

export interface WorkoutSummary extends TrainingSummary {
  /** Whole seconds of riding time at the latest event. Recorded and missing seconds come to as many once it is finished, or one more: the last, begun. */
  readonly ridingS: number;
}

/** One lap. */
export interface Lap {
  /** Riding time at its start and end, seconds. */
  readonly startS: number;
  readonly endS: number;
  /** Over its seconds with power; null when there are none. */
  readonly averageW: number | null;
}

/** Riding time, with fractions: pauses are no part of it. */
export function elapsedS(state: WorkoutState, nowMs: number): number {
  return riddenMsAt(state, nowMs) / 1000;
}

/** Place in the plan, with fractions: riding time plus what was skipped. Grows beyond the plan's end. */
export function planPositionS(state: WorkoutState, nowMs: number): number {
  return (riddenMsAt(state, nowMs) + state.skippedMs) / 1000;
}

/** Target in whole watts at a moment, also while ready and paused; null in free segments, after the plan's end and when finished. */
export function targetPowerNowW(state: WorkoutState, nowMs: number): number | null {
  if (state.phase === 'finished') return null;
  return targetPowerW(state.plan, state.ftpW, state.intensity, planPositionS(state, nowMs));
}

/** The ride in numbers, up to the last second that is over. */
export function summary(state: WorkoutState): WorkoutSummary {
  const ridingS = Math.floor(elapsedS(state, state.lastMs));
  return { ...trainingSummary(state.metrics, state.ftpW), ridingS };
}

/** All laps in order; the last one is still being ridden, or ended with the ride. */
export function laps(state: WorkoutState): readonly Lap[] {
  let start: Omit<LapMark, 'atMs'> = { riddenMs: 0, recordedS: 0, energyJ: 0 };
  return [...state.laps, markLap(state, state.lastMs)].map((end) => {
    const seconds = end.recordedS - start.recordedS;
    const averageW = seconds === 0 ? null : (end.energyJ - start.energyJ) / seconds;
    const lap = { startS: start.riddenMs / 1000, endS: end.riddenMs / 1000, averageW };
    start = end;
    return lap;
  });
}

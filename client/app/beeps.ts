/** What is heard of a plan: three beeps before an interval ends, and a longer one when the next begins. Pure. */
import { segmentAt } from '../../shared/workout/plan.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { planPositionS } from '../../shared/workout/workout-view.ts';

export type Beep = 'soon' | 'now';

/** Where a rider is in the plan, as far as it is heard; null when nothing is: not riding, no plan, or the plan is done. */
export interface HeardPlace {
  readonly interval: number;
  /** Whole seconds to its end, as the countdown shows them. */
  readonly leftS: number;
}

const soonS = 3;

export function heardPlace(state: WorkoutState, nowMs: number): HeardPlace | null {
  const place = segmentAt(state.plan, planPositionS(state, nowMs));
  if (state.phase !== 'riding' || place === null || state.brake !== undefined) return null;
  return { interval: place.index, leftS: Math.ceil(place.leftS - 0.001) };
}

/** The beep that is due between two looks. Who skips, pauses, or was asleep in between hears nothing of what was passed over. */
export function dueBeep(before: HeardPlace | null, now: HeardPlace | null): Beep | null {
  if (before === null) return null;
  const isSame = now?.interval === before.interval;
  if (isSame) return now.leftS < before.leftS && now.leftS <= soonS ? 'soon' : null;
  return before.leftS <= 1 && now?.interval === before.interval + 1 ? 'now' : null;
}

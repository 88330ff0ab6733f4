/** Readings for a screen whose own devices do not ride. Pure. */
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import type { TrainerSample } from './trainer/trainer.ts';

/** What the ride's own record says of the present second. */
export function recordedSamples({ open, lastMs }: WorkoutState): readonly TrainerSample[] {
  if (open === null) return [];
  return [
    {
      atMs: lastMs,
      powerW: mean(open.power),
      cadenceRpm: mean(open.cadence),
      heartRateBpm: mean(open.heartRate),
    },
  ];
}

function mean({ sum, count }: { readonly sum: number; readonly count: number }): number | null {
  return count === 0 ? null : Math.round(sum / count);
}

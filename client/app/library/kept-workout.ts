/** Workouts of the rider's own: what this device keeps of them, and what is to be done so that the account has the same. Pure. */
import type { Plan } from '../../../shared/workout/plan.ts';

export interface KeptWorkout {
  readonly workoutId: string;
  /** Its name is what the rider calls it. */
  readonly plan: Plan;
  readonly keptAtMs: number;
  /** The account that has it; null while it is on this device alone. */
  readonly accountId: string | null;
  /** What the account has not heard of yet. */
  readonly change?: 'renamed' | 'deleted';
}

/** A workout as the account lists it. */
export interface ListedWorkout {
  readonly workoutId: string;
  readonly name: string;
  readonly keptAtMs: number;
}

export type SyncStep =
  /** To the account. */
  | { readonly kind: 'deliver' | 'rename' | 'delete'; readonly workout: KeptWorkout }
  /** To this device. */
  | { readonly kind: 'fetch'; readonly workoutId: string; readonly keptAtMs: number }
  | { readonly kind: 'adopt'; readonly workoutId: string; readonly name: string }
  | { readonly kind: 'drop'; readonly workoutId: string };

/** Those to be shown: of that account, and of nobody's; the one kept last first. */
export function shownWorkouts(
  kept: readonly KeptWorkout[],
  accountId: string | null,
): readonly KeptWorkout[] {
  return kept
    .filter((workout) => workout.change !== 'deleted')
    .filter((workout) => workout.accountId === null || workout.accountId === accountId)
    .toSorted((a, b) => b.keptAtMs - a.keptAtMs);
}

/**
 * What makes both sides the same. What the account had and has no more was deleted on another device; what it never had is delivered,
 * the oldest first. Of two names the one given on this device since counts. What is left of another account goes: that one has it.
 */
export function syncSteps(
  kept: readonly KeptWorkout[],
  listed: readonly ListedWorkout[],
  accountId: string,
): readonly SyncStep[] {
  const names = new Map(listed.map(({ workoutId, name }) => [workoutId, name]));
  const known = new Set(kept.map(({ workoutId }) => workoutId));
  const fetches = listed.filter(({ workoutId }) => !known.has(workoutId));
  return [
    ...kept
      .toSorted((a, b) => a.keptAtMs - b.keptAtMs)
      .flatMap((workout) => stepsFor(workout, names.get(workout.workoutId), accountId)),
    ...fetches.map(({ workoutId, keptAtMs }) => ({ kind: 'fetch', workoutId, keptAtMs }) as const),
  ];
}

function stepsFor(
  workout: KeptWorkout,
  listedName: string | undefined,
  accountId: string,
): readonly SyncStep[] {
  const { workoutId, plan, change } = workout;
  const drop = [{ kind: 'drop', workoutId }] as const;
  if (workout.accountId !== null && workout.accountId !== accountId) return drop;
  if (change === 'deleted') return listedName === undefined ? drop : [{ kind: 'delete', workout }];
  // An answer that was lost: it is there, and only this device does not know.
  if (workout.accountId === null) return [{ kind: 'deliver', workout }];
  if (listedName === undefined) return drop;
  if (change === 'renamed') return [{ kind: 'rename', workout }];
  return listedName === plan.name ? [] : [{ kind: 'adopt', workoutId, name: listedName }];
}

/** The one that is the same workout, whatever it is called: a file that is imported twice is kept once. */
export function sameWorkout(kept: readonly KeptWorkout[], plan: Plan): KeptWorkout | undefined {
  const wanted = JSON.stringify(plan.segments);
  return kept.find((workout) => JSON.stringify(workout.plan.segments) === wanted);
}

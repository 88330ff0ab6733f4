/** The workouts this device keeps, in IndexedDB. */
import { keptDatabase } from '../kept-database.ts';
import type { KeptWorkout } from './kept-workout.ts';

/** All methods reject when the browser keeps nothing for this page. */
export interface WorkoutStore {
  list(): Promise<readonly KeptWorkout[]>;
  put(workout: KeptWorkout): Promise<void>;
  /** Changes it as it is by then; undefined deletes it. One that is not there stays so. */
  update(
    workoutId: string,
    change: (workout: KeptWorkout) => KeptWorkout | undefined,
  ): Promise<void>;
}

export function workoutStore(): WorkoutStore {
  const { change, read } = keptDatabase('trackstand-library', (database) =>
    database.createObjectStore('workouts', { keyPath: 'workoutId' }),
  );
  return {
    list: () => read<KeptWorkout[]>('workouts'),
    put: (workout) =>
      change(['workouts'], (transaction) => transaction.objectStore('workouts').put(workout)),
    update: (workoutId, next) =>
      change(['workouts'], (transaction) => {
        const workouts = transaction.objectStore('workouts');
        const former = workouts.get(workoutId);
        former.addEventListener('success', () => {
          const workout = former.result as KeptWorkout | undefined;
          if (workout === undefined) return;
          const changed = next(workout);
          if (changed === undefined) workouts.delete(workoutId);
          else workouts.put(changed);
        });
      }),
  };
}

/** In the place of one, where the browser keeps nothing: for as long as the page is open. */
export function workoutMemory(): WorkoutStore {
  const workouts = new Map<string, KeptWorkout>();
  return {
    list: () => Promise.resolve([...workouts.values()]),
    put: (workout) => {
      workouts.set(workout.workoutId, workout);
      return Promise.resolve();
    },
    update: (workoutId, next) => {
      const workout = workouts.get(workoutId);
      const changed = workout && next(workout);
      if (changed === undefined) workouts.delete(workoutId);
      else workouts.set(workoutId, changed);
      return Promise.resolve();
    },
  };
}

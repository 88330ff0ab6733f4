import { describe, expect, test } from 'vitest';

import { AccountError } from '../../client/app/account-requests.ts';
import { workoutLibrary } from '../../client/app/library/workout-library.ts';
import { workoutMemory } from '../../client/app/library/workout-store.ts';
import type { Plan } from '../../shared/workout/plan.ts';

const planOf = (name: string, description = ''): Plan => ({
  name,
  description,
  segments: [{ kind: 'steady', durationS: 60, fraction: 0.5 }],
});
const nameOf = (number: number): string => `Workout ${String(number).padStart(3, '0')}`;

/** An account that keeps workouts within a number of them and of characters, and counts how often it was asked to. */
function accountWith(room: { countMax?: number; lengthMax?: number; tryCountMax?: number }) {
  const { countMax = Infinity, lengthMax = Infinity, tryCountMax = Infinity } = room;
  const kept = new Map<string, Plan>();
  const asked = { count: 0 };
  const nothing = (): Promise<void> => Promise.resolve();
  const lengthOf = (plans: readonly Plan[]): number =>
    plans.reduce((length, plan) => length + JSON.stringify(plan).length, 0);
  return {
    kept,
    asked,
    isSignedIn: () => true,
    workouts: async () => ({
      accountId: 'ada',
      listed: [...kept].map(([workoutId, { name }]) => ({ workoutId, name, keptAtMs: 1 })),
    }),
    workout: async (workoutId: string) => kept.get(workoutId),
    keepWorkout: async (workoutId: string, plan: Plan) => {
      asked.count += 1;
      if (asked.count > tryCountMax) throw new AccountError('too-many-tries', 'Too many tries.');
      if (kept.size >= countMax || lengthOf([...kept.values(), plan]) > lengthMax)
        throw new AccountError('library-full', 'Your library is full.');
      kept.set(workoutId, plan);
    },
    renameWorkout: nothing,
    deleteWorkout: nothing,
  };
}

async function deviceWith(account: ReturnType<typeof accountWith>, plans: readonly Plan[]) {
  const store = workoutMemory();
  for (const [keptAtMs, plan] of plans.entries())
    await store.put({ workoutId: nameOf(keptAtMs), plan, keptAtMs, accountId: null });
  const library = workoutLibrary({
    store,
    memory: workoutMemory(),
    account,
    nowMs: () => 1_000,
  });
  return { library, store };
}

describe('an account that takes no more', () => {
  test('is not asked for each of what it cannot take: 250 workouts leave most of its rate', async () => {
    const account = accountWith({ countMax: 200 });
    const plans = Array.from({ length: 250 }, (_, number) => planOf(nameOf(number)));
    const { library, store } = await deviceWith(account, plans);
    expect(await library.sync()).toEqual({ kind: 'synced', leftOut: 50 });
    expect(account.asked.count).toBe(201);
    expect(await library.sync()).toEqual({ kind: 'synced', leftOut: 50 });
    expect(account.asked.count).toBe(202);
    expect(await store.list()).toHaveLength(250);
  });

  test('by size is asked for what is shorter, which may still find room', async () => {
    const account = accountWith({ lengthMax: 500 });
    const [long, short] = [planOf('Long', 'x'.repeat(600)), planOf('Short')];
    const { library } = await deviceWith(account, [long, long, short]);
    expect(await library.sync()).toEqual({ kind: 'synced', leftOut: 2 });
    expect([...account.kept.values()]).toEqual([short]);
    expect(account.asked.count).toBe(2);
  });

  test('for now takes the rest with a later look, and nothing is twice', async () => {
    const account = accountWith({ tryCountMax: 2 });
    const plans = [0, 1, 2].map((number) => planOf(nameOf(number)));
    const { library, store } = await deviceWith(account, plans);
    expect(await library.sync()).toEqual({ kind: 'later' });
    expect(account.kept.size).toBe(2);
    account.asked.count = 0;
    expect(await library.sync()).toEqual({ kind: 'synced', leftOut: 0 });
    expect([...account.kept.values()].map(({ name }) => name)).toEqual([0, 1, 2].map(nameOf));
    expect(await store.list()).toHaveLength(3);
  });
});

import { describe, expect, test } from 'vitest';

import { AccountError } from '../../client/app/account-requests.ts';
import { workoutLibrary } from '../../client/app/library/workout-library.ts';
import { workoutMemory, type WorkoutStore } from '../../client/app/library/workout-store.ts';
import type { KeptRide } from '../../client/app/rides/kept-ride.ts';
import { rideBook } from '../../client/app/rides/ride-book.ts';
import type { RideStore } from '../../client/app/rides/ride-store.ts';
import type { RidesOfAccount } from '../../client/app/rides/rides-of-account.ts';
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { workout } from '../../shared/workout/workout.ts';

const [lunch] = builtInPlans;
if (lunch === undefined) throw new Error('There is no plan.');
const { plan } = lunch;
const ended = (): never => {
  throw new AccountError('login-ended', 'You are not signed in here.');
};

/** An account that ends the login with the first question: another device did. */
function leftAccount() {
  let isSignedIn = true;
  const asked = (): never => {
    isSignedIn = false;
    return ended();
  };
  return { isSignedIn: () => isSignedIn, asked };
}

describe('who was signed out from another device', () => {
  test('has rides of this device alone', async () => {
    const ride = (sessionId: string, copyOf?: string): KeptRide => ({
      sessionId,
      name: 'Noon',
      state: { ...workout.initial({ plan, ftpW: 200 }), startedAtMs: 1 },
      commands: [],
      incidents: [],
      ...(copyOf !== undefined && { copyOf }),
    });
    const rides = new Map([ride('own'), ride('copy', 'ada')].map((one) => [one.sessionId, one]));
    const store: Pick<RideStore, 'list' | 'remove'> = {
      list: () => Promise.resolve([...rides.values()]),
      remove: (sessionId) => Promise.resolve(void rides.delete(sessionId)),
    };
    const { isSignedIn, asked } = leftAccount();
    const account: Pick<RidesOfAccount, 'isSignedIn' | 'list'> = {
      isSignedIn,
      list: async () => asked(),
    };
    const book = rideBook({
      store: store as RideStore,
      account: account as RidesOfAccount,
      nowMs: () => 1,
    });
    expect(await book.list()).toHaveLength(2);
    let count = 0;
    const refreshed = await book.refresh(async () => {
      count = (await book.list()).length;
    });
    expect(refreshed).toEqual({ kind: 'alone' });
    expect(count).toBe(1);
    expect([...rides.keys()]).toEqual(['own']);
  });
});

describe('a browser that is full', () => {
  test('keeps what was imported as long as the page is open, beside what it kept before', async () => {
    const kept = workoutMemory();
    await kept.put({ workoutId: 'a', plan, keptAtMs: 1, accountId: null });
    const full: WorkoutStore = { ...kept, put: () => Promise.reject(new Error('QuotaExceeded')) };
    const library = workoutLibrary({
      store: full,
      memory: workoutMemory(),
      account: {
        isSignedIn: () => false,
        workouts: ended,
        workout: ended,
        keepWorkout: ended,
        renameWorkout: ended,
        deleteWorkout: ended,
      },
      nowMs: () => 2,
    });
    const other = { ...plan, segments: plan.segments.slice(0, 1) };
    expect(await library.keep(other)).toBe('kept');
    expect(await library.list()).toHaveLength(2);
    const [added] = await library.list();
    await library.rename(added?.workoutId ?? '', 'Short');
    expect((await library.list()).map(({ plan: { name } }) => name)).toEqual(['Short', plan.name]);
  });
});

/** The library of the rider's account, asked over HTTP. */
import type { AccountClient } from '../account-client.ts';
import { list, text } from '../account-requests.ts';
import type { LibraryOfAccount } from './workout-library.ts';

const place = '/v1/accounts/me/workouts';

export function libraryOfAccount({
  ask,
  accountId,
  isSignedIn,
}: Pick<AccountClient, 'ask' | 'accountId' | 'isSignedIn'>): LibraryOfAccount {
  const change = async (method: string, workoutId: string, body?: object): Promise<void> => {
    await ask(method, `${place}/${workoutId}`, body && { ...body });
  };
  return {
    isSignedIn,
    workouts: async () => {
      const listed = list(await ask('GET', place), 'workouts').map((row) => ({
        workoutId: text(row, 'workout_id'),
        name: text(row, 'name'),
        keptAtMs: Date.parse(text(row, 'created_at')),
      }));
      return { accountId: accountId() ?? '', listed };
    },
    workout: async (workoutId) => (await ask('GET', `${place}/${workoutId}`))['plan'],
    keepWorkout: (workoutId, plan) => change('PUT', workoutId, { plan }),
    renameWorkout: (workoutId, name) => change('PATCH', workoutId, { name }),
    deleteWorkout: (workoutId) => change('DELETE', workoutId),
  };
}

/** The rider's own workouts: on this device at once, and in their account as soon as there is one and the service is reached. */
import * as v from 'valibot';

import { planSchema, type Plan } from '../../../shared/workout/plan.ts';
import { newId } from '../../new-id.ts';
import { AccountError } from '../account-requests.ts';
import {
  sameWorkout,
  shownWorkouts,
  syncSteps,
  type KeptWorkout,
  type ListedWorkout,
  type SyncStep,
} from './kept-workout.ts';
import type { WorkoutStore } from './workout-store.ts';

/** The account's side of the library. All reject with AccountError. */
export interface LibraryOfAccount {
  readonly isSignedIn: () => boolean;
  /** Whose library this is; told with the list. */
  readonly workouts: () => Promise<{
    readonly accountId: string;
    readonly listed: readonly ListedWorkout[];
  }>;
  readonly workout: (workoutId: string) => Promise<unknown>;
  readonly keepWorkout: (workoutId: string, plan: Plan) => Promise<void>;
  readonly renameWorkout: (workoutId: string, name: string) => Promise<void>;
  readonly deleteWorkout: (workoutId: string) => Promise<void>;
}

/** What came of asking the account. `full`: how many are on this device alone, because the account takes no more. */
export type Synced =
  /** `later`: the account has had as many changes as it takes in a while. */
  | { readonly kind: 'alone' | 'unreachable' | 'later' }
  | { readonly kind: 'synced'; readonly leftOut: number };

export interface WorkoutLibrary {
  /** As this device knows it. */
  list(): Promise<readonly KeptWorkout[]>;
  /** Keeps it under its name, or finds it kept. */
  keep(plan: Plan): Promise<'kept' | 'known'>;
  rename(workoutId: string, name: string): Promise<void>;
  remove(workoutId: string): Promise<void>;
  /** Delivers what the account does not have and fetches what this device does not have. One at a time, over all tabs. */
  sync(): Promise<Synced>;
  /** Nobody is signed in here any more: what the account has is no more on this device. */
  leaveAccount(): Promise<void>;
}

export interface WorkoutLibraryParts {
  readonly store: WorkoutStore;
  /** Where the browser keeps nothing. */
  readonly memory: WorkoutStore;
  readonly account: LibraryOfAccount;
  readonly nowMs: () => number;
}

/** Whose workouts are shown on this device, also while nobody can be asked. */
const ownerKey = 'trackstand-library-of';

export function workoutLibrary({
  store: kept,
  memory,
  account,
  nowMs,
}: WorkoutLibraryParts): WorkoutLibrary {
  const store = withSpare(kept, memory);
  const list = async (): Promise<readonly KeptWorkout[]> =>
    shownWorkouts(await store.list(), owner());
  const leaveAccount = async (): Promise<void> => {
    for (const { workoutId, accountId } of await store.list())
      if (accountId !== null) await store.update(workoutId, () => undefined);
    rememberOwner(null);
  };
  /** Signed out here, or from another device: who comes next must not see them. */
  const alone = async (): Promise<Synced> => {
    if (owner() !== null) await leaveAccount();
    return { kind: 'alone' };
  };
  const sync = async (): Promise<Synced> => {
    if (!account.isSignedIn()) return alone();
    try {
      const { accountId, listed } = await account.workouts();
      rememberOwner(accountId);
      let leftOut = 0;
      const room = roomLeft();
      for (const step of syncSteps(await store.list(), listed, accountId))
        if (!(await take(step, { account, store, accountId, room }))) leftOut++;
      return { kind: 'synced', leftOut };
    } catch (error) {
      if (!(error instanceof AccountError)) throw error;
      if (error.code === 'too-many-tries') return { kind: 'later' };
      return account.isSignedIn() ? { kind: 'unreachable' } : alone();
    }
  };
  return {
    list,
    keep: async (plan) => {
      if (sameWorkout(await list(), plan) !== undefined) return 'known';
      await store.put({ workoutId: newId(), plan, keptAtMs: nowMs(), accountId: null });
      return 'kept';
    },
    rename: (workoutId, name) =>
      store.update(workoutId, (workout) => ({
        ...workout,
        plan: { ...workout.plan, name },
        change: 'renamed',
      })),
    remove: (workoutId) =>
      store.update(workoutId, (workout) => ({ ...workout, change: 'deleted' })),
    // Where there are no locks a tab may do again what another one does: every step can be repeated.
    sync: () => globalThis.navigator?.locks?.request('trackstand-library', sync) ?? sync(),
    leaveAccount,
  };
}

/** What the browser does not keep, because it keeps nothing or is full, can be ridden all the same. */
function withSpare(kept: WorkoutStore, memory: WorkoutStore): WorkoutStore {
  return {
    list: async () => [...(await kept.list().catch(() => [])), ...(await memory.list())],
    put: (workout) => kept.put(workout).catch(() => memory.put(workout)),
    update: async (workoutId, change) => {
      const spare = await memory.list();
      const isSpare = spare.some((workout) => workout.workoutId === workoutId);
      await (isSpare ? memory : kept).update(workoutId, change);
    },
  };
}

interface StepParts extends Pick<WorkoutLibraryParts, 'account' | 'store'> {
  readonly accountId: string;
  readonly room: Room;
}

interface Room {
  /** Whether a workout of that length may still be taken. */
  readonly has: (length: number) => boolean;
  readonly refused: (length: number) => void;
}

/** Of an account that is full, by number or by size, nothing is asked again that is not shorter: each try counts against its rate. */
function roomLeft(): Room {
  let refusedLength = Infinity;
  return {
    has: (length) => length < refusedLength,
    refused: (length) => {
      refusedLength = Math.min(refusedLength, length);
    },
  };
}

/** False when the account does not take it: it stays on this device. Rejects with AccountError while the service cannot be asked. */
async function take(step: SyncStep, parts: StepParts): Promise<boolean> {
  const { account, store, accountId, room } = parts;
  switch (step.kind) {
    case 'deliver': {
      const { workoutId, plan, change } = step.workout;
      const { length } = JSON.stringify(plan);
      if (!room.has(length)) return false;
      const outcome = await takenAs(account.keepWorkout(workoutId, plan));
      if (outcome === 'library-full') room.refused(length);
      if (outcome !== 'taken') return false;
      // It may be there since an answer that was lost, under the name it had then.
      if (change === 'renamed') await account.renameWorkout(workoutId, plan.name);
      await store.update(workoutId, (workout) => ({ ...told(workout, plan.name), accountId }));
      return true;
    }
    case 'rename': {
      const { workoutId, plan } = step.workout;
      await isThere(account.renameWorkout(workoutId, plan.name));
      await store.update(workoutId, (workout) => told(workout, plan.name));
      return true;
    }
    case 'delete':
      await isThere(account.deleteWorkout(step.workout.workoutId));
      await store.update(step.workout.workoutId, () => undefined);
      return true;
    case 'fetch': {
      const { workoutId, keptAtMs } = step;
      const plan = v.safeParse(planSchema, await unlessDeleted(account.workout(workoutId)));
      // What a newer page keeps is left to newer pages.
      if (!plan.success) return true;
      await store.put({ workoutId, plan: plan.output, keptAtMs, accountId });
      return true;
    }
    case 'adopt': {
      const { workoutId, name } = step;
      await store.update(workoutId, (workout) =>
        workout.change === undefined ? { ...workout, plan: { ...workout.plan, name } } : workout,
      );
      return true;
    }
    case 'drop':
      await store.update(step.workoutId, () => undefined);
      return true;
  }
}

/** Not again, unless it got yet another name meanwhile. */
function told(workout: KeptWorkout, name: string): KeptWorkout {
  if (workout.change !== 'renamed' || workout.plan.name !== name) return workout;
  const { change: _, ...rest } = workout;
  return rest;
}

const refusals = ['library-full', 'bad-request', 'body-too-large'] as const;

async function takenAs(keeping: Promise<void>): Promise<'taken' | (typeof refusals)[number]> {
  return unlessCode(keeping, refusals);
}

/** What another device has deleted at this moment needs nothing any more; what the account refuses holds up nothing behind it. */
async function isThere(changing: Promise<void>): Promise<void> {
  await unlessCode(changing, ['workout-unknown', 'bad-request']);
}

async function unlessDeleted(asking: Promise<unknown>): Promise<unknown> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof AccountError && error.code === 'workout-unknown') return undefined;
    throw error;
  }
}

async function unlessCode<Code extends string>(
  asking: Promise<void>,
  codes: readonly Code[],
): Promise<'taken' | Code> {
  try {
    await asking;
    return 'taken';
  } catch (error) {
    const code = error instanceof AccountError && codes.find((one) => one === error.code);
    if (!code) throw error;
    return code;
  }
}

function owner(): string | null {
  try {
    return localStorage.getItem(ownerKey);
  } catch {
    return null;
  }
}

function rememberOwner(accountId: string | null): void {
  try {
    if (accountId === null) localStorage.removeItem(ownerKey);
    else localStorage.setItem(ownerKey, accountId);
  } catch {
    // The list is asked for again with every page.
  }
}

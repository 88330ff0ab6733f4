/** The rider's rides: those of this device, and copies of those that other devices rode. */
import type { WorkoutState } from '../../../shared/workout/workout-state.ts';
import { AccountError } from '../account-requests.ts';
import { rideSteps, type AccountRide } from './account-rides.ts';
import { isInParts, recordOf, type KeptRide } from './kept-ride.ts';
import type { RideStore } from './ride-store.ts';
import type { RidesOfAccount } from './rides-of-account.ts';

/** A ride under way on another device. */
export interface LiveRide {
  readonly sessionId: string;
  readonly state: WorkoutState;
}

/** `alone`: nobody is signed in here. */
export type Refreshed =
  | { readonly kind: 'alone' | 'unreachable' }
  | { readonly kind: 'fresh'; readonly live: readonly LiveRide[] };

export interface RideBook {
  readonly isSignedIn: () => boolean;
  /** Newest first. Rejects when the browser keeps nothing for this page. */
  list(): Promise<readonly KeptRide[]>;
  /** Asks the account; `changed` is called whenever there is something new to list. */
  refresh(changed: () => Promise<void>): Promise<Refreshed>;
  /** With all that its log has; the ride as it is when the service does not have that. Rejects with AccountError. */
  whole(ride: KeptRide): Promise<KeptRide>;
  rename(sessionId: string, name: string): Promise<void>;
  /** Here and in the account. Rejects with AccountError when the account cannot be asked: then it is still here. */
  remove(sessionId: string): Promise<void>;
  /** Nobody is signed in here any more: copies go. */
  leaveAccount(): Promise<void>;
}

export interface RideBookParts {
  readonly store: RideStore;
  readonly account: RidesOfAccount;
  readonly nowMs: () => number;
}

/** Of rides under way: who has more has forgotten them. */
const liveCountMax = 5;

export function rideBook({ store, account, nowMs }: RideBookParts): RideBook {
  const tell = async (sessionId: string, name: string): Promise<void> => {
    await account.rename(sessionId, name);
    await store.update(sessionId, (ride) =>
      ride.name === name ? { ...ride, isNameNew: false } : ride,
    );
  };
  const copy = async ({ sessionId, name, untilMs }: AccountRide, copyOf: string): Promise<void> => {
    const state = await account.state(sessionId);
    if (state === undefined) return;
    const given = name ?? state.plan.name;
    const nothing = { commands: [], incidents: [] };
    await store.keepCopy({ sessionId, name: given, state, ...nothing, copyOf, untilMs });
  };
  const refresh = async (changed: () => Promise<void>): Promise<readonly LiveRide[]> => {
    const listed = await account.list();
    const kept = await store.list();
    const steps = rideSteps(kept, listed, nowMs());
    for (const sessionId of steps.drop) await store.remove(sessionId);
    for (const { sessionId, name } of steps.adopt)
      await store.update(sessionId, (ride) => ({ ...ride, name }));
    if (steps.drop.length + steps.adopt.length > 0) await changed();
    for (const { sessionId, name } of steps.tell) await tell(sessionId, name);
    for (const ride of steps.fetch) {
      await copy(ride, listed.accountId);
      await changed();
    }
    const live: LiveRide[] = [];
    for (const { sessionId } of steps.live.slice(0, liveCountMax)) {
      const state = await account.state(sessionId);
      if (state !== undefined && state.startedAtMs !== null) live.push({ sessionId, state });
    }
    return live;
  };
  const leaveAccount = async (): Promise<void> => {
    for (const { sessionId, copyOf } of await store.list())
      if (copyOf !== undefined) await store.remove(sessionId);
  };
  return {
    isSignedIn: account.isSignedIn,
    // One that was never begun is kept too, so that it is not asked for again.
    list: async () => (await store.list()).filter(({ state }) => state.startedAtMs !== null),
    refresh: async (changed) => {
      try {
        if (account.isSignedIn()) return { kind: 'fresh', live: await refresh(changed) };
      } catch (error) {
        if (!(error instanceof AccountError)) throw error;
        if (account.isSignedIn()) return { kind: 'unreachable' };
      }
      // Signed out here, or from another device: who comes next must not see them.
      await leaveAccount();
      await changed();
      return { kind: 'alone' };
    },
    whole: (ride) => whole(store, account, ride),
    rename: async (sessionId, name) => {
      await store.update(sessionId, (ride) => ({ ...ride, name, isNameNew: true }));
      // It is told with the next look at the list otherwise.
      if (account.isSignedIn()) await tell(sessionId, name).catch(() => {});
    },
    remove: async (sessionId) => {
      if (account.isSignedIn()) await account.remove(sessionId);
      await store.remove(sessionId);
    },
    leaveAccount,
  };
}

async function whole(store: RideStore, account: RidesOfAccount, ride: KeptRide): Promise<KeptRide> {
  if (!account.isSignedIn() || !isInParts(ride)) return ride;
  const events = await account.events(ride.sessionId);
  if (events === undefined || events.length === 0) return ride;
  const told = { ...ride, events };
  const [log, own] = [recordOf(told), recordOf(ride)];
  // Something is still to be delivered: the longer one is shown, and it is asked for again.
  if (log?.isWhole !== true) return (log?.riddenMs ?? 0) > (own?.riddenMs ?? 0) ? told : ride;
  await store.update(ride.sessionId, (former) => ({ ...former, events })).catch(() => {});
  return told;
}

/** Whether a ride arrived: every command once, and the very state that the ride alone comes to. */
import { isDeepStrictEqual } from 'node:util';

import * as v from 'valibot';

import type { SessionStorage } from '../../client/session-storage.ts';
import type { WireCommand } from '../../shared/protocol/frames.ts';
import type { WorkoutInput } from '../../shared/workout/workout-schemas.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { workout } from '../../shared/workout/workout.ts';
import type { WireAccount } from './wire-witness.ts';

/** What `GET resume_url` answers. */
const storedSession = v.object({ offset: v.number(), state: v.unknown() });
export type StoredState = v.InferOutput<typeof storedSession>;

export interface Evidence {
  readonly input: WorkoutInput;
  readonly given: readonly WireCommand[];
  /** What the service has, asked over HTTP; undefined when it did not answer. */
  readonly stored: StoredState | undefined;
  /** What the client shows. */
  readonly shown: WorkoutState;
  /** What went over the wire. */
  readonly account: WireAccount;
  /** Commands not in Postgres at the end. */
  readonly unsavedCount: number;
}

/** Everything that is wrong, one sentence each; none when the ride arrived. */
export function findFaults(evidence: Evidence): readonly string[] {
  const { given, stored, shown, account, unsavedCount } = evidence;
  const { takenCount, doubledCount, refusals, headOffset } = account;
  const expected = foldRide(evidence.input, given);
  const lostCount = given.length - takenCount;
  return [
    lostCount > 0 && `Commands that never came into the log: ${lostCount}.`,
    lostCount < 0 && `Commands in the log that were never given: ${-lostCount}.`,
    doubledCount > 0 && `Commands that are in the log again: ${doubledCount}.`,
    refusals.length > 0 && `Commands were refused: ${refusals.join(', ')}.`,
    unsavedCount > 0 && `Commands that are not in Postgres: ${unsavedCount}.`,
    stored === undefined && 'The service does not give its state out.',
    stored !== undefined &&
      stored.offset !== headOffset &&
      `The log ends at ${stored.offset}, its entries were told up to ${headOffset}.`,
    stored !== undefined &&
      !isSame(stored.state, expected) &&
      'The state of the service is not what the ride comes to.',
    !isSame(shown, expected) && 'The state of the client is not what the ride comes to.',
  ].filter((fault) => fault !== false);
}

/** Asks the service for the session that is in that storage, with the token the client holds now. */
export async function readStored(storage: SessionStorage): Promise<StoredState | undefined> {
  const { session } = (await storage.load()) ?? {};
  if (session === undefined) return undefined;
  const headers = { authorization: `Bearer ${session.token}` };
  try {
    const response = await fetch(session.url, { headers });
    const body = v.safeParse(storedSession, await response.json());
    return response.ok && body.success ? body.output : undefined;
  } catch {
    // Unreachable or no JSON: the missing state is told as a fault.
    return undefined;
  }
}

/** The ride by the pure model alone: no client, no server, no entries. */
function foldRide(input: WorkoutInput, given: readonly WireCommand[]): WorkoutState {
  return given.reduce((state, [type, data, atMs]) => {
    const parsed = workout.parseCommand(type, data);
    if (!parsed.ok) return state;
    const decision = workout.decide(state, parsed.value, { atMs, clientId: '' });
    if ('refused' in decision) return state;
    return decision.reduce((next, event) => workout.evolve(next, event), state);
  }, workout.initial(input));
}

/** As JSON: what crossed the wire has no undefined in it. */
function isSame(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other)));
}

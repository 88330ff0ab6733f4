/** The rides of the rider's account, asked over HTTP. */
import type { WorkoutEvent } from '../../../shared/workout/workout-schemas.ts';
import type { WorkoutState } from '../../../shared/workout/workout-state.ts';
import { workout } from '../../../shared/workout/workout.ts';
import type { AccountClient } from '../account-client.ts';
import { AccountError, list, text } from '../account-requests.ts';
import type { ListedRides } from './account-rides.ts';

/** All reject with AccountError. */
export interface RidesOfAccount {
  readonly isSignedIn: () => boolean;
  readonly list: () => Promise<ListedRides>;
  /** Undefined when the service has it no more, or has one that this page is too old for. */
  readonly state: (sessionId: string) => Promise<WorkoutState | undefined>;
  readonly events: (sessionId: string) => Promise<readonly WorkoutEvent[] | undefined>;
  /** What the account does not have needs nothing. */
  readonly rename: (sessionId: string, name: string) => Promise<void>;
  readonly remove: (sessionId: string) => Promise<void>;
}

const place = '/v1/accounts/me/sessions';
/** Of a list of the service's. */
const listedMax = 200;

export function ridesOfAccount({
  ask,
  accountId,
  isSignedIn,
}: Pick<AccountClient, 'ask' | 'accountId' | 'isSignedIn'>): RidesOfAccount {
  const change = (...request: Parameters<typeof ask>): Promise<void> =>
    unlessUnknown(ask(...request)).then(() => {});
  return {
    isSignedIn,
    list: async () => {
      const rows = list(await ask('GET', place), 'sessions');
      const rides = rows
        .filter((row) => row['kind'] === workout.kind)
        .map((row) => ({
          sessionId: text(row, 'session_id'),
          name: text(row, 'name') || null,
          untilMs: Date.parse(text(row, 'expires_at')),
          isOver: row['ended'] !== undefined,
        }));
      return { accountId: accountId() ?? '', rides, isWhole: rows.length < listedMax };
    },
    state: async (sessionId) => {
      const body = await unlessUnknown(ask('GET', `${place}/${sessionId}`));
      return body?.['version'] === workout.version ? (body['state'] as WorkoutState) : undefined;
    },
    events: async (sessionId) => {
      const body = await unlessUnknown(ask('GET', `${place}/${sessionId}/entries`));
      return body && list(body, 'entries').flatMap(eventsIn);
    },
    rename: (sessionId, name) => change('PATCH', `${place}/${sessionId}`, { name }),
    remove: (sessionId) => change('DELETE', `${place}/${sessionId}`),
  };
}

/** What was refused has none. */
function eventsIn(entry: Readonly<Record<string, unknown>>): readonly WorkoutEvent[] {
  const { events } = entry;
  if (!Array.isArray(events)) return [];
  return (events as readonly [string, unknown][]).map(
    ([type, data]) => ({ type, data }) as WorkoutEvent,
  );
}

async function unlessUnknown<Body>(asking: Promise<Body>): Promise<Body | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof AccountError && error.code === 'session-unknown') return undefined;
    throw error;
  }
}

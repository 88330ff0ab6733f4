/** Something done to a service while it is used, and what its users noticed. */
import { startLoad, type Kind, type Tally } from './load.ts';
import { startRideAlong } from './ride-along.ts';

export interface Use {
  readonly sessions: number;
  /** Of all sessions together. */
  readonly commandsPerS: number;
  /** Of each kind. */
  readonly requestsPerS: number;
}

export interface Noticed {
  /** `502 of post`, and how often. */
  readonly failed: Readonly<Record<string, number>>;
  readonly requestCount: number;
  readonly commandCount: number;
  /** Sessions in which a command was lost, doubled or swapped. */
  readonly differingCount: number;
  readonly gapsMs: readonly number[];
  /** Of each client. */
  readonly moves: readonly number[];
  readonly tallies: Readonly<Record<Kind, Tally>>;
}

/** What users must notice: nothing. */
export const nothing = { failed: {}, differingCount: 0, gapsMs: [] };

/** Rides begin before `act` and end after it; `act` may rely on everybody being there. */
export async function underLoad<Result>(
  url: string,
  use: Use,
  act: () => Promise<Result>,
): Promise<Noticed & { readonly result: Result }> {
  const rides = await startRideAlong(url, use.sessions, use.commandsPerS);
  const perS = use.requestsPerS;
  const load = startLoad(url, {
    'get-new': perS,
    'get-kept': perS,
    post: perS / 4,
    upgrade: perS / 2,
  });
  rides.takeMoves();
  let result: Result;
  try {
    result = await act();
  } finally {
    await load.stop();
  }
  const moves = rides.takeMoves();
  const commandCount = rides.commandCount();
  const differingCount = await rides.finish();
  const { tallies } = load;
  const failed: Record<string, number> = {};
  for (const [kind, { bad }] of Object.entries(tallies))
    for (const [fault, count] of bad) failed[`${fault} of ${kind}`] = count;
  return {
    result,
    failed,
    requestCount: Object.values(tallies).reduce((sum, { sent }) => sum + sent, 0),
    commandCount,
    differingCount,
    gapsMs: rides.gapsMs,
    moves,
    tallies,
  };
}

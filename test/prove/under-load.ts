/** Something done to a service while it is used, and what its users noticed. */
import { ClosesFirst } from './closes-first.ts';
import { startLoad, type Kind, type Tally } from './load.ts';
import { startRideAlong } from './ride-along.ts';

export interface Use {
  readonly sessions: number;
  /** Of all sessions together. */
  readonly commandsPerS: number;
  /** Of new and kept connections each; a quarter of it are POSTs, half of it upgrades. */
  readonly requestsPerS: number;
  /** Requests of `slowPage` a second; none where the instances have no such page. */
  readonly slowPerS?: number | undefined;
  /** Address of the Postgres that must have every command once the load is over; without it only the clients are asked. */
  readonly postgres?: string | undefined;
  /** Clients without make-before-break. */
  readonly closesFirst?: boolean | undefined;
}

/** Requests a second of each kind. */
export const ratesOf = ({ requestsPerS, slowPerS = 0 }: Use): Readonly<Record<Kind, number>> => ({
  'get-new': requestsPerS,
  'get-kept': requestsPerS,
  'get-slow': slowPerS,
  post: requestsPerS / 4,
  upgrade: requestsPerS / 2,
});

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
  /** Most moves and returns that began within 100 ms. */
  readonly peak: number;
  readonly tallies: Readonly<Record<Kind, Tally>>;
  /** Requests a second of each kind that were sent. */
  readonly perS: Readonly<Record<Kind, number>>;
}

/** What users must notice: nothing. */
export const nothing = { failed: {}, differingCount: 0, gapsMs: [] };

/** As ordinary clients come back, spread over the time they have for that. */
function evenly(): () => number {
  let turn = 0;
  return () => (turn++ * 0.618_034) % 1;
}

/** Rides begin before `act` and end after it; `act` may rely on everybody being there. */
export async function underLoad<Result>(
  url: string,
  use: Use,
  act: () => Promise<Result>,
): Promise<Noticed & { readonly result: Result }> {
  const client = use.closesFirst === true ? { WebSocket: ClosesFirst, random: evenly() } : {};
  const rides = await startRideAlong(url, use.sessions, use.commandsPerS, client);
  const load = startLoad(url, ratesOf(use));
  rides.takeMoves();
  let result: Result;
  try {
    result = await act();
  } catch (error) {
    rides.stop();
    throw error;
  } finally {
    await load.stop();
  }
  const moves = rides.takeMoves();
  const commandCount = rides.commandCount();
  const differingCount = await rides.finish(use.postgres);
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
    peak: rides.peak(),
    tallies,
    perS: ratesOf(use),
  };
}

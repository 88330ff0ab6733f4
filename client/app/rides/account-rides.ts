/** The rides of an account beside those of this device: what is to be done so that both tell the same. Pure. */
import type { KeptRide } from './kept-ride.ts';

/** A ride as the account lists it. */
export interface AccountRide {
  readonly sessionId: string;
  /** What the rider calls it; null until they do. */
  readonly name: string | null;
  /** How long the account has it at least, ms since the Unix epoch. */
  readonly untilMs: number;
  readonly isOver: boolean;
}

export interface ListedRides {
  readonly accountId: string;
  readonly rides: readonly AccountRide[];
  /** False when there are more than are listed. */
  readonly isWhole: boolean;
}

export interface RideSteps {
  /** Over, and not on this device. */
  readonly fetch: readonly AccountRide[];
  /** Not over, and ridden elsewhere. */
  readonly live: readonly AccountRide[];
  /** Named elsewhere since. */
  readonly adopt: readonly { readonly sessionId: string; readonly name: string }[];
  /** Named here, which the account has not heard of. */
  readonly tell: readonly { readonly sessionId: string; readonly name: string }[];
  /** Copies that are no more to be here. */
  readonly drop: readonly string[];
}

/**
 * What is missing from the list before its time was deleted on another device: a copy of it goes. What was ridden on this device stays
 * until it is deleted here: a service that lost its list takes nothing away.
 */
export function rideSteps(
  kept: readonly KeptRide[],
  listed: ListedRides,
  nowMs: number,
): RideSteps {
  const here = new Map(kept.map((ride) => [ride.sessionId, ride]));
  const there = new Set(listed.rides.map(({ sessionId }) => sessionId));
  const isDeleted = ({ sessionId, untilMs }: KeptRide): boolean =>
    listed.isWhole && !there.has(sessionId) && nowMs < (untilMs ?? 0);
  const both = listed.rides.flatMap(({ sessionId, name }) => {
    const ride = here.get(sessionId);
    return ride === undefined ? [] : [{ sessionId, name, ride }];
  });
  const absent = listed.rides.filter(({ sessionId }) => !here.has(sessionId));
  return {
    fetch: absent.filter(({ isOver }) => isOver),
    live: absent.filter(({ isOver }) => !isOver),
    adopt: both.flatMap(({ sessionId, name, ride }) =>
      name === null || name === ride.name || ride.isNameNew === true ? [] : [{ sessionId, name }],
    ),
    tell: both.flatMap(({ sessionId, ride }) =>
      ride.isNameNew === true ? [{ sessionId, name: ride.name }] : [],
    ),
    drop: kept
      .filter(({ copyOf }) => copyOf !== undefined)
      .filter((ride) => ride.copyOf !== listed.accountId || isDeleted(ride))
      .map(({ sessionId }) => sessionId),
  };
}

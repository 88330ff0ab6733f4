/** Two stores, one truth: where a session goes on from, given what Postgres and Redis still have. */
import type { Entry, Position, Snapshot } from '../../shared/protocol/frames.ts';
import { applyEntry } from '../../shared/session/fold.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import type { Recovered } from '../store/journal.ts';

export interface Continuation {
  /** The state to go on from. */
  readonly snapshot: Snapshot;
  /** Entries before it that are known one by one, for replays. */
  readonly recent: readonly Entry[];
  /** How far Postgres is. */
  readonly saved: Snapshot;
  /** Whether clients must be told that offsets they saw may have been given anew. */
  readonly startsEpoch: boolean;
}

/**
 * Postgres is authoritative about which epoch it is, Redis about what came last within it. Redis is believed only when it continues
 * what Postgres has: same epoch, not behind. Whenever it cannot be proven that nothing was lost (Redis gone, behind, of another
 * epoch or of another process, or a client has seen more), a new epoch starts, and the clients bring what is missing. [R4] [R8]
 */
export function reconcile(
  model: AnyModel,
  postgres: Recovered,
  redis: Recovered | undefined,
  witness: Position | undefined,
): Continuation {
  const saved = fold(model, postgres);
  if (redis === undefined) {
    const startsEpoch = postgres.wasOwned || isAhead(witness, postgres.epoch, saved.offset);
    return { snapshot: saved, recent: postgres.entries, saved, startsEpoch };
  }
  const logged = fold(model, redis);
  if (redis.epoch !== postgres.epoch || logged.offset < saved.offset)
    return { snapshot: saved, recent: postgres.entries, saved, startsEpoch: true };
  const startsEpoch = !redis.isContinuous || isAhead(witness, redis.epoch, logged.offset);
  return { snapshot: logged, recent: redis.entries, saved, startsEpoch };
}

/** Where there is only Postgres, only a client can know of something that is missing: a restored backup. */
export function continueFromPostgres(
  model: AnyModel,
  postgres: Recovered,
  witness: Position | undefined,
): Continuation {
  const saved = fold(model, postgres);
  const startsEpoch = isAhead(witness, postgres.epoch, saved.offset);
  return { snapshot: saved, recent: postgres.entries, saved, startsEpoch };
}

/** Whether a client has seen entries of this epoch that are not there. */
export function isAhead(witness: Position | undefined, epoch: string, head: number): boolean {
  return witness !== undefined && witness.epoch === epoch && witness.offset > head;
}

function fold(model: AnyModel, { snapshot, entries }: Recovered): Snapshot {
  return entries.reduce((state, entry) => applyEntry(model, state, entry), snapshot);
}

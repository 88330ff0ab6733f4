/** What the client has heard of a session. Pure. */
import type { Entry, Position, Snapshot } from '../shared/protocol/frames.ts';
import { applyEntry } from '../shared/session/fold.ts';
import type { AnyModel } from '../shared/session/session-model.ts';

export interface Replica {
  /** Undefined until the first welcome. */
  readonly epoch: string | undefined;
  readonly confirmed: Snapshot;
}

export function positionOf({ epoch, confirmed }: Replica): Position | undefined {
  return epoch === undefined ? undefined : { epoch, offset: confirmed.offset };
}

/** Applies entries in order; throws when one does not follow, because a view with a hole would be wrong without showing it. [E1] */
export function applyEntries(
  model: AnyModel,
  replica: Replica,
  entries: readonly Entry[],
): Replica {
  const confirmed = entries.reduce(
    (snapshot, entry) => applyEntry(model, snapshot, entry),
    replica.confirmed,
  );
  return { ...replica, confirmed };
}

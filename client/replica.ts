/** What the client has heard of a session. Pure. */
import type { Entry, Position, Snapshot, Witness } from '../shared/protocol/frames.ts';
import { applyEntry, writerIndex } from '../shared/session/fold.ts';
import type { AnyModel } from '../shared/session/session-model.ts';

export interface Replica {
  /** Undefined until the first welcome. */
  readonly epoch: string | undefined;
  readonly confirmed: Snapshot;
  /** The end of the log as the server last told it, with its proof. May be ahead of what is confirmed. [R4] */
  readonly witness?: Witness | undefined;
}

export function positionOf({ epoch, confirmed }: Replica): Position | undefined {
  return epoch === undefined ? undefined : { epoch, offset: confirmed.offset };
}

/** How many commands of an incarnation came when the session had ended. [L5] */
export function lateCountOf(snapshot: Snapshot, clientId: string, incarnation: string): number {
  return snapshot.writers[writerIndex(snapshot, clientId, incarnation)]?.lost ?? 0;
}

/** Applies entries in order, of which the proof tells the last one's place; throws when one does not follow, because a view with a hole would be wrong without showing it. [E1] */
export function applyEntries(
  model: AnyModel,
  replica: Replica,
  entries: readonly Entry[],
  proof: string,
): Replica {
  const confirmed = entries.reduce(
    (snapshot, entry) => applyEntry(model, snapshot, entry),
    replica.confirmed,
  );
  const { epoch } = replica;
  const { offset } = confirmed;
  return { epoch, confirmed, witness: epoch === undefined ? undefined : { epoch, offset, proof } };
}

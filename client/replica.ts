/** What the client knows of a session: the confirmed state, and on top of it what it has asked for and not heard of yet. Pure. */
import type { Entry, Position, Snapshot } from '../shared/protocol/frames.ts';
import { applyEntry, decideCommand, writerIndex } from '../shared/session/fold.ts';
import type { AnyModel } from '../shared/session/session-model.ts';
import { commandsBetween, lastSeq, type Outbox } from './outbox.ts';

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

/** The state as it will be once everything in the outbox has come through: what the user sees. */
export function optimisticState(
  model: AnyModel,
  { confirmed }: Replica,
  outbox: Outbox,
  clientId: string,
): unknown {
  const joined = withWriter(model, confirmed, clientId, outbox.incarnation);
  const writer = writerIndex(joined, clientId, outbox.incarnation);
  const accepted = joined.writers[writer]?.accepted ?? 0;
  return commandsBetween(outbox, accepted + 1, lastSeq(outbox)).reduce(
    (snapshot, command, place) =>
      decideCommand(model, snapshot, writer, { seq: accepted + 1 + place, command }).next,
    joined,
  ).state;
}

/** Before the server has heard of this incarnation, the view pretends that it has. */
function withWriter(
  model: AnyModel,
  snapshot: Snapshot,
  clientId: string,
  incarnation: string,
): Snapshot {
  if (writerIndex(snapshot, clientId, incarnation) !== -1) return snapshot;
  const joined = { client_id: clientId, incarnation, generation: 0 };
  return applyEntry(model, snapshot, { offset: snapshot.offset + 1, joined });
}

/** What a writer's older commands were: for a client whose storage is a copy, or was rolled back, by more than is kept at hand. */
import type { Entry, OutcomeEntry } from '../../shared/protocol/frames.ts';
import { recalledHashesMax } from '../../shared/protocol/limits.ts';
import { provenGeneration, writerIndex } from '../../shared/session/fold.ts';
import type { Journal, SessionCatalog } from '../store/journal.ts';
import type { SessionView } from './audience.ts';
import { unlessAway } from './claim-session.ts';
import type { Reader, RecalledHashes } from './reader.ts';

/** A session and who owns it, as far as Postgres knows: `savedHead` is undefined while it does not know this owner. */
interface OwnedView extends Pick<SessionView, 'sessionId' | 'epoch' | 'snapshot' | 'tail'> {
  readonly ownerId: string;
  readonly savedHead: number | undefined;
}

/**
 * Hashes of the client's commands from the one it asks about, read from Postgres, and from the log what is not there yet. Undefined
 * when there is no answer: it asks nothing, its token is retired, Postgres is away or knows another owner; the client asks again
 * later. The answer may reach less far than it asked, where Postgres was given the session back without its entries. [C8] [R7]
 */
export async function recallHashes(
  store: SessionCatalog & Pick<Journal, 'confirm'>,
  { sessionId, ownerId, epoch, savedHead, snapshot, tail }: OwnedView,
  { clientId, generation, hello }: Reader,
): Promise<RecalledHashes | undefined> {
  const { hashes_from: fromSeq, incarnation } = hello;
  if (fromSeq === undefined || generation < provenGeneration(snapshot, clientId)) return undefined;
  const index = writerIndex(snapshot, clientId, incarnation);
  const { accepted, hashes } = snapshot.writers[index] ?? { accepted: 0, hashes: [] };
  // A whole history is read only where one is missing: it takes the event loop for as long as it has megabytes.
  if (fromSeq > accepted - hashes.length) return { throughSeq: 0, hashes: [] };
  if (savedHead === undefined) return undefined;
  const recent = tail.entries();
  const history = await unlessAway(store.history(sessionId));
  // Asked after reading: what a next owner wrote meanwhile does not go together with what is here, and would leave a hole that looks
  // as if Postgres never had it.
  const owned = await unlessAway(store.confirm({ sessionId, ownerId, epoch, head: savedHead }));
  if (history === 'away' || owned !== 'appended') return undefined;
  const savedOffset = history.at(-1)?.offset ?? 0;
  const unsaved = recent.filter(({ offset }) => offset > savedOffset);
  return hashesFrom([...history, ...unsaved], index, fromSeq);
}

function hashesFrom(history: readonly Entry[], writer: number, fromSeq: number): RecalledHashes {
  const outcomes = history.filter(
    (entry): entry is OutcomeEntry => 'seq' in entry && entry.writer === writer,
  );
  const last = outcomes.at(-1);
  if (last === undefined) return { throughSeq: 0, hashes: [] };
  const hole = outcomes.findLastIndex(({ seq }, index) => outcomes[index - 1]?.seq !== seq - 1);
  const older = outcomes.slice(hole).filter(({ seq }) => seq >= fromSeq);
  return {
    throughSeq: last.seq,
    hashes: older.slice(-recalledHashesMax).map(({ hash }) => hash),
  };
}

/** What a writer's older commands were: for a client whose storage is a copy, or was rolled back, by more than is kept at hand. */
import type { Entry, OutcomeEntry } from '../../shared/protocol/frames.ts';
import { recalledHashesMax } from '../../shared/protocol/limits.ts';
import { provenGeneration, writerIndex } from '../../shared/session/fold.ts';
import { StoreUnavailableError, type SessionCatalog } from '../store/journal.ts';
import type { SessionView } from './audience.ts';
import type { Reader, RecalledHashes } from './reader.ts';

/**
 * Hashes of the client's commands from the one it asks about, read from Postgres, and from the log what is not there yet. Undefined when there is no answer: it asks nothing,
 * its token is retired, or Postgres is away; the client asks again later. The answer may reach less far than it asked, where Postgres
 * was given the session back without its entries. [C8] [R7]
 */
export async function recallHashes(
  catalog: SessionCatalog,
  { sessionId, snapshot, tail }: Pick<SessionView, 'sessionId' | 'snapshot' | 'tail'>,
  { clientId, generation, hello }: Reader,
): Promise<RecalledHashes | undefined> {
  const { hashes_from: fromSeq, incarnation } = hello;
  if (fromSeq === undefined || generation < provenGeneration(snapshot, clientId)) return undefined;
  const index = writerIndex(snapshot, clientId, incarnation);
  const { accepted, hashes } = snapshot.writers[index] ?? { accepted: 0, hashes: [] };
  // A whole history is read only where one is missing: it takes the event loop for as long as it has megabytes.
  if (fromSeq > accepted - hashes.length) return { throughSeq: 0, hashes: [] };
  const recent = [...tail.entries];
  const history = await catalog.history(sessionId).catch((error: unknown) => {
    if (error instanceof StoreUnavailableError) return undefined;
    throw error;
  });
  if (history === undefined) return undefined;
  const savedOffset = history.at(-1)?.offset ?? 0;
  const unsaved = recent.filter(({ offset }) => offset > savedOffset);
  const entries = [...history, ...unsaved.map(({ text }) => JSON.parse(text) as Entry)];
  return hashesFrom(entries, index, fromSeq);
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

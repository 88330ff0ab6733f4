/** What a writer's older commands were: for a client whose storage is a copy, or was rolled back, by more than is kept at hand. */
import type { Entry, OutcomeEntry, Snapshot } from '../../shared/protocol/frames.ts';
import { recalledHashesMax } from '../../shared/protocol/limits.ts';
import { provenGeneration, writerIndex } from '../../shared/session/fold.ts';
import { StoreUnavailableError, type SessionCatalog } from '../store/journal.ts';
import type { Reader, RecalledHashes } from './reader.ts';

/**
 * Hashes of the client's commands from the one it asks about, read from Postgres, or undefined when it asks nothing, or its token is
 * retired, or Postgres is away: the client sees that the answer does not reach as far, and asks again later. What is not in Postgres
 * yet is among the latest ones. [C8] [R7]
 */
export async function recallHashes(
  catalog: SessionCatalog,
  sessionId: string,
  snapshot: Snapshot,
  { clientId, generation, hello }: Reader,
): Promise<RecalledHashes | undefined> {
  const { hashes_from: fromSeq, incarnation } = hello;
  if (fromSeq === undefined || generation < provenGeneration(snapshot, clientId)) return undefined;
  const writer = writerIndex(snapshot, clientId, incarnation);
  const history = await catalog.history(sessionId).catch((error: unknown): readonly Entry[] => {
    if (error instanceof StoreUnavailableError) return [];
    throw error;
  });
  const outcomes = history.filter(
    (entry): entry is OutcomeEntry => 'seq' in entry && entry.writer === writer,
  );
  const last = outcomes.at(-1);
  if (last === undefined) return undefined;
  // Where Postgres was given a session back, its history begins in the middle.
  const hole = outcomes.findLastIndex(({ seq }, index) => outcomes[index - 1]?.seq !== seq - 1);
  const older = outcomes.slice(hole).filter(({ seq }) => seq >= fromSeq);
  return {
    throughSeq: last.seq,
    hashes: older.slice(-recalledHashesMax).map(({ hash }) => hash),
  };
}

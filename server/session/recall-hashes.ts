import type { Entry, Snapshot } from '../../shared/protocol/frames.ts';
/** What a writer's older commands were: for a client whose storage is a copy, or was rolled back, by more than is kept at hand. */
import { hashesMax } from '../../shared/protocol/limits.ts';
import { provenGeneration, writerIndex } from '../../shared/session/fold.ts';
import { StoreUnavailableError, type SessionCatalog } from '../store/journal.ts';
import type { RecalledHashes, Witness } from './reader.ts';

/** A welcome with that many hashes has some 100 KB. */
const recalledMax = 8_000;

/**
 * Hashes of the commands after the one the client knows to be accepted, read from Postgres, or undefined when those at hand reach as
 * far, or when the client's token is retired. What is not in Postgres yet is in the latest ones. [R7]
 */
export async function recallHashes(
  catalog: SessionCatalog,
  sessionId: string,
  snapshot: Snapshot,
  { clientId, generation, hello }: Witness,
): Promise<RecalledHashes | undefined> {
  const index = writerIndex(snapshot, clientId, hello.incarnation);
  const { accepted } = snapshot.writers[index] ?? { accepted: 0 };
  const isAtHand = accepted - hello.accepted <= hashesMax;
  if (isAtHand || generation < provenGeneration(snapshot, clientId)) return undefined;
  // While Postgres is away the session is served all the same; a copy of a storage that comes up just then may give a command twice.
  const history = await catalog.history(sessionId).catch((error: unknown): readonly Entry[] => {
    if (error instanceof StoreUnavailableError) return [];
    throw error;
  });
  const outcomes = history.filter(
    (entry): entry is Extract<Entry, { seq: number }> => 'seq' in entry && entry.writer === index,
  );
  const last = outcomes.at(-1);
  if (last === undefined) return undefined;
  const older = outcomes.filter(({ seq }) => seq > hello.accepted).slice(-recalledMax);
  return { throughSeq: last.seq, hashes: older.map(({ hash }) => hash) };
}

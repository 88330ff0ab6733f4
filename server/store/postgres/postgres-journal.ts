/** The journal on Postgres: checkpoints, and the only log where there is no Redis. What waits while a write is under way goes out in the next one. */
import type { Pool, QueryResultRow } from 'pg';

import { retentionMs } from '../../../shared/protocol/limits.ts';
import {
  StoreUnavailableError,
  type AppendResult,
  type Batch,
  type Claim,
  type Journal,
  type Recovered,
  type SessionCatalog,
  type TakenOver,
} from '../journal.ts';
import { parseEntries, parseEntriesAfter, parseSnapshot } from '../stored-json.ts';
import { groupCommit } from './group-commit.ts';
import {
  appendSql,
  claimSql,
  createSql,
  diagnoseSql,
  findSql,
  historySql,
  loadSql,
  ownersSql,
  startEpochSql,
} from './statements.ts';

export function postgresJournal(pool: Pool): Journal & SessionCatalog {
  const query = async <Row extends QueryResultRow>(sql: string, values: unknown[]) => {
    try {
      return (await pool.query<Row>(sql, values)).rows;
    } catch (cause) {
      throw new StoreUnavailableError('Postgres', cause);
    }
  };
  const confirm = groupCommit(async (places: readonly Place[]) => {
    const owners = await query<{ session_id: string; owner_id: string | null; epoch: string }>(
      ownersSql,
      [places.map(({ sessionId }) => sessionId)],
    );
    const bySession = new Map(owners.map((row) => [row.session_id, row]));
    return places.map(({ sessionId, ownerId, epoch }): AppendResult => {
      const row = bySession.get(sessionId);
      if (row === undefined) return 'absent';
      if (row.owner_id !== ownerId) return 'fenced';
      return row.epoch === epoch ? 'appended' : 'behind';
    });
  });
  const append = groupCommit((batches: readonly Batch[]) => appendAll(query, batches));
  return {
    create: async ({ sessionId, epoch, snapshot, retentionMs: keptMs }) => {
      const { kind, version } = snapshot;
      const text = JSON.stringify(snapshot);
      const values = [sessionId, kind, version, epoch, keptMs, text, snapshot.offset];
      const [row] = await query<{ is_above: boolean }>(createSql, values);
      return row?.is_above === true ? 'above-ceiling' : 'created';
    },
    history: async (sessionId) => {
      const rows = await query<{ entries: string }>(historySql, [sessionId]);
      return parseEntries(rows.map(({ entries }) => entries));
    },
    takeOver: (claim) => takeOver(query, claim),
    append,
    confirm,
    startEpoch: async ({ sessionId, ownerId, epoch, snapshot, unsaved }) => {
      const { offset, version } = snapshot;
      const place = [sessionId, ownerId, epoch, offset, version, JSON.stringify(snapshot)];
      const values = [...place, unsaved?.prev ?? null, unsaved?.entries ?? null];
      const [row] = await query<{ result: AppendResult }>(startEpochSql, values);
      return row?.result ?? 'absent';
    },
    // Checkpoints are what a trimmed log leans on; they stay.
    trim: () => Promise.resolve('appended'),
    peek: async (sessionId) => {
      const [found] = await query<FoundRow>(findSql, [sessionId]);
      return found === undefined ? { kind: 'absent' } : load(query, sessionId, found);
    },
  };
}

type Query = <Row extends QueryResultRow>(sql: string, values: unknown[]) => Promise<Row[]>;

/** Two statements: the second one begins after the first has fenced everybody else, and so sees all they wrote. */
async function takeOver(
  query: Query,
  { sessionId, ownerId, term, versions, keepsVersion = false }: Claim,
): Promise<TakenOver> {
  const [claimed] = await query<FoundRow & { readonly result: 'taken' | 'outrun' | 'too-new' }>(
    claimSql,
    [sessionId, ownerId, term ?? null, JSON.stringify(versions), retentionMs, !keepsVersion],
  );
  if (claimed === undefined) return { kind: 'absent' };
  if (claimed.result === 'outrun') return { kind: 'outrun', term: claimed.term };
  if (claimed.result === 'too-new') return { kind: 'too-new' };
  return load(query, sessionId, claimed);
}

type Place = Parameters<Journal['confirm']>[0];

interface FoundRow {
  readonly term: number;
  readonly epoch: string;
  readonly former_owner: string | null;
}

async function load(
  query: Query,
  sessionId: string,
  { term, epoch, former_owner }: FoundRow,
): Promise<Recovered> {
  const rows = await query<{ entries: string; snapshot: string | null }>(loadSql, [sessionId]);
  const [first, ...later] = rows;
  if (first === undefined || first.snapshot === null)
    throw new Error(`Session ${sessionId} has no snapshot.`);
  const snapshot = parseSnapshot(first.snapshot);
  const batches = later.map((row) => row.entries);
  return {
    kind: 'taken',
    term,
    epoch,
    isContinuous: true,
    isLog: true,
    wasOwned: former_owner !== null,
    snapshot,
    entries: parseEntriesAfter(snapshot.offset, batches),
  };
}

async function appendAll(query: Query, batches: readonly Batch[]): Promise<AppendResult[]> {
  const landed = await query<{ session_id: string }>(appendSql, [
    batches.map((batch) => batch.sessionId),
    batches.map((batch) => batch.ownerId),
    batches.map((batch) => batch.epoch),
    batches.map((batch) => batch.prev),
    batches.map((batch) => batch.head),
    batches.map((batch) => batch.entries),
    batches.map((batch) => batch.snapshot ?? null),
  ]);
  const landedIds = new Set(landed.map((row) => row.session_id));
  return Promise.all(
    batches.map(async (batch) =>
      landedIds.has(batch.sessionId) ? 'appended' : diagnose(query, batch),
    ),
  );
}

/** Why a batch did not land, or whether an earlier identical try of it did. */
async function diagnose(query: Query, batch: Batch): Promise<AppendResult> {
  const { sessionId, ownerId, epoch, prev, head } = batch;
  const values = [sessionId, ownerId, epoch, prev, head];
  const [row] = await query<{ result: AppendResult }>(diagnoseSql, values);
  return row?.result ?? 'absent';
}

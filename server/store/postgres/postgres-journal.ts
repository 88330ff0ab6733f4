/** The journal on Postgres: checkpoints, and the only log where there is no Redis. What waits while a write is under way goes out in the next one. */
import type { Pool } from 'pg';

import type { Entry } from '../../../shared/protocol/frames.ts';
import { groupCommit } from '../group-commit.ts';
import {
  type AppendResult,
  type Archiving,
  type Batch,
  type Journal,
  type SessionCatalog,
} from '../journal.ts';
import { parseEntries } from '../stored-json.ts';
import { packRows, unpack, type LogRow } from './archive.ts';
import { askingPostgres, type Query } from './ask-postgres.ts';
import { archiveSql } from './end-of-life-statements.ts';
import {
  appendSql,
  archivedSql,
  createSql,
  diagnoseSql,
  findSql,
  historySql,
  ownersSql,
  startEpochSql,
} from './statements.ts';
import {
  gone,
  goneNow,
  graves,
  load,
  takingOver,
  type EndRow,
  type FoundRow,
} from './take-over.ts';
import { textArray } from './text-array.ts';

/**
 * Of one statement: 500 sessions keep the time that rows are locked bounded, and the characters are a second's work on a slow machine.
 * When Postgres was away for long, all that waited in one statement would take longer than its time-out, again and again.
 */
const groupBounds = { countMax: 500, charsMax: 1_000_000 };

interface OwnerRow {
  readonly session_id: string;
  readonly owner_id: string | null;
  readonly epoch: string;
  /** Of its last row. */
  readonly head: number | null;
}

export function postgresJournal(pool: Pool): Journal & SessionCatalog {
  const query = askingPostgres(pool);
  const confirm = groupCommit(
    async (places: readonly Place[]) => {
      const owners = await query<OwnerRow>(ownersSql, [places.map(({ sessionId }) => sessionId)]);
      const bySession = new Map(owners.map((row) => [row.session_id, row]));
      return places.map(({ sessionId, ownerId, epoch, head }): AppendResult => {
        const row = bySession.get(sessionId);
        if (row === undefined) return 'absent';
        if (row.owner_id !== ownerId) return 'fenced';
        return row.epoch === epoch && (row.head ?? 0) >= head ? 'appended' : 'behind';
      });
    },
    { ...groupBounds, charsOf: () => 0 },
  );
  const append = groupCommit((batches: readonly Batch[]) => appendAll(query, batches), {
    ...groupBounds,
    charsOf: ({ entries, snapshot = '' }) =>
      entries.reduce((sum, { length }) => sum + length, snapshot.length),
  });
  return {
    create: async ({ sessionId, epoch, snapshot, retentionMs: keptMs, term = 0 }) => {
      const { kind, version } = snapshot;
      const text = JSON.stringify(snapshot);
      const values = [sessionId, kind, version, epoch, keptMs, text, snapshot.offset, term];
      const [row] = await query<{ is_above: boolean }>(createSql, values);
      return row?.is_above === true ? 'above-ceiling' : 'created';
    },
    history: (sessionId) => history(query, sessionId),
    archive: (archiving) => archive(query, archiving),
    takeOver: takingOver(query),
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
      const [found] = await query<FoundRow & EndRow>(findSql, [sessionId]);
      if (found === undefined) return gone(query, sessionId);
      const { reason, ended_ms: endedMs } = found;
      const recovered = await load(query, sessionId, found);
      if (found.is_over) return goneNow(recovered, reason, endedMs ?? 0);
      return endedMs === null ? recovered : { ...recovered, ended: { reason, atMs: endedMs } };
    },
  };
}

type Place = Parameters<Journal['confirm']>[0];

/** The log first: what moves to the archive meanwhile is then read twice, and not missed. */
async function history(query: Query, sessionId: string): Promise<Entry[]> {
  const rows = await query<LogRow>(historySql, [sessionId]);
  const packed = await query<{ entries: Buffer }>(archivedSql, [sessionId]);
  const archived = parseEntries(await Promise.all(packed.map(({ entries }) => unpack(entries))));
  const lastOffset = archived.at(-1)?.offset ?? 0;
  const logged = parseEntries(rows.map(({ entries }) => entries));
  return [...archived, ...logged.filter(({ offset }) => offset > lastOffset)];
}

/** Read, compressed, and then moved in one statement, which does nothing if the session was taken up meanwhile. */
async function archive(
  query: Query,
  { sessionId, ownerId, epoch, snapshot, reason }: Archiving,
): Promise<AppendResult> {
  const packed = await packRows(await query<LogRow>(historySql, [sessionId]));
  const writers = JSON.stringify(graves(snapshot.writers));
  const values = [sessionId, ownerId, epoch, packed?.prev ?? null, snapshot.offset];
  const content = [packed?.bytes ?? null, JSON.stringify(snapshot), writers, reason];
  const [row] = await query<{ result: AppendResult }>(archiveSql, [...values, ...content]);
  return row?.result ?? 'absent';
}

async function appendAll(query: Query, batches: readonly Batch[]): Promise<AppendResult[]> {
  const landed = await query<{ session_id: string }>(appendSql, [
    textArray(batches.map((batch) => batch.sessionId)),
    textArray(batches.map((batch) => batch.ownerId)),
    textArray(batches.map((batch) => batch.epoch)),
    batches.map((batch) => batch.prev),
    batches.map((batch) => batch.head),
    textArray(batches.map((batch) => batch.entries)),
    textArray(batches.map((batch) => batch.snapshot ?? null)),
    batches.map((batch) => batch.isEnd ?? false),
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

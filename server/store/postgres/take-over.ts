/**
 * Becoming the owner of a session in Postgres, and what it has of one: claims that come together go in one statement, because a kill
 * makes hundreds of them.
 */
import type { Writer } from '../../../shared/protocol/frames.ts';
import { retentionMs } from '../../../shared/protocol/limits.ts';
import { writersAfter } from '../../../shared/session/fold.ts';
import { groupCommit } from '../group-commit.ts';
import {
  StoreUnavailableError,
  type Claim,
  type EndReason,
  type Gone,
  type Recovered,
  type TakenOver,
} from '../journal.ts';
import { parseEntriesAfter, parseSnapshot } from '../stored-json.ts';
import type { Query } from './ask-postgres.ts';
import { tombstoneSql } from './end-of-life-statements.ts';
import { claimSql, claimsSql, findSql, loadSql } from './statements.ts';
import { textArray } from './text-array.ts';

/** What is read of them, 1,000 entries each at most, comes in one answer. */
const claimsMax = 20;

export interface FoundRow {
  readonly term: number;
  readonly epoch: string;
}

export interface EndRow {
  readonly is_over: boolean;
  readonly reason: EndReason;
  readonly ended_ms: number | null;
}

interface ClaimedRow extends FoundRow {
  readonly result: 'taken' | 'outrun' | 'too-new';
}

interface RecoveredRow {
  readonly session_id: string;
  readonly entries: string;
  readonly snapshot: string | null;
  readonly head: number;
  readonly owner_id: string | null;
}

interface Answer {
  /** Without it nothing was changed, and it must be asked alone why. */
  readonly row?: ClaimedRow | undefined;
  /** Without it the log is read alone: one of the group could not be read, and which one nobody knows. */
  readonly log?: readonly RecoveredRow[] | undefined;
}

export function takingOver(query: Query): (claim: Claim) => Promise<TakenOver> {
  const ask = groupCommit((claims: readonly Claim[]) => claimAll(query, claims), {
    countMax: claimsMax,
    charsMax: Infinity,
    charsOf: () => 0,
  });
  return async (claim) => {
    const { row, log } = await ask(claim);
    if (row === undefined) return claimAlone(query, claim);
    return answerOf(query, claim, row, log);
  };
}

/** Two statements: the second one begins after the first has fenced everybody else, and so sees all they wrote. */
async function claimAll(query: Query, claims: readonly Claim[]): Promise<Answer[]> {
  const rows = await query<ClaimedRow & { session_id: string }>(claimsSql, [
    textArray(claims.map(({ sessionId }) => sessionId)),
    textArray(claims.map(({ ownerId }) => ownerId)),
    claims.map(({ term }) => term ?? null),
    textArray(claims.map(({ versions }) => JSON.stringify(versions))),
    retentionMs,
    claims.map(({ keepsVersion = false }) => !keepsVersion),
    claims.map(({ isHousekeeping = false }) => isHousekeeping),
  ]);
  const taken = rows.filter(({ result }) => result === 'taken');
  const logs = await logsOf(
    query,
    taken.map(({ session_id }) => session_id),
  ).catch(unlessAboutRows);
  const bySession = new Map(rows.map((row) => [row.session_id, row]));
  return claims.map(({ sessionId }) => ({
    row: bySession.get(sessionId),
    log: logs?.get(sessionId),
  }));
}

/** Postgres that is away fails the group, and all that wait. */
function unlessAboutRows(error: unknown): undefined {
  if (!(error instanceof StoreUnavailableError && error.isAboutSession)) throw error;
}

/** Waits for whoever has the session locked, and looks for one that is over among those that were. */
async function claimAlone(query: Query, claim: Claim): Promise<TakenOver> {
  const {
    sessionId,
    ownerId,
    term,
    versions,
    keepsVersion = false,
    isHousekeeping = false,
  } = claim;
  const known = JSON.stringify(versions);
  const values = [sessionId, ownerId, term ?? null, known, retentionMs];
  const [row] = await query<ClaimedRow>(claimSql, [...values, !keepsVersion, isHousekeeping]);
  if (row === undefined) {
    const [over] = await query<FoundRow & EndRow>(findSql, [sessionId]);
    if (over === undefined) return gone(query, sessionId);
    return goneNow(await load(query, sessionId, over), over.reason, over.ended_ms ?? 0);
  }
  return answerOf(query, claim, row);
}

async function answerOf(
  query: Query,
  { sessionId, ownerId }: Claim,
  row: ClaimedRow,
  log?: readonly RecoveredRow[],
): Promise<TakenOver> {
  if (row.result === 'outrun') return { kind: 'outrun', term: row.term };
  if (row.result === 'too-new') return { kind: 'too-new' };
  const rows = log ?? (await logOf(query, sessionId));
  // Claimed by another one between the two statements, which may have begun an epoch: its log does not belong to what was claimed here.
  const isOurs = rows[0] === undefined || rows[0].owner_id === ownerId;
  return isOurs ? recovered(sessionId, row, rows) : { kind: 'outrun', term: row.term };
}

/** What Postgres has of a session that was found. */
export async function load(query: Query, sessionId: string, found: FoundRow): Promise<Recovered> {
  return recovered(sessionId, found, await logOf(query, sessionId));
}

async function logOf(query: Query, sessionId: string): Promise<readonly RecoveredRow[]> {
  return (await logsOf(query, [sessionId])).get(sessionId) ?? [];
}

async function logsOf(
  query: Query,
  sessionIds: readonly string[],
): Promise<ReadonlyMap<string, readonly RecoveredRow[]>> {
  const logs = new Map<string, RecoveredRow[]>();
  if (sessionIds.length === 0) return logs;
  for (const row of await query<RecoveredRow>(loadSql, [textArray(sessionIds)])) {
    const log = logs.get(row.session_id);
    if (log === undefined) logs.set(row.session_id, [row]);
    else log.push(row);
  }
  return logs;
}

/**
 * Its text is parsed when it is asked for: where Redis proves that the epoch goes on only how far it reaches counts. One that is
 * damaged then keeps nobody from going on, and is found by who needs it: who opens the session without that proof, or reads its history.
 */
function recovered(
  sessionId: string,
  { term, epoch }: FoundRow,
  [first, ...later]: readonly RecoveredRow[],
): Recovered {
  if (first === undefined || first.snapshot === null)
    throw new Error(`Session ${sessionId} has no snapshot.`);
  const text = first.snapshot;
  const snapshot = once(() => parseSnapshot(text));
  const entries = once(() =>
    parseEntriesAfter(
      snapshot().offset,
      later.map((row) => row.entries),
    ),
  );
  return {
    kind: 'taken',
    term,
    epoch,
    isContinuous: true,
    isLog: true,
    head: (later.at(-1) ?? first).head,
    get snapshot() {
      return snapshot();
    },
    get entries() {
      return entries();
    },
  };
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Whether a session that has no row was one, once. */
export async function gone(
  query: Query,
  sessionId: string,
): Promise<Gone | { readonly kind: 'absent' }> {
  const [tombstone] = await query<{
    reason: EndReason;
    ended_ms: number;
    writers: Gone['writers'];
  }>(tombstoneSql, [sessionId]);
  if (tombstone === undefined) return { kind: 'absent' };
  const { reason, ended_ms: endedMs, writers } = tombstone;
  return { kind: 'gone', reason, endedMs, writers };
}

/** Its time is over, and it is not deleted yet. */
export function goneNow(
  { snapshot, entries }: Recovered,
  reason: EndReason,
  endedMs: number,
): Gone {
  return { kind: 'gone', reason, endedMs, writers: graves(writersAfter(snapshot, entries)) };
}

/** What is kept of writers for good. */
export function graves(writers: readonly Writer[]): Gone['writers'] {
  return writers.map(({ client_id, incarnation, accepted }) => ({
    client_id,
    incarnation,
    accepted,
  }));
}

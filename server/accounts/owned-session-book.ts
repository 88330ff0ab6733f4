/** What Postgres knows of an account's sessions. One statement each, as the account book. */
import type { StatementPool } from '../store/postgres/statement-pool.ts';

export interface OwnedSession {
  readonly sessionId: string;
  readonly kind: string;
  /** What its owner calls it; undefined until they do. */
  readonly name: string | undefined;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** Undefined while it is live. */
  readonly ended: { readonly reason: string; readonly at: Date } | undefined;
}

export interface OwnedSessionBook {
  /** The newest first. */
  readonly list: (accountId: string) => Promise<readonly OwnedSession[]>;
  readonly owns: (accountId: string, sessionId: string) => Promise<boolean>;
  /** False when it is not the account's. */
  readonly rename: (accountId: string, sessionId: string, name: string) => Promise<boolean>;
  /** Deletes it and leaves a tombstone for `tombstoneMs`. [L6] False when it is not the account's. */
  readonly remove: (accountId: string, sessionId: string, tombstoneMs: number) => Promise<boolean>;
}

interface SessionRow {
  readonly session_id: string;
  readonly kind: string;
  readonly name: string | null;
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly ended_at: Date | null;
  readonly end_reason: string | null;
}

/** $1 account. A page of them, because nobody reads more. */
const listSql = `
select session_id, kind, name, created_at, expires_at, ended_at, end_reason from trackstand.sessions
where account_id = $1 and expires_at > now()
order by created_at desc limit 200`;

/**
 * $1 account, $2 how long tombstones are kept, in ms, $3 one of its sessions, or null for all. Tombstones say nothing of who wrote, or how
 * much. Locked in the order in which checkpoints of many sessions lock them.
 */
export const burySessionsSql = `
with owned as (
  select session_id from trackstand.sessions
  where account_id = $1 and ($3::text is null or session_id = $3) order by session_id for update
), deleted as (
  delete from trackstand.sessions s using owned o where s.session_id = o.session_id returning s.session_id
), buried as (
  insert into trackstand.tombstones (session_id, ended_at, end_reason, writers, expires_at)
  select session_id, now(), 'deleted', '[]', now() + $2::float8 * interval '1 millisecond' from deleted
)
select session_id from deleted`;

export function ownedSessionBook({
  statement,
}: Pick<StatementPool, 'statement'>): OwnedSessionBook {
  const isAny = async (sql: string, values: readonly unknown[]): Promise<boolean> =>
    (await statement(sql, values)).length > 0;
  return {
    list: async (accountId) => (await statement<SessionRow>(listSql, [accountId])).map(readRow),
    owns: (...values) =>
      isAny(
        'select 1 from trackstand.sessions where account_id = $1 and session_id = $2 and expires_at > now()',
        values,
      ),
    rename: (...values) =>
      isAny(
        `update trackstand.sessions set name = $3
         where account_id = $1 and session_id = $2 and expires_at > now() returning session_id`,
        values,
      ),
    remove: (accountId, sessionId, tombstoneMs) =>
      isAny(burySessionsSql, [accountId, tombstoneMs, sessionId]),
  };
}

function readRow(row: SessionRow): OwnedSession {
  return {
    sessionId: row.session_id,
    kind: row.kind,
    name: row.name ?? undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    ended: row.ended_at ? { reason: row.end_reason ?? 'abandoned', at: row.ended_at } : undefined,
  };
}

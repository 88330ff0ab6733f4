/** The schema catalog on Postgres. */
import type { Pool, QueryResultRow } from 'pg';

import { StoreUnavailableError } from '../journal.ts';
import type { SchemaCatalog, StoredVersion, VersionCount } from '../schema-catalog.ts';

const censusSql = `
select kind, version, count(*)::float8 as sessions
from trackstand.sessions where expires_at > now()
group by kind, version order by kind, version`;

/** $1 kind, $2 session to begin after, $3 how many. */
const pageSql = `
select session_id as "sessionId", version
from trackstand.sessions
where kind = $1 and session_id > $2 and expires_at > now()
order by session_id limit $3`;

/** $1 session. */
const standingSql = `
select s.kind, s.version, c.version as ceiling
from trackstand.sessions s left join trackstand.schema_ceilings c on c.kind = s.kind
where s.session_id = $1 and s.expires_at > now()`;

/**
 * $1 kind, $2 version. The lock waits for every statement that creates, claims or raises a session and has not read the ceiling yet,
 * and makes later ones wait until it can be read: afterwards nobody works on a former one. Checkpoints wait as well, since one may mark
 * an end; reads go on.
 */
const lockSql = `lock table trackstand.sessions in share mode`;
const setSql = `
insert into trackstand.schema_ceilings (kind, version) values ($1, $2)
on conflict (kind) do update set version = excluded.version, set_at = now()`;

/** How long the lock is waited for: statements behind it wait as well. */
const lockTimeoutMs = 2_000;

export function schemaCatalog(pool: Pool): SchemaCatalog {
  const query = async <Row extends QueryResultRow>(sql: string, values: unknown[] = []) => {
    try {
      return (await pool.query<Row>(sql, values)).rows;
    } catch (cause) {
      throw new StoreUnavailableError('Postgres', cause);
    }
  };
  return {
    census: () => query<VersionCount & QueryResultRow>(censusSql),
    page: (kind, afterSessionId, countMax) =>
      query<StoredVersion & QueryResultRow>(pageSql, [kind, afterSessionId, countMax]),
    standing: async (sessionId) => {
      const [row] = await query<{ kind: string; version: number; ceiling: number | null }>(
        standingSql,
        [sessionId],
      );
      return row === undefined ? undefined : { ...row, ceiling: row.ceiling ?? undefined };
    },
    ceilings: async () => {
      const rows = await query<{ kind: string; version: number }>(
        'select kind, version from trackstand.schema_ceilings order by kind',
      );
      return new Map(rows.map(({ kind, version }) => [kind, version]));
    },
    setCeiling: (kind, version) => setCeiling(pool, kind, version),
    liftCeiling: async (kind) => {
      const sql = 'delete from trackstand.schema_ceilings where kind = $1 returning kind';
      return (await query(sql, [kind])).length > 0;
    },
  };
}

async function setCeiling(pool: Pool, kind: string, version: number): Promise<void> {
  const client = await pool.connect().catch(unavailable);
  try {
    await client.query('begin');
    await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
    await client.query(lockSql);
    await client.query(setSql, [kind, version]);
    await client.query('commit');
    client.release();
  } catch (cause) {
    // A connection in an unknown state is not given back: the server rolls back when it is gone.
    client.release(true);
    unavailable(cause);
  }
}

function unavailable(cause: unknown): never {
  throw new StoreUnavailableError('Postgres', cause);
}

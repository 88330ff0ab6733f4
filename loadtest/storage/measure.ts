/** What a session takes in each of the places that keep it, in bytes, as these places count them. */
import { Redis } from 'ioredis';
import { Pool } from 'pg';

import type { SessionStorage } from '../../client/session-storage.ts';

export interface StoredBytes {
  /** Values of all rows as Postgres stores them, and how many rows. */
  readonly logBytes: number;
  readonly logRows: number;
  readonly archiveBytes: number;
  /** All of the log's table, indexes and what is dead in it: one session is all there is. */
  readonly tableBytes: number;
  readonly isArchived: boolean;
}

export interface Scales {
  redisBytes(): Promise<number>;
  postgres(): Promise<StoredBytes>;
  close(): Promise<void>;
}

const postgresSql = `
select
  (select coalesce(sum(pg_column_size(entries) + coalesce(pg_column_size(snapshot), 0)), 0)
    from trackstand.session_log where session_id = $1)::float8 as "logBytes",
  (select count(*) from trackstand.session_log where session_id = $1)::float8 as "logRows",
  (select coalesce(sum(pg_column_size(entries)), 0)
    from trackstand.session_archive where session_id = $1)::float8 as "archiveBytes",
  pg_total_relation_size('trackstand.session_log')::float8 as "tableBytes",
  coalesce((select archived_by = owner_id from trackstand.sessions where session_id = $1), false) as "isArchived"`;

export function openScales(
  stores: { readonly databaseUrl: string; readonly redisUrl: string | undefined },
  sessionId: string,
): Scales {
  const pool = new Pool({ connectionString: stores.databaseUrl, max: 1 });
  const redis = stores.redisUrl === undefined ? undefined : new Redis(stores.redisUrl);
  return {
    redisBytes: async () => {
      const keys = (await redis?.keys(`*${sessionId}*`)) ?? [];
      let bytes = 0;
      for (const key of keys) bytes += (await redis?.memory('USAGE', key, 'SAMPLES', 0)) ?? 0;
      return bytes;
    },
    postgres: async () => {
      const { rows } = await pool.query<StoredBytes>(postgresSql, [sessionId]);
      const [row] = rows;
      if (row === undefined) throw new Error('Postgres answered nothing.');
      return row;
    },
    close: async () => {
      redis?.disconnect();
      await pool.end();
    },
  };
}

/** As JSON: what IndexedDB makes of it is the browser's affair, and about as much. */
export async function deviceBytes(storage: SessionStorage): Promise<number> {
  return Buffer.byteLength(JSON.stringify((await storage.load()) ?? {}));
}

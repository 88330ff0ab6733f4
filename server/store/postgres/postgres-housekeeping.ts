/** Looks after sessions nobody looks at, and buries those whose time is over. */
import type { Pool } from 'pg';

import { retentionMs } from '../../../shared/protocol/limits.ts';
import type { Housekeeping } from '../journal.ts';
import { askingPostgres } from './ask-postgres.ts';
import { dropTombstonesSql, dueSql, purgeSql, touchSql } from './end-of-life-statements.ts';

/** Milliseconds between two touches of a session, whose time ends after so many: the row is written rarely, and never too late. */
const touchAfterMs = (endMs: number): number => Math.min(endMs / 4, 3_600_000);

/** Statements with a bound of sessions each, so that no row is locked for long. */
export function postgresHousekeeping(pool: Pool): Housekeeping {
  const query = askingPostgres(pool);
  return {
    due: async ({ quietMs, abandonedMs, restMs, countMax }) => {
      const values = [quietMs, abandonedMs, restMs, countMax, retentionMs];
      const rows = await query<{ session_id: string }>(dueSql, values);
      return rows.map((row) => row.session_id);
    },
    touch: async (sessionIds, { quietMs, abandonedMs }) => {
      const afterMs = [touchAfterMs(quietMs), touchAfterMs(abandonedMs)];
      await query(touchSql, [sessionIds, ...afterMs, retentionMs]);
    },
    purge: async ({ tombstoneMs, countMax }) => {
      await query(dropTombstonesSql, [countMax]);
      const [row] = await query<{ count: number }>(purgeSql, [countMax, tombstoneMs]);
      return row?.count ?? 0;
    },
  };
}

/** The book of instances on Postgres. */
import type { Pool } from 'pg';

import type { InstanceBook, NotedInstance } from '../instances.ts';
import { askingPostgres } from './ask-postgres.ts';
import type { Arrival } from './migrate.ts';
import { migrations } from './migration-files.ts';

/** $1 place, $2 release, $3 migrations, $4 report. Its row may be gone: a database restored from a backup has older ones. */
const beatSql = `
with forgotten as (
  delete from trackstand.instances where heard_at < now() - interval '1 day' and place <> $1
), noted as (
  insert into trackstand.instances (place, release, migrations, report) values ($1, $2, $3, $4)
  on conflict (place) do update set heard_at = now(), report = excluded.report
  where trackstand.instances.release = excluded.release
)
select extract(epoch from now() - max(made_at))::float8 * 1000 as "backupAgeMs" from trackstand.backups`;

/** Whoever has taken the place meanwhile stays. */
const leaveSql = `delete from trackstand.instances where place = $1 and release = $2`;

const listSql = `
select place, release, extract(epoch from started_at)::float8 * 1000 as "startedMs",
  extract(epoch from now() - heard_at)::float8 * 1000 as "silentMs", report
from trackstand.instances where heard_at >= now() - interval '1 day' order by place`;

export function postgresInstances(pool: Pool, { place, release }: Arrival): InstanceBook {
  const query = askingPostgres(pool);
  const known = migrations.map(({ name }) => name);
  return {
    beat: async (report) => {
      const values = [place, release, known, JSON.stringify(report)];
      const [row] = await query<{ backupAgeMs: number | null }>(beatSql, values);
      return { backupAgeMs: row?.backupAgeMs ?? undefined };
    },
    leave: async () => {
      await query(leaveSql, [place, release]);
    },
    list: async () => {
      const rows = await query<NotedInstance & { report: NotedInstance['report'] | null }>(
        listSql,
        [],
      );
      return rows.map((row) => ({ ...row, report: row.report ?? undefined }));
    },
  };
}

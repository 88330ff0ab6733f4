/** What the database knows of its own shape, and of the releases that use it. Reads only. */
import type { QueryResultRow } from 'pg';

import type { AppliedMigration, Neighbour } from './migration-gate.ts';

/** One statement. */
export type Ask = <Row extends QueryResultRow>(
  sql: string,
  values?: readonly unknown[],
) => Promise<Row[]>;

/** Whether a table, or a column of it, is there yet. */
async function has(ask: Ask, table: string, column: string): Promise<boolean> {
  const sql = `select 1 from information_schema.columns where table_schema = 'trackstand' and table_name = $1 and column_name = $2`;
  return (await ask(sql, [table, column])).length > 0;
}

/** In order. */
export async function appliedMigrations(ask: Ask): Promise<AppliedMigration[]> {
  if (!(await has(ask, 'migrations', 'name'))) return [];
  const since = (await has(ask, 'migrations', 'unused_since')) ? 'unused_since' : 'null';
  return ask<AppliedMigration & QueryResultRow>(
    `select name, ${since} as "unusedSince" from trackstand.migrations order by name`,
  );
}

/** Seconds without a word after which an instance that did not say good-bye no longer counts as in use. */
const silenceMaxS = 120;

export interface Neighbourhood {
  readonly applied: readonly AppliedMigration[];
  /** Whoever is noted at this place is gone: the one who asks listens there now. */
  readonly place: string | undefined;
  /** Releases one may want to go back to. */
  readonly beside: readonly string[];
}

/** Every release that counts when something is to be taken away. */
export async function neighboursOf(
  ask: Ask,
  { applied, place, beside }: Neighbourhood,
): Promise<Neighbour[]> {
  if (!(await has(ask, 'releases', 'release'))) {
    const unknown = { why: 'may be in use or gone back to', knows: undefined };
    const before = applied.length === 0 ? [] : [{ release: 'from before', ...unknown }];
    return [...before, ...beside.map((release) => ({ release, ...unknown }))];
  }
  const running = await ask<{ place: string; release: string; migrations: string[] }>(
    `select place, release, migrations from trackstand.instances
     where place is distinct from $1 and heard_at > now() - $2 * interval '1 second' order by place`,
    [place ?? null, silenceMaxS],
  );
  const known = await ask<{ release: string; migrations: string[] }>(
    'select release, migrations from trackstand.releases where release = any($1)',
    [beside],
  );
  return [
    ...running.map((row) => ({
      release: row.release,
      why: `runs at ${row.place}`,
      knows: row.migrations,
    })),
    ...beside.map((release) => ({
      release,
      why: 'may be gone back to',
      knows: known.find((row) => row.release === release)?.migrations,
    })),
  ];
}

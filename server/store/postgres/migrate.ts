/** Applies numbered migrations once. Forward only, each compatible with the version before. */
import type { Pool, PoolClient } from 'pg';

import { StoreUnavailableError } from '../journal.ts';
import sessions from './migrations/0001-sessions.sql';
import endOfLife from './migrations/0002-end-of-life.sql';
import schemaCeilings from './migrations/0003-schema-ceilings.sql';
import accounts from './migrations/0004-accounts.sql';

/** In order; a migration that was released never changes. */
const migrations: readonly (readonly [name: string, sql: string])[] = [
  ['0001-sessions', sessions],
  ['0002-end-of-life', endOfLife],
  ['0003-schema-ceilings', schemaCeilings],
  ['0004-accounts', accounts],
];

/** Any number nobody else uses: two instances that start together migrate one after the other. */
const migrationLock = 7_382_190;

/** Brings the database up to date and returns the names applied now. All or nothing. */
export async function migrate(pool: Pool): Promise<string[]> {
  return inTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock]);
    await client.query('create schema if not exists trackstand');
    await client.query(
      'create table if not exists trackstand.migrations (name text primary key, applied_at timestamptz not null default now())',
    );
    const missing = await missingMigrations(client);
    for (const [name, sql] of missing) {
      await client.query(sql);
      await client.query('insert into trackstand.migrations (name) values ($1)', [name]);
    }
    return missing.map(([name]) => name);
  });
}

async function missingMigrations(client: PoolClient): Promise<(readonly [string, string])[]> {
  const { rows } = await client.query<{ name: string }>('select name from trackstand.migrations');
  const applied = new Set(rows.map((row) => row.name));
  return migrations.filter(([name]) => !applied.has(name));
}

/** Runs the work on one connection between `begin` and `commit`; any error rolls back. */
async function inTransaction<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect().catch((cause: unknown) => {
    throw new StoreUnavailableError('Postgres', cause);
  });
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    // A connection in an unknown state is not given back: the server rolls back when it is gone.
    client.release(true);
    throw error;
  }
}

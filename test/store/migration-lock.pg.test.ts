/** A migration that meets a lock others hold: what waits behind it must not wait for them. */
import { Client, Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { migrate } from '../../server/store/postgres/migrate.ts';
import { migrations as own } from '../../server/store/postgres/migration-files.ts';
import { readMigration } from '../../server/store/postgres/read-migration.ts';
import { systemClock } from '../../shared/clock.ts';
import { freshPostgres } from '../support/services/shared-services.ts';

const name = (at: number, what: string): string =>
  `${String(own.length + at).padStart(4, '0')}-${what}`;
const riders = readMigration(
  name(1, 'riders'),
  '-- expand\ncreate table trackstand.riders (rider_id integer primary key);',
);
const named = readMigration(
  name(2, 'rider-names'),
  '-- expand\nalter table trackstand.riders add column name text;',
);
/** Rests between tries are over at once: how often it tries is what counts. */
const restless = {
  ...systemClock,
  after: (_delayMs: number, callback: () => void) => systemClock.after(0, callback),
};

let pool: Pool;
/** Reads for a long time, as a report does. */
let reader: Client;
beforeAll(async () => {
  const { url } = await freshPostgres();
  pool = new Pool({ connectionString: url });
  reader = new Client({ connectionString: url });
  await reader.connect();
  await migrate(pool, { migrations: [...own, riders] });
});
afterAll(async () => {
  await reader.end();
  await pool.end();
});

/** Resolves once somebody waits for the lock that a change of the table needs. */
async function untilItWaits(): Promise<void> {
  const waiting = `select 1 from pg_locks where not granted and mode = 'AccessExclusiveLock'`;
  while ((await pool.query(waiting)).rowCount === 0);
}
const changed = async (): Promise<boolean> => {
  const { rows } = await pool.query<{ is_there: boolean }>(
    `select exists (select from information_schema.columns
       where table_schema = 'trackstand' and table_name = 'riders' and column_name = 'name') as is_there`,
  );
  return rows[0]?.is_there === true;
};
const read = (): Promise<unknown> => pool.query('select * from trackstand.riders');

test('it lets others pass while it cannot have its lock, gives up after some tries, and has done nothing', async () => {
  await reader.query('begin; select * from trackstand.riders');
  const migrated = migrate(pool, { migrations: [...own, riders, named], clock: restless });
  const refused = expect(migrated).rejects.toThrow(
    'A migration waits for a lock that others hold, and everybody would wait behind it: nothing of it was done.',
  );
  await untilItWaits();
  // Behind the change, which waits for a reader that does not end: only the change's own end lets this one through.
  await read();
  await refused;
  expect(await changed()).toBe(false);
});

test('it is done once the lock is free', async () => {
  const migrated = migrate(pool, { migrations: [...own, riders, named], clock: restless });
  await untilItWaits();
  await reader.query('commit');
  expect(await migrated).toEqual([named.name]);
  expect(await changed()).toBe(true);
});

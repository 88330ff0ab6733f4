import { readFileSync } from 'node:fs';

import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { lintMigrations } from '../../server/store/postgres/lint-migrations.ts';
import { migrate } from '../../server/store/postgres/migrate.ts';
import { migrations as own } from '../../server/store/postgres/migration-files.ts';
import { neighboursOf } from '../../server/store/postgres/migration-records.ts';
import { readMigration, type Migration } from '../../server/store/postgres/read-migration.ts';
import { systemClock } from '../../shared/clock.ts';
import { freshPostgres } from '../support/services/shared-services.ts';

const page = readFileSync(new URL('../../OPERATIONS.md', import.meta.url), 'utf8');

/** The example as it stands on the page: four files after a table that was there before. */
function fromPage(): Migration[] {
  const blocks = [...page.matchAll(/^`(\d{4})-([a-z-]+)\.sql`[^\n]*\n```sql\n([\s\S]*?)```$/gm)];
  const made =
    '-- expand\ncreate table trackstand.riders (rider_id integer primary key, name text not null);';
  const riders = readMigration(nameAt(0, 'riders'), made);
  return [
    riders,
    ...blocks.map(([, , name = '', sql = ''], at) =>
      readMigration(nameAt(at + 1, name), renumbered(sql)),
    ),
  ];
}

/** On the page its first file is number 10; here it follows the product's own. */
const nameAt = (at: number, name: string): string =>
  `${String(own.length + at + 1).padStart(4, '0')}-${name}`;
const renumbered = (sql: string): string =>
  sql.replace(/since (\d{4})-/, (_, number) => `since ${nameAt(Number(number) - 9, '')}`);

const example = fromPage();
const upTo = (count: number): Migration[] => [...own, ...example.slice(0, count)];
/** What each release knows, and the column its code uses. */
const releases = {
  r0: { migrations: upTo(1), column: 'name' },
  r1: { migrations: upTo(3), column: 'name' },
  r2: { migrations: upTo(4), column: 'title' },
  r3: { migrations: upTo(5), column: 'title' },
} as const;
type Release = keyof typeof releases;

let pool: Pool;
beforeAll(async () => {
  pool = new Pool({ connectionString: (await freshPostgres()).url, max: 8 });
});
afterAll(() => pool.end());

const start = (release: Release, slot: 'a' | 'b'): Promise<string[]> =>
  migrate(pool, {
    migrations: releases[release].migrations,
    arrival: { place: `here:${slot}.${release}`, release },
  });
const stop = async (release: Release): Promise<void> => {
  await pool.query('delete from trackstand.instances where release = $1', [release]);
};
const namesOf = (migrations: readonly Migration[]): string[] => migrations.map(({ name }) => name);

/** Riders that are named again and again by every release in use; each must read what another wrote, whichever column either knows. */
function startTraffic() {
  let inUse: readonly Release[] = ['r0'];
  let rounds = 0;
  const end = new AbortController();
  const waiting: { readonly at: number; readonly resolve: () => void }[] = [];
  const write = async (column: string, rider: number, value: string): Promise<void> => {
    const sql = `insert into trackstand.riders (rider_id, ${column}) values ($1, $2)
      on conflict (rider_id) do update set ${column} = excluded.${column}`;
    await pool.query(sql, [rider, value]);
  };
  const read = async (column: string, rider: number): Promise<string> => {
    const sql = `select ${column} as value from trackstand.riders where rider_id = $1`;
    return (await pool.query<{ value: string }>(sql, [rider])).rows[0]?.value ?? '';
  };
  const ride = async (worker: number): Promise<void> => {
    while (!end.signal.aborted) {
      const [writer = 'r0', reader = writer] = rounds % 2 === 0 ? inUse : inUse.toReversed();
      const rider = (worker + 4 * rounds) % 40;
      const value = `${writer} ${rounds}`;
      const mine = rider - (rider % 4) + worker;
      await write(releases[writer].column, mine, value);
      expect(await read(releases[reader].column, mine)).toBe(value);
      rounds++;
      for (const { at, resolve } of waiting) if (rounds >= at) resolve();
    }
  };
  const riding = Promise.all([0, 1, 2, 3].map(ride));
  return {
    /** From now on these serve; resolves when they have served for a while. */
    served: async (...serving: readonly Release[]): Promise<void> => {
      inUse = serving;
      await Promise.race([
        riding,
        new Promise<void>((resolve) => {
          waiting.push({ at: rounds + 200, resolve });
        }),
      ]);
    },
    end: async (): Promise<number> => {
      end.abort();
      await riding;
      return rounds;
    },
  };
}

describe('a column that gets another name in three deploys', () => {
  test('the files on the page do what they declare', () => {
    expect(example).toHaveLength(5);
    expect(lintMigrations(releases.r3.migrations)).toEqual([]);
  });

  test('under traffic no release in use ever misses what it needs, and what one writes the other reads', async () => {
    await start('r0', 'a');
    await start('r0', 'b');
    for (let rider = 100; rider < 1_700; rider++)
      await pool.query('insert into trackstand.riders (rider_id, name) values ($1, $2)', [
        rider,
        `rider ${rider}`,
      ]);
    const traffic = startTraffic();
    await traffic.served('r0');

    expect(await start('r1', 'a')).toEqual(namesOf(example.slice(1, 3)));
    await traffic.served('r0', 'r1');
    await start('r1', 'b');
    await stop('r0');
    await traffic.served('r1');

    expect(await start('r2', 'a')).toEqual(namesOf(example.slice(3, 4)));
    await traffic.served('r1', 'r2');
    // Half of the service still needs the former name.
    await expect(start('r3', 'a')).rejects.toThrow(
      /name-gone must wait: .* release r1 needs, which runs at here:a\.r1 /,
    );
    await start('r2', 'b');
    await stop('r1');
    await traffic.served('r2');

    expect(await start('r3', 'a')).toEqual(namesOf(example.slice(4)));
    await traffic.served('r2', 'r3');
    await start('r3', 'b');
    await stop('r2');
    await traffic.served('r3');
    expect(await traffic.end()).toBeGreaterThan(1_000);

    const { rows } = await pool.query(
      `select count(*)::int as count from trackstand.riders where title = 'rider ' || rider_id`,
    );
    expect(rows).toEqual([{ count: 1_600 }]);
    await expect(pool.query('select name from trackstand.riders')).rejects.toThrow(/"name"/);
  });

  test('a release that needs the former name does not start any more, and one that does without does', async () => {
    await expect(start('r1', 'a')).rejects.toThrow(
      /The database is past this release: \d{4}-name-gone took away what it needs/,
    );
    expect(await start('r2', 'a')).toEqual([]);
  });

  test('a release one may want to go back to counts as well, and so does one nobody has heard of', async () => {
    const ask = async (sql: string, values: readonly unknown[] = []) =>
      (await pool.query(sql, [...values])).rows;
    const around = { applied: [], place: undefined, beside: ['r1', 'unheard'] };
    const found = await neighboursOf(ask, around);
    const beside = found.filter(({ why }) => why === 'may be gone back to');
    expect(beside.map(({ release, knows }) => [release, knows?.at(-1)])).toEqual([
      ['r1', example[2]?.name],
      ['unheard', undefined],
    ]);
  });

  test('whoever is not heard of for two minutes, or has given up its place, holds nothing up', async () => {
    const { url } = await freshPostgres();
    const other = new Pool({ connectionString: url, max: 2 });
    const at = (place: string, release: Release) =>
      migrate(other, { migrations: releases[release].migrations, arrival: { place, release } });
    await at('here:3000', 'r1');
    await at('there:3000', 'r1');
    await other.query(
      `update trackstand.instances set heard_at = now() - interval '3 minutes' where place = 'there:3000'`,
    );
    await expect(at('elsewhere:3000', 'r3')).rejects.toThrow(/runs at here:3000/);
    expect(await at('here:3000', 'r3')).toEqual(namesOf(example.slice(4)));
    await other.end();
  });
});

describe('a migration that meets a lock', () => {
  test('gives up soon, so that nobody waits behind it, and comes again', async () => {
    const { url } = await freshPostgres();
    const other = new Pool({ connectionString: url, max: 4 });
    await migrate(other, { migrations: releases.r0.migrations });
    const holder = await other.connect();
    await holder.query('begin; select * from trackstand.riders');
    let rests = 0;
    const letGo = async (callback: () => void): Promise<void> => {
      await holder.query('commit');
      callback();
    };
    const clock = {
      ...systemClock,
      after: (delayMs: number, callback: () => void) => {
        rests++;
        expect(delayMs).toBeGreaterThan(0);
        void letGo(callback);
        return () => {};
      },
    };
    const waiting = migrate(other, { migrations: releases.r1.migrations, clock });
    const isWaiting = 'select 1 from pg_locks where not granted';
    while ((await other.query(isWaiting)).rowCount === 0);
    // Behind a statement that waits for the table nobody is served, until it gives up.
    await other.query('select count(*) from trackstand.riders');
    expect(await waiting).toEqual(namesOf(example.slice(1, 3)));
    expect(rests).toBe(1);
    holder.release();
    await other.end();
  });
});

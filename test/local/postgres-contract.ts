/** What the server leans on in a Postgres. A real one and the embedded one pass the same tests. */
import { Client, Pool, type PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { bindMessage, executeMessage, openRaw, parseMessage, pipeline } from './raw-connection.ts';

const poolConnections = 10;

/** `open` gives the URL of a database or schema nobody else uses. */
export function postgresContract(
  name: string,
  open: () => Promise<{ readonly url: string }>,
): void {
  describe(`many connections to ${name}`, () => {
    let url: string;
    let pool: Pool;

    beforeAll(async () => {
      url = (await open()).url;
      pool = new Pool({ connectionString: url, max: poolConnections });
      // Connections are cut on purpose here.
      pool.on('error', () => {});
      await pool.query('create table counters (id int primary key, value int not null)');
      await pool.query('create table entries (id int primary key, note text not null)');
    });
    afterAll(() => pool.end());

    const connect = async (): Promise<Client> => {
      const client = new Client({ connectionString: url });
      client.on('error', () => {});
      await client.connect();
      return client;
    };

    const inTransaction = async (work: (client: PoolClient) => Promise<void>): Promise<void> => {
      const client = await pool.connect();
      try {
        await client.query('begin');
        await work(client);
        await client.query('commit');
      } catch (error) {
        await client.query('rollback');
        throw error;
      } finally {
        client.release();
      }
    };

    const increment = () =>
      inTransaction(async (client) => {
        const found = await client.query<{ value: number }>(
          'select value from counters where id = $1 for update',
          [1],
        );
        await client.query('update counters set value = $2 where id = $1', [
          1,
          (found.rows[0]?.value ?? 0) + 1,
        ]);
      });

    const writeOrUndo = (id: number) =>
      inTransaction(async (client) => {
        await client.query('insert into entries values ($1, $2)', [id, 'odd ones are undone']);
        if (id % 2 === 1) throw new Error('undo');
      });

    /** Breaks its connection at one of four moments around a transaction. */
    const vanishAt = async (moment: number) => {
      const victim = await connect();
      const work = async () => {
        for (let round = 0; ; round += 1) {
          await victim.query('begin');
          await victim.query('update counters set value = value + 1000000 where id = 3');
          if (round === moment % 4) cut(victim);
          await victim.query('rollback');
        }
      };
      await expect(work()).rejects.toThrow(/Connection terminated|not queryable/);
    };

    test('thousands of interleaved queries each get their own answer', async () => {
      const questions = Array.from({ length: 3000 }, (_, number) => number);
      const answers = await Promise.all(
        questions.map(async (number) => {
          const sql = `select $1::int as given, $2::text as word, ${number} as written`;
          const { rows } = await pool.query(sql, [number, `word ${number}`]);
          return rows;
        }),
      );
      expect(answers).toEqual(
        questions.map((number) => [{ given: number, word: `word ${number}`, written: number }]),
      );
    });

    test('transactions that read, lock and write lose no update', async () => {
      await pool.query('insert into counters values (1, 0)');
      const reads = Array.from({ length: 300 }, () => pool.query('select count(*) from entries'));
      await Promise.all([...Array.from({ length: 300 }, increment), ...reads]);
      const { rows } = await pool.query('select value from counters where id = 1');
      expect(rows).toEqual([{ value: 300 }]);
    });

    test('a rolled back transaction leaves nothing, those beside it are kept', async () => {
      const ids = Array.from({ length: 100 }, (_, index) => 1000 + index);
      await Promise.allSettled(ids.map(writeOrUndo));
      const { rows } = await pool.query(
        'select id from entries where id between 1000 and 1999 order by id',
      );
      expect(rows.map(({ id }: { id: number }) => id)).toEqual(ids.filter((id) => id % 2 === 0));
    });

    test('a client that vanishes inside a transaction leaves no trace and no lock', async () => {
      await pool.query('insert into counters values (2, 0)');
      const victim = await connect();
      await victim.query('begin');
      await victim.query('update counters set value = 99 where id = 2');
      const waiting = pool.query('update counters set value = value + 1 where id = 2');
      cut(victim);
      await waiting;
      const { rows } = await pool.query('select value from counters where id = 2');
      expect(rows).toEqual([{ value: 1 }]);
    });

    test('clients that vanish at any moment disturb nobody', async () => {
      await pool.query('insert into counters values (3, 0)');
      const increments = Array.from({ length: 200 }, () =>
        pool.query('update counters set value = value + $1 where id = 3', [1]),
      );
      await Promise.all([
        ...Array.from({ length: 20 }, (_, moment) => vanishAt(moment)),
        ...increments,
      ]);
      const { rows } = await pool.query('select value from counters where id = 3');
      expect(rows).toEqual([{ value: 200 }]);
    });

    test('an error spoils its transaction until the rollback, and nothing else', async () => {
      const client = await connect();
      await client.query('begin');
      await client.query("insert into entries values (2000, 'lost')");
      await expect(client.query('select 1 / $1::int', [0])).rejects.toMatchObject({
        code: '22012',
      });
      await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' });
      await client.query('rollback');
      const { rows } = await client.query('select id from entries where id = 2000');
      expect(rows).toEqual([]);
      await client.end();
    });

    test('an error outside of a transaction spoils nothing', async () => {
      const attempts = Array.from({ length: 500 }, async (_, number) => {
        const divisor = number % 3 === 0 ? 0 : 1;
        return pool.query('select $1::int / $2::int as result', [number, divisor]).then(
          ({ rows }) => (rows[0] as { result: number }).result,
          (error: { code: string }) => error.code,
        );
      });
      expect(await Promise.all(attempts)).toEqual(
        Array.from({ length: 500 }, (_, number) => (number % 3 === 0 ? '22012' : number)),
      );
    });

    test('after an error the messages up to the Sync are skipped', async () => {
      const answers = await pipeline(url, [
        { sql: 'select 1' },
        { sql: 'select 1 / 0' },
        { sql: "insert into entries values (2100, 'must not be')" },
        'sync',
        { sql: 'select 2' },
        'sync',
      ]);
      // Parsed, bound, row, complete; parsed, error; ready. Then parsed, bound, row, complete; ready.
      expect(answers.join('')).toBe('12DC1EZ12DCZ');
      const { rows } = await pool.query('select id from entries where id = 2100');
      expect(rows).toEqual([]);
    });

    test('statements in one pipeline are one transaction', async () => {
      await pipeline(url, [
        { sql: "insert into entries values (2200, 'must not be')" },
        { sql: 'select 1 / 0' },
        'sync',
      ]);
      const { rows } = await pool.query('select id from entries where id = 2200');
      expect(rows).toEqual([]);
    });

    test('a Flush answers at once and keeps the pipeline open', async () => {
      const answers = await pipeline(url, [
        { sql: 'select 1' },
        'flush',
        { sql: 'select 2' },
        'sync',
      ]);
      expect(answers.join('')).toBe('12DC12DCZ');
    });

    test('a pipeline that comes in pieces is not mixed with the one that comes between', async () => {
      const [one, two] = await Promise.all([openRaw(url), openRaw(url)]);
      one.send([{ raw: parseMessage("insert into entries values (2350, 'one')") }]);
      two.send([{ sql: "insert into entries values (2351, 'two')" }, 'sync']);
      await two.receive('Z', 1);
      one.send([{ raw: bindMessage() }, { raw: executeMessage() }, 'sync']);
      expect((await one.receive('Z', 1)).join('')).toBe('12CZ');
      const { rows } = await pool.query('select id from entries where id in (2350, 2351)');
      expect(rows).toEqual([{ id: 2351 }, { id: 2350 }]);
      one.cut();
      two.cut();
    });

    test('a pipeline cut after a Flush is undone', async () => {
      await pipeline(
        url,
        [{ sql: "insert into entries values (2300, 'must not be')" }, 'flush'],
        'C',
      );
      const { rows } = await pool.query('select id from entries where id = 2300');
      expect(rows).toEqual([]);
    });

    test('prepared statements of one name on two connections are two statements', async () => {
      const [one, two] = await Promise.all([connect(), connect()]);
      for (let round = 0; round < 50; round += 1) {
        const said = await Promise.all([askPrepared(one, 'one'), askPrepared(two, 'two')]);
        expect(said.map(({ rows }) => rows)).toEqual([[{ said: 'one!' }], [{ said: 'two!' }]]);
      }
      await one.end();
      const after = await askPrepared(two, 'two');
      expect(after.rows).toEqual([{ said: 'two!' }]);
      await two.end();
    });

    test('an advisory lock of a transaction admits one at a time', async () => {
      let inside = 0;
      const most = { inside: 0 };
      const enter = () =>
        inTransaction(async (client) => {
          await client.query('select pg_advisory_xact_lock($1)', [4711]);
          inside += 1;
          most.inside = Math.max(most.inside, inside);
          await client.query('select 1');
          inside -= 1;
        });
      await Promise.all(Array.from({ length: 50 }, enter));
      expect(most.inside).toBe(1);
    });

    test('a setting stays with the connection that made it', async () => {
      const [one, two] = await Promise.all([connect(), connect()]);
      await one.query("set application_name = 'one'");
      await two.query("select set_config('application_name', $1, false)", ['two']);
      await one.query("begin; set local application_name = 'for a moment'; commit");
      for (let round = 0; round < 10; round += 1) {
        expect([await nameOf(one), await nameOf(two)]).toEqual(['one', 'two']);
      }
      await one.query('reset application_name');
      expect([await nameOf(one), await nameOf(two)]).toEqual(['', 'two']);
      await Promise.all([one.end(), two.end()]);
    });

    test('a setting that is rolled back was never made', async () => {
      const client = await connect();
      await client.query("begin; set application_name = 'undone'");
      await client.query('rollback');
      await pool.query('select 1');
      const { rows } = await client.query(`select current_setting('application_name') as name`);
      expect(rows).toEqual([{ name: '' }]);
      await client.end();
    });

    test('options in the URL are settings of its connections', async () => {
      const withOptions = new URL(url);
      withOptions.searchParams.set('options', '-c statement_timeout=54321 -c search_path=a,\\ b');
      const client = new Client({ connectionString: withOptions.href });
      await client.connect();
      await pool.query('select 1');
      const { rows } = await client.query(
        `select current_setting('statement_timeout') as t, current_setting('search_path') as s`,
      );
      expect(rows).toEqual([{ t: '54321ms', s: 'a, b' }]);
      await client.end();
    });

    test('large values go both ways', async () => {
      const large = 'x'.repeat(5_000_000);
      const sent = await Promise.all(
        ['a', 'b', 'c'].map((end) => pool.query('select $1::text as value', [large + end])),
      );
      const lengths = sent.map(({ rows }) => (rows[0] as { value: string }).value.slice(-2));
      expect(lengths).toEqual(['xa', 'xb', 'xc']);
    });

    test('a duplicate key has the code that says so', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, () => pool.query("insert into entries values (2400, 'first')")),
      );
      const codes = results.map((result) =>
        result.status === 'rejected' ? (result.reason as { code: string }).code : 'written',
      );
      expect(codes.toSorted()).toEqual([...Array<string>(19).fill('23505'), 'written']);
    });
  });
}

function askPrepared(client: Client, word: string) {
  return client.query({ name: 'same', text: `select '${word}' || $1 as said`, values: ['!'] });
}

async function nameOf(client: Client): Promise<string | undefined> {
  const sql = `select current_setting('application_name') as name`;
  return (await client.query<{ name: string }>(sql)).rows[0]?.name;
}

/** Ends a connection as a crash does: without a word. */
function cut(client: Client): void {
  // `pg` has no public way to break a connection; its stream is the socket.
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}

import { join } from 'node:path';

import { PGlite } from '@electric-sql/pglite';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { durableFiles, durableStartParams } from '../../deploy/local/pglite/durable-files.ts';
import { keepUp } from '../../deploy/local/pglite/upkeep.ts';
import { startWireServer, type RunningWireServer } from '../../deploy/local/pglite/wire-server.ts';
import { postgresSocket, postgresUrl } from '../../deploy/local/socket-path.ts';
import { makePrivateFolder, type PrivateFolder } from '../support/services/private-folder.ts';
import { bindMessage, executeMessage, openRaw, parseMessage } from './raw-connection.ts';

describe('the wire server of PGlite', () => {
  let folder: PrivateFolder;
  let server: RunningWireServer;
  let database: PGlite;
  let url: string;
  const syncs: number[] = [];

  beforeAll(async () => {
    folder = await makePrivateFolder('wire');
    const files = durableFiles(join(folder.path, 'data'), (descriptor) => syncs.push(descriptor));
    database = await PGlite.create({ fs: files, startParams: [...durableStartParams] });
    // Who is silent is put out soon, and who only waits for this busy machine is not.
    const options = { idleInTransactionMs: 1_000 };
    server = await startWireServer(database, postgresSocket(folder.path), options);
    url = postgresUrl(folder.path);
  });
  afterAll(async () => {
    await server.close();
    await database.close();
    await folder.remove();
  });

  const connect = async (): Promise<Client> => {
    const client = new Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    onTestFinished(() => client.end());
    return client;
  };

  test('a commit is on the disk before it is answered', async () => {
    const client = await connect();
    await client.query('create table synced (id int)');
    for (let id = 0; id < 20; id += 1) {
      const before = syncs.length;
      await client.query('insert into synced values ($1)', [id]);
      expect(syncs.length).toBeGreaterThan(before);
    }
  });

  test('a client that keeps silent inside a transaction is put out and rolled back', async () => {
    const [silent, waiting] = await Promise.all([connect(), connect()]);
    await silent.query('create table waited (id int)');
    const gone = new Promise((resolve) => silent.on('error', resolve));
    await silent.query('begin; insert into waited values (1)');
    expect((await waiting.query('select * from waited')).rows).toEqual([]);
    expect(await gone).toMatchObject({ code: '25P03' });
  });

  test.each([
    'listen changes',
    '  -- a word first\n LISTEN changes',
    'select 1; unlisten *',
    "prepare x as select 'y'",
    'deallocate all',
    'discard all',
    'create temp table t (a int)',
    'select pg_advisory_lock(1)',
    'select pg_try_advisory_lock($1)',
  ])('%s is refused, because all clients share one session', async (sql) => {
    const client = await connect();
    const values = sql.includes('$1') ? [1] : undefined;
    await expect(client.query(sql, values)).rejects.toThrow(/shares one session/);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('a refused statement spoils its transaction', async () => {
    const client = await connect();
    await client.query('begin');
    await expect(client.query('listen changes')).rejects.toThrow(/shares one session/);
    await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' });
    await client.query('rollback');
  });

  test("another client's unnamed statement is never taken for one's own", async () => {
    const [one, two] = await Promise.all([openRaw(url), openRaw(url)]);
    one.send([{ raw: parseMessage("select 'one'") }, 'sync']);
    expect((await one.receive('Z', 1)).join('')).toBe('1Z');
    two.send([{ sql: "select 'two'" }, 'sync']);
    await two.receive('Z', 1);
    one.send([{ raw: bindMessage() }, { raw: executeMessage() }, 'sync']);
    expect((await one.receive('Z', 1)).join('')).toBe('EZ');
    one.cut();
    two.cut();
  });

  test('prepared statements of a client that has gone are forgotten', async () => {
    const raw = await openRaw(url);
    raw.send([{ raw: parseMessage('select 1', 'kept') }, 'sync']);
    await raw.receive('Z', 1);
    raw.cut();
    await raw.ended;
    const client = await connect();
    const prepared = async () =>
      (await client.query('select from pg_prepared_statements')).rowCount;
    // The server hears of the cut in its own time; each question is a turn after which it may have.
    while ((await prepared()) !== 0) continue;
    expect(await prepared()).toBe(0);
  });

  test('one client too many is told so', async () => {
    const clients = await Promise.all(Array.from({ length: 90 }, () => openRaw(url)));
    const crowd = Array.from({ length: 20 }, async () => {
      const client = new Client({ connectionString: url });
      client.on('error', () => {});
      await client.connect();
      return client;
    });
    const results = await Promise.allSettled(crowd);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: '53300' });
    for (const client of clients) client.cut();
    for (const result of results) if (result.status === 'fulfilled') await result.value.end();
  });

  test('an unknown database or setting is told at the start', async () => {
    const elsewhere = new Client({ connectionString: url.replace('/postgres?', '/elsewhere?') });
    await expect(elsewhere.connect()).rejects.toMatchObject({ code: '3D000' });
    const strange = new Client({ connectionString: `${url}&options=-c%20no_such=1` });
    await expect(strange.connect()).rejects.toThrow(/unrecognized configuration parameter/);
  });

  test('upkeep removes dead rows', async () => {
    const client = await connect();
    await client.query('create table busy (id int primary key, n int)');
    await client.query('insert into busy select id, 0 from generate_series(1, 1000) id');
    // Postgres counts dead rows once a second unless asked.
    await client.query('update busy set n = 1');
    await client.query('select pg_stat_force_next_flush()');
    const dead = async () => {
      const sql = "select n_dead_tup::int as n from pg_stat_user_tables where relname = 'busy'";
      return (await client.query<{ n: number }>(sql)).rows[0]?.n;
    };
    expect(await dead()).toBeGreaterThan(500);
    await keepUp(server.backend);
    expect(await dead()).toBe(0);
  });
});

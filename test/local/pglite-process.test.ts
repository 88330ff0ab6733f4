import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Client } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';

import { startPglite } from '../support/services/pglite-service.ts';
import { makePrivateFolder, type PrivateFolder } from '../support/services/private-folder.ts';
import { builtFile } from '../support/services/shared-services.ts';
import { runProcess } from './running-process.ts';

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function openFolder(): Promise<PrivateFolder> {
  const folder = await makePrivateFolder('process');
  onTestFinished(() => folder.remove());
  return folder;
}

describe('the process of the embedded Postgres', () => {
  test('what was answered survives kill -9, life after life', async () => {
    const service = await startPglite(await builtFile('local/pglite-process'));
    onTestFinished(() => service.stop());
    const answered: number[] = [];
    let next = 1;
    for (const lifeCommits of [40, 0, 150, 700]) {
      const client = await connect(service.url);
      await client.query('create table if not exists kept (id int primary key, note text)');
      const found = await client.query<{ id: number }>('select id from kept order by id');
      const ids = new Set(found.rows.map(({ id }) => id));
      expect(answered.filter((id) => !ids.has(id))).toEqual([]);

      const write = async () => {
        for (; ; next += 1) {
          await client.query('insert into kept values ($1, $2)', [next, 'x'.repeat(next % 3000)]);
          answered.push(next);
          // The next insert is under way when the signal comes.
          if (answered.length >= lifeCommits) void service.kill();
        }
      };
      await expect(write()).rejects.toThrow(/Connection terminated|not queryable|ECONNRESET|EPIPE/);
      next += 1;
      await service.restart();
    }
    expect(answered.length).toBeGreaterThanOrEqual(700);
  });

  test('a transaction that was open at kill -9 never happened', async () => {
    const service = await startPglite(await builtFile('local/pglite-process'));
    onTestFinished(() => service.stop());
    const writer = await connect(service.url);
    await writer.query('create table kept (id int primary key)');
    await writer.query('begin');
    await writer.query('insert into kept select generate_series(1, 5000)');
    await service.kill();
    await service.restart();
    const reader = await connect(service.url);
    expect((await reader.query('select * from kept')).rows).toEqual([]);
    await reader.end();
  });

  test('a second process on the same folder is refused in one sentence', async () => {
    const file = await builtFile('local/pglite-process');
    const service = await startPglite(file);
    onTestFinished(() => service.stop());
    const second = runProcess(await openFolder(), [process.execPath, file, service.folder]);
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toMatch(/^Another process uses the database in .*\.\n$/);
    const client = await connect(service.url);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  test.each([
    { content: '17\n', control: true, says: /holds data of Postgres 17, this release reads 18/ },
    { content: 'rubbish', control: true, says: /is not a folder of Postgres data/ },
    { content: '18\n', control: false, says: /is not a folder of Postgres data/ },
  ])('a data folder with PG_VERSION $content is refused and left as it is', async (foreign) => {
    const folder = await openFolder();
    const data = join(folder.path, 'data');
    await mkdir(join(data, 'global'), { recursive: true });
    await writeFile(join(data, 'PG_VERSION'), foreign.content);
    if (foreign.control) await writeFile(join(data, 'global', 'pg_control'), 'control');
    const file = await builtFile('local/pglite-process');
    const refused = runProcess(folder, [process.execPath, file, folder.path]);
    expect(await refused.ended).toBe(1);
    expect(refused.stderr()).toMatch(foreign.says);
    expect(refused.stderr().trim().split('\n')).toHaveLength(1);
    expect(await readFile(join(data, 'PG_VERSION'), 'utf8')).toBe(foreign.content);
    expect((await readdir(data)).toSorted()).toEqual(['PG_VERSION', 'global']);
  });

  test('a folder whose path cannot hold a socket is refused in one sentence', async () => {
    const folder = await openFolder();
    const file = await builtFile('local/pglite-process');
    const long = join(folder.path, 'x'.repeat(100));
    const refused = runProcess(folder, [process.execPath, file, long]);
    expect(await refused.ended).toBe(1);
    expect(refused.stderr()).toMatch(/^The path .* is too long to hold a socket: .*\.\n$/);
  });

  test('data that was half made when its maker was killed is made anew', async () => {
    const folder = await openFolder();
    await mkdir(join(folder.path, 'data.new'));
    await writeFile(join(folder.path, 'data.new', 'PG_VERSION'), '18\n');
    const file = await builtFile('local/pglite-process');
    const running = runProcess(folder, [process.execPath, file, folder.path]);
    const url = (await running.waitFor(/^ready (.*)$/m))[1] ?? '';
    const client = await connect(url);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
    running.send('SIGTERM');
    expect(await running.ended).toBe(0);
  });
});

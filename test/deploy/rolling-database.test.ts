import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { DeployHost } from '../support/deploy-host.ts';
import { builtFile } from '../support/services/shared-services.ts';
import { startSharedHost } from './shared-host.ts';

describe('a deploy asks whether the database suits the release', () => {
  let host: DeployHost;
  /** A release with its own commands, as a real one has them. */
  const release = async (name: string): Promise<void> => {
    await host.release(name);
    const commands = await builtFile('server/sessions');
    const file = join(host.folder, 'releases', name, 'dist/server/sessions.js');
    await writeFile(file, `await import(${JSON.stringify(commands)});\n`);
  };
  const inDatabase = async (sql: string): Promise<unknown[]> => {
    const connectionString = /^DATABASE_URL=(.*)$/m.exec(await readFile(host.envFile, 'utf8'))?.[1];
    const client = new Client({ connectionString });
    await client.connect();
    const { rows } = await client.query(sql);
    await client.end();
    return rows;
  };
  beforeAll(async () => {
    host = await startSharedHost();
    for (const name of ['one', 'two', 'three']) await release(name);
    for (const name of ['one', 'two']) {
      const { code, said } = await host.rolling('deploy', name);
      if (code !== 0) throw new Error(said);
    }
  });
  afterAll(() => host.stop());

  test('each release in use is known, and who left in order is not', async () => {
    const rows = await inDatabase('select release, place from trackstand.instances order by place');
    expect(rows).toEqual([
      { release: 'two', place: expect.stringMatching(/:a\.two$/) as unknown },
      { release: 'two', place: expect.stringMatching(/:b\.two$/) as unknown },
    ]);
    expect(await inDatabase('select release from trackstand.releases order by release')).toEqual([
      { release: 'one' },
      { release: 'two' },
    ]);
  });

  test('a database that is past a release refuses its deploy and its rollback, before anything moves', async () => {
    await inDatabase(
      `insert into trackstand.migrations (name, unused_since) values ('9999-gone', '9998-unheard-of')`,
    );
    for (const words of [['deploy', 'three'], ['rollback']]) {
      const { code, said } = await host.rolling(...words);
      expect(code, said).toBe(12);
      expect(said).toMatch(/The database is past this release: 9999-gone took away what it needs/);
      expect(said.split('\n').at(-1)).toMatch(/^Release (three|one) .*; nothing was changed\.$/);
      expect(await host.routed()).toEqual(['a.two', 'b.two']);
    }
    await inDatabase(`delete from trackstand.migrations where name = '9999-gone'`);
    expect((await host.rolling('rollback')).code).toBe(0);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, cp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';

import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { memoryStorage } from '../../client/session-storage.ts';
import type { WorkoutCommand } from '../../shared/workout/workout-schemas.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { workout } from '../../shared/workout/workout.ts';
import type { DeployHost } from '../support/deploy-host.ts';
import { startRider } from '../support/rider.ts';
import { builtFile } from '../support/services/shared-services.ts';
import { isSaved } from '../support/watching.ts';
import { eventually, repository, startSharedHost } from './shared-host.ts';

const workoutOne = /kind: "workout",\s*version: 1,/;
const workoutTwo = `kind: "workout", version: 2,
  upcast: (state) => ({ ...state, isTwo: true }),
  downcast: ({ isTwo, ...state }) => state,`;

const lastMigration = /\["0006-library", /;
const expand = String.raw`["0007-wheels", "-- expand\ncreate table trackstand.wheels (a integer);"]`;
const contract = String.raw`["0008-no-library", "-- contract, unused since 0007-wheels\ndrop table trackstand.workouts;"]`;

describe('a deploy asks whether the database suits the release', () => {
  let host: DeployHost;
  /** A release with its own commands, as a real one has them. */
  const release = async (name: string): Promise<void> => {
    await host.release(name);
    const commands = await builtFile('server/sessions');
    const file = join(host.folder, 'releases', name, 'dist/server/sessions.js');
    await writeFile(file, `await import(${JSON.stringify(commands)});\n`);
  };
  /** What `one` is, but for that change: the whole build with it, as a release that is unpacked. */
  const changedRelease = async (name: string, from: RegExp, to: string): Promise<void> => {
    const built = dirname(await builtFile('server/main'));
    const folder = join(host.folder, 'releases', name);
    await cp(built, join(folder, 'dist/server'), { recursive: true });
    await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    let changed = 0;
    for (const file of await readdir(join(folder, 'dist/server'))) {
      const path = join(folder, 'dist/server', file);
      const source = file.endsWith('.js') ? await readFile(path, 'utf8') : '';
      if (!from.test(source)) continue;
      await writeFile(path, source.replace(from, to));
      changed++;
    }
    // In the server and in its commands, or in what both share.
    expect(changed).toBeGreaterThan(0);
  };
  const released = async (name: string): Promise<void> => {
    const { code, said } = await host.rolling('deploy', name);
    expect(code, said).toBe(0);
    expect(await host.routed()).toEqual([`a.${name}`, `b.${name}`]);
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
    // A busy machine may take its time.
    host = await startSharedHost({ READY_DEADLINE_S: 150, DRAIN_DEADLINE_S: 60 });
    await appendFile(host.envFile, 'HASH_COST=4\n');
    for (const name of ['one', 'three']) await release(name);
    await changedRelease('two', workoutOne, workoutTwo);
    await changedRelease('expands', lastMigration, `${expand}, $&`);
    await changedRelease('contracts', lastMigration, `${expand}, ${contract}, $&`);
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

  test('what a release of another shape was tried out with keeps nobody from going back to the one before', async () => {
    // Those of the last slot are over 15 s after it was tried out.
    const newer =
      'select session_id from trackstand.sessions where version = 2 and expires_at > now()';
    await eventually(async () => (await inDatabase(newer)).length).toBe(0);
    const { code, said } = await host.rolling('rollback');
    expect(code, said).toBe(0);
    expect(await host.routed()).toEqual(['a.one', 'b.one']);
    const again = await host.rolling('deploy', 'two');
    expect(again.code, again.said).toBe(0);
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
  });

  test('going back under newer sessions is refused before anything moves, and goes as the runbook says, word for word', async () => {
    const storage = memoryStorage();
    const given: WorkoutCommand[] = [];
    const newer = await startRider(host.url, {
      storage,
      given,
      model: { ...workout, version: 2, upcast: (state) => state as WorkoutState },
    });
    newer.give({ type: 'start', data: {} });
    await newer.when(isSaved);
    const refused = await host.rolling('rollback');
    expect(refused.code, refused.said).toBe(12);
    expect(refused.said).toMatch(/^\d+ sessions of workout need a downcast to 1$/m);
    expect(refused.said.split('\n').at(-1)).toMatch(
      /^Sessions are newer than release one knows, so nothing was changed: .*"Going back under sessions that are newer"/,
    );
    expect(await host.routed()).toEqual(['a.two', 'b.two']);
    const page = await readFile(join(repository, 'deploy/README.md'), 'utf8');
    const [, block = ''] = /sessions that are newer\n[\s\S]*?```sh\n([\s\S]*?)```/.exec(page) ?? [];
    const words = block.split('\n').map((line) => line.replace(/#.*$/, '').trim());
    expect(words.filter((line) => line.startsWith('$driver'))).toHaveLength(5);
    const script = block
      .replaceAll('/etc/trackstand/rolling.conf', join(host.folder, 'rolling.conf'))
      .replaceAll('/tmp/one.json', join(host.folder, 'one.json'))
      .replaceAll('driver=deploy', `driver=${repository}/deploy`)
      .replaceAll('rolling.sh', `${repository}/deploy/rolling.sh`)
      // 3 says: go on.
      .replace(/(check-rollback .*?) *#/, '$1 || [ $? -eq 3 ] #')
      .replace('rollback one', `rollback one --config ${join(host.folder, 'rolling.conf')}`);
    const run = spawn('bash', ['-euo', 'pipefail', '-c', `DRIVER=process; ${script}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said, [code]] = await Promise.all([text(run.stdout), once(run, 'close')]);
    expect(said).toMatch(/workout: \d+ sessions taken back to 1/);
    expect(said).toContain('no ceiling');
    expect(code).toBe(0);
    expect(await host.routed()).toEqual(['a.one', 'b.one']);
    // The page of the newer release must be loaded anew, and is the older one's then.
    expect((await newer.when(({ status }) => status === 'stopped')).stopReason).toBe(
      'page-too-new',
    );
    const rider = await startRider(host.url, { storage, given });
    rider.give({ type: 'sample', data: { powerW: 200 } });
    expect((await rider.when(isSaved)).state).toEqual(rider.expected());
    rider.session.close();
  });

  test('what a release takes away waits until the one to go back to does without it, and then keeps older ones out', async () => {
    const shape = async (): Promise<unknown[]> =>
      inDatabase(
        `select table_name from information_schema.tables where table_schema = 'trackstand' and table_name in ('wheels', 'workouts') order by 1`,
      );
    const refused = async (words: readonly string[], why: RegExp): Promise<void> => {
      const before = await host.routed();
      const { code, said } = await host.rolling(...words);
      expect(code, said).toBe(12);
      expect(said).toMatch(why);
      expect(said.split('\n').at(-1)).toMatch(/^Release .*; nothing was changed\.$/);
      expect(await host.routed()).toEqual(before);
    };
    await refused(
      ['deploy', 'contracts'],
      /^0008-no-library must wait: it takes away what release one needs, which may be gone back to and does not know 0007-wheels\.$/m,
    );
    expect(await shape()).toEqual([{ table_name: 'workouts' }]);
    await released('expands');
    expect(await shape()).toEqual([{ table_name: 'wheels' }, { table_name: 'workouts' }]);
    await released('contracts');
    expect(await shape()).toEqual([{ table_name: 'wheels' }]);
    const past = /The database is past this release: 0008-no-library took away what it needs/;
    await refused(['rollback', 'one'], past);
    await refused(['deploy', 'three'], past);
    const back = await host.rolling('rollback');
    expect(back.code, back.said).toBe(0);
    expect(await host.routed()).toEqual(['a.expands', 'b.expands']);
  });
});

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { appendFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Redis } from 'ioredis';
import { Client } from 'pg';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';

import { connect } from '../../client/connect.ts';
import { startServer, type LiveServer } from '../support/live-server.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';
import { freshPostgres } from '../support/services/shared-services.ts';
import { tally } from '../support/tally.ts';
import { isSaved, when } from '../support/watching.ts';
import { repository } from './shared-host.ts';

let folder: string;
beforeEach(async () => {
  const made = await makePrivateFolder('backups');
  onTestFinished(() => made.remove());
  folder = made.path;
});

interface Run {
  readonly code: number | null;
  readonly said: string;
}

function script(
  name: 'backup' | 'restore' | 'every-day',
  words: readonly string[],
  settings: Readonly<Record<string, string>>,
) {
  const child = spawn(join(repository, 'deploy/backup', `${name}.sh`), words, {
    env: { ...process.env, BACKUP_DIR: folder, ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  const ended = once(child, 'close').then(([code]): Run => ({ code: code as number | null, said }));
  return { child, ended };
}

const backUp = (postgres: string, settings: Readonly<Record<string, string>> = {}): Promise<Run> =>
  script('backup', [], { DATABASE_URL: postgres, ...settings }).ended;
const restore = (postgres: string, ...words: string[]): Promise<Run> =>
  script('restore', words, { DATABASE_URL: postgres }).ended;

const dumps = async (): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.dump')).toSorted();
const newest = async (): Promise<string> => join(folder, (await dumps()).at(-1) ?? '');

async function inPostgres(
  connectionString: string,
  sql: string,
): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function started(options?: Parameters<typeof startServer>[0]): Promise<LiveServer> {
  const server = await startServer(options);
  onTestFinished(() => server.stop());
  return server;
}

async function riding({ url }: LiveServer) {
  const input = { bound: 1_000_000 };
  const session = await connect({ url, session: tally, input, WebSocket, random: () => 0.02 });
  onTestFinished(() => session.close());
  const adds = async (...amounts: number[]) => {
    for (const amount of amounts) session.send('add', { amount });
    const { state, receipt } = await when(session, isSaved);
    return { amounts: state.added.map(([, amount]) => amount), receipt };
  };
  return { adds };
}

describe('a backup that is brought back under live sessions', () => {
  test.each([{ redis: 'has all' }, { redis: 'lost everything too' }, { redis: 'absent' }])(
    'is what the sessions go on from, and riders’ pages bring what it lacks; Redis $redis',
    async ({ redis }) => {
      const server = await started({ withoutRedis: redis === 'absent' });
      const { postgres } = server.stores;
      const [one, two] = [await riding(server), await riding(server)];
      await one.adds(1, 2);
      await two.adds(10);
      const made = await backUp(postgres);
      expect(made.said).toMatch(/\.dump: \d+ kB, 2 sessions, verified\.\n$/);
      expect(made.code).toBe(0);
      await one.adds(3, 4);
      const late = await riding(server);
      await late.adds(100, 200);

      const { code, said } = await restore(postgres, await newest(), '--replace');
      expect(code, said).toBe(0);
      expect(said).toMatch(/^Restored: 2 sessions\./);
      if (redis === 'lost everything too') {
        const store = new Redis(server.stores.redis ?? '');
        await store.flushdb();
        store.disconnect();
      }
      expect(await one.adds(5)).toMatchObject({ amounts: [1, 2, 3, 4, 5] });
      expect(await two.adds(20)).toMatchObject({ amounts: [10, 20] });
      // Begun after the backup: no store but its own rider's page may know it.
      expect(await late.adds(300)).toMatchObject({ amounts: [100, 200, 300] });
      expect(await inPostgres(postgres, 'select * from trackstand.tombstones')).toEqual([]);
    },
  );

  test('goes into an empty database, and what was there goes aside only when that is said', async () => {
    const server = await started();
    const { adds } = await riding(server);
    await adds(1);
    await backUp(server.stores.postgres);
    const empty = await freshPostgres();
    expect(await restore(empty.url, await newest())).toMatchObject({ code: 0 });
    const refused = await restore(empty.url, await newest());
    expect(refused).toMatchObject({
      code: 10,
      said: 'That database has sessions. With --replace they are put aside, and the backup takes their place.\n',
    });
    const { said } = await restore(empty.url, await newest(), '--replace');
    expect(said).not.toContain('older release');
    const [, aside = ''] = /is in the schema (trackstand_before_\w+):/.exec(said) ?? [];
    expect(
      await inPostgres(empty.url, `select count(*)::int as count from ${aside}.sessions`),
    ).toEqual([{ count: 1 }]);
  });

  test('says when it is of an older release than what runs, which must be started anew then', async () => {
    const server = await started();
    await backUp(server.stores.postgres);
    const later = `insert into trackstand.migrations (name) values ('9999-later')`;
    await inPostgres(server.stores.postgres, later);
    const { said } = await restore(server.stores.postgres, await newest(), '--replace');
    expect(said).toMatch(/^The backup is of an older release: start every instance anew/m);
  });

  test('leaves everything as it was when it is damaged', async () => {
    const server = await started();
    const { adds } = await riding(server);
    await adds(1);
    await backUp(server.stores.postgres);
    const file = await newest();
    await appendFile(file, 'x');
    expect(await restore(server.stores.postgres, file, '--replace')).toMatchObject({ code: 21 });
    await writeFile(join(folder, 'half.dump'), readFileSync(file).subarray(0, 2_000));
    const half = join(folder, 'half.dump');
    expect(await restore(server.stores.postgres, half, '--replace')).toMatchObject({
      code: 21,
      said: `${half} is no backup, or damaged.\n`,
    });
    expect(await adds(2)).toMatchObject({ amounts: [1, 2] });
  });
});

test('a backup that fails in the middle of being brought back leaves everything as it was', async () => {
  const server = await started();
  const { adds } = await riding(server);
  await adds(1);
  await backUp(server.stores.postgres);
  const programs = join(folder, 'bin');
  await mkdir(programs);
  // The real one, and then a statement that cannot be.
  await writeFile(
    join(programs, 'pg_restore'),
    `#!/bin/sh\nPATH=\${PATH#*:}\npg_restore "$@" || exit\ncase "$*" in *--file=-*) echo 'select 1/0;' ;; esac\n`,
    { mode: 0o755 },
  );
  const { code, said } = await script('restore', [await newest(), '--replace'], {
    DATABASE_URL: server.stores.postgres,
    PATH: `${programs}:${process.env['PATH'] ?? ''}`,
  }).ended;
  expect(said).toMatch(/The backup could not be restored; everything is as before\.\n$/);
  expect(code).toBe(22);
  expect(
    await inPostgres(
      server.stores.postgres,
      `select nspname from pg_namespace where nspname like 'trackstand%'`,
    ),
  ).toEqual([{ nspname: 'trackstand' }]);
  expect(await adds(2)).toMatchObject({ amounts: [1, 2] });
});

describe('a backup that is made', () => {
  test('is noted, so that operators are told how old it is, and only the newest are kept', async () => {
    const server = await started();
    const { postgres } = server.stores;
    for (const day of ['20250101', '20250102', '20250103'])
      await writeFile(join(folder, `trackstand-${day}T000000Z.dump`), '');
    expect(await backUp(postgres, { KEEP: '2' })).toMatchObject({ code: 0 });
    expect(await dumps()).toEqual([
      'trackstand-20250103T000000Z.dump',
      expect.stringMatching(/-20\d\d\d{4}T/),
    ]);
    const file = await newest();
    expect((await stat(file)).mode & 0o077).toBe(0);
    const [noted] = await inPostgres(postgres, 'select file, bytes::int from trackstand.backups');
    expect(noted).toEqual({ file: file.split('/').at(-1), bytes: (await stat(file)).size });
    // Nothing of the try is left.
    const databases = await inPostgres(
      postgres,
      `select datname from pg_database where datname like '%verify'`,
    );
    expect(databases).toEqual([]);
  });

  test('and is not whole is no backup: it goes, and older ones stay', async () => {
    const server = await started();
    const { postgres } = server.stores;
    const { adds } = await riding(server);
    await adds(1);
    await backUp(postgres);
    const before = await dumps();
    await server.stop();
    await inPostgres(postgres, 'delete from trackstand.session_log');
    const broken = await backUp(postgres, { KEEP: '1' });
    expect(broken).toMatchObject({
      code: 21,
      said: 'The backup was restored for a try, and is not whole.\n',
    });
    expect(await dumps()).toEqual(before);
    // Without the try it would have been taken for one.
    expect(await backUp(postgres, { VERIFY: 'read' })).toMatchObject({ code: 0 });
  });

  test('gives up at once when it is told to stop, and leaves nothing', async () => {
    const server = await started();
    const { postgres } = server.stores;
    const holder = new Client({ connectionString: postgres });
    await holder.connect();
    await holder.query('begin; lock table trackstand.sessions in access exclusive mode');
    const { child, ended } = script('backup', [], { DATABASE_URL: postgres });
    const isWaiting = `select 1 from pg_stat_activity where application_name = 'pg_dump' and wait_event_type = 'Lock'`;
    while ((await inPostgres(postgres, isWaiting)).length === 0);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({
      code: 143,
      said: expect.stringMatching(
        /^The backup was told to stop; nothing of it stays\.$/m,
      ) as unknown,
    });
    await holder.end();
    expect(await readdir(folder)).toEqual(['lock']);
  });

  test('is one at a time, and what cannot be is said in a sentence', async () => {
    const { url } = await freshPostgres();
    const held = spawn('flock', [join(folder, 'lock'), 'sh', '-c', 'echo held; cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(held.stdout, 'data');
    expect(await backUp(url)).toEqual({ code: 75, said: 'Another backup is being made.\n' });
    held.stdin.end();
    await once(held, 'exit');
    const sentences: [Record<string, string>, RegExp][] = [
      [{}, /^That database has nothing of Trackstand\.$/m],
      [{ DATABASE_URL: 'mysql://x' }, /^DATABASE_URL is no URL of Postgres\.$/m],
      [
        { DATABASE_URL: '', APP_ENV: '/nowhere' },
        /^DATABASE_URL is not set, and there is none in/m,
      ],
      [{ DATABASE_URL: 'postgres://127.0.0.1:9/none' }, /^Postgres cannot be reached\.$/m],
      [{ KEEP: 'all' }, /^KEEP is the number of backups to keep, and "all" is none\.$/m],
    ];
    for (const [settings, sentence] of sentences) {
      const { code, said } = await backUp(url, settings);
      expect([code, said]).toEqual([10, expect.stringMatching(sentence)]);
    }
  });

  test('in a container it is made at once when there is none, then every day, and stopping waits for nothing', async () => {
    const server = await started();
    const { child, ended } = script('every-day', [], { DATABASE_URL: server.stores.postgres });
    while ((await dumps()).length === 0);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0 });
  });
});

describe('what makes backups', () => {
  const read = (file: string): string => readFileSync(join(repository, 'deploy', file), 'utf8');

  test('is never part of stopping anything', async () => {
    const service = read('backup/trackstand-backup.service');
    expect(service).not.toMatch(
      /^(ExecStop|ExecStopPost|KillMode|SendSIGKILL)|WantedBy=|shutdown|reboot/im,
    );
    expect(service).toMatch(/^TimeoutStopSec=\d$/m);
    const others = [
      'rolling.sh',
      'rolling/moves.sh',
      'rolling/verbs.sh',
      'rolling/upkeep.sh',
      'compose.yaml',
      'drivers/process.sh',
    ];
    for (const file of others) expect(read(file), file).not.toMatch(/backup\.sh|pg_dump/);
  });

  test('is what systemd takes', async (context) => {
    if (spawnSync('systemd-analyze', ['--version']).error !== undefined)
      context.skip('systemd-analyze is not there');
    // A program that is not there is a fault to it, and a service elsewhere is not.
    const place = join(folder, 'units');
    await mkdir(place);
    const script = join(repository, 'deploy/backup/backup.sh');
    for (const name of ['trackstand-backup.service', 'trackstand-backup.timer'])
      await writeFile(
        join(place, name),
        read(`backup/${name}`).replace('/opt/trackstand/deploy/backup/backup.sh', script),
      );
    const { stderr, status } = spawnSync(
      'systemd-analyze',
      [
        'verify',
        '--man=no',
        join(place, 'trackstand-backup.service'),
        join(place, 'trackstand-backup.timer'),
      ],
      { encoding: 'utf8' },
    );
    expect(stderr.split('\n').filter((line) => line.includes('trackstand-backup'))).toEqual([]);
    expect(status).toBe(0);
  });
});

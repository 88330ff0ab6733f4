import { once } from 'node:events';
import { copyFile, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { basename, join } from 'node:path';
import { json } from 'node:stream/consumers';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { nothing, underLoad } from '../prove/under-load.ts';
import { makeComposeProject, type ComposeProject } from '../support/compose-project.ts';
import { startRider } from '../support/rider.ts';
import { composeV2 } from '../support/services/compose-v2.ts';
import { skipped, standIns, whyNoEngine } from '../support/services/docker-engine.ts';
import { freePort } from '../support/services/free-port.ts';
import { sharedEngine } from '../support/services/shared-services.ts';
import { isSaved } from '../support/watching.ts';
import { eventually, repository } from './shared-host.ts';

const reason = skipped(whyNoEngine());

const use = { sessions: 8, commandsPerS: 40, requestsPerS: 8 };
/** Moves of every client. */
const each = (count: number): number[] => Array.from({ length: use.sessions }, () => count);
const minutesMs = (count: number): number => count * 60_000;
const releaseOf = async (url: string): Promise<string> => {
  const answer = await fetch(`${url}/__release`).catch(() => undefined);
  if (answer?.status !== 200) return '';
  return ((await answer.json()) as { release: string }).release;
};
const settings = {
  HEALTHY_S: 1,
  // A busy machine may take its time.
  READY_DEADLINE_S: 120,
  LATE_MS: 10_000,
  SOAK_S: 1,
  SLOWER_BY_MS: 5_000,
  STOP_S: 30,
};

test('where containers must be tested, what they lack fails with one sentence and is not passed over', () => {
  expect(skipped('there is no compose', 'optional')).toBe('there is no compose');
  expect(skipped(undefined, 'required')).toBeUndefined();
  expect(() => skipped('there is no compose', 'required')).toThrow(
    /^The containers must be tested here, but there is no compose\.$/,
  );
});

describe.each(['docker-compose', 'docker compose'] as const)('the containers, by %s', (version) => {
  let project: ComposeProject;
  let why = reason;
  beforeAll(async () => {
    if (why !== undefined) return;
    const v2 = version === 'docker compose' ? await composeV2() : undefined;
    if (v2 !== undefined && 'why' in v2) {
      why = skipped(v2.why);
      return;
    }
    project = await makeComposeProject({
      repository,
      engineUrl: (await sharedEngine()).url,
      command: v2 === undefined ? ['docker-compose'] : ['docker', 'compose'],
      name: v2 === undefined ? 'v1' : 'v2',
      settings,
      ...(v2 === undefined ? {} : { env: { DOCKER_CONFIG: v2.configFolder } }),
    });
    // Nothing else is done: it builds the image, starts everything and is ready.
    await project.compose('up', '-d');
  }, minutesMs(15));
  beforeEach((context) => {
    if (why !== undefined) context.skip(why);
  });
  afterAll(async () => {
    if (why === undefined) await project.stop();
  }, minutesMs(3));

  test('up alone makes a service of two instances that people can use', async () => {
    await eventually(() => releaseOf(project.url)).toBe('first');
    const noticed = await underLoad(project.url, use, async () => {});
    expect(noticed).toMatchObject(nothing);
    const { stdout } = await project.script.rolling('status');
    expect(JSON.parse(stdout)).toMatchObject({
      instances: [
        { instance: 'a.first', share: 50, ready: 'ready' },
        { instance: 'b.first', share: 50, ready: 'ready' },
      ],
    });
  });

  test(
    'rolling.sh takes over from there, and nobody notices',
    async () => {
      await project.docker('tag', `${project.name}:first`, `${project.name}:r2`);
      const { result, moves, ...noticed } = await underLoad(project.url, use, () =>
        project.script.rolling('deploy', 'r2', '--strict'),
      );
      expect(result.code, result.said).toBe(0);
      expect(noticed).toMatchObject(nothing);
      expect(moves).toEqual(each(1));
      expect(await releaseOf(project.url)).toBe('r2');
      expect(await project.script.rolling('verify')).toMatchObject({ code: 0 });
    },
    minutesMs(5),
  );

  test(
    'up again changes nothing of what was deployed',
    async () => {
      const before = await project.script.rolling('status');
      const noticed = await underLoad(project.url, use, () => project.compose('up', '-d'));
      expect(noticed).toMatchObject({ ...nothing, moves: each(0) });
      const [a = ''] = await project.containers('api_a');
      await eventually(() => project.docker('logs', a)).toContain('Slot a is served by a.r2');
      const after = await project.script.rolling('status');
      const shares = ({ stdout }: typeof before): unknown =>
        (JSON.parse(stdout) as { instances: { instance: string; life: string }[] }).instances.map(
          ({ instance, life }) => [instance, life],
        );
      expect(shares(after)).toEqual(shares(before));
    },
    minutesMs(5),
  );

  if (version === 'docker compose') return;

  test(
    'an instance is node itself, not root, with what it needs to run and nothing else',
    async () => {
      const at = (...words: string[]) => project.docker('exec', `${project.name}-a.r2`, ...words);
      expect(await at('cat', '/proc/1/cmdline')).toBe('node\0dist/server/main.js\0');
      expect(await at('id', '-u')).toBe('1000');
      // What operators are shown of the latest deploys.
      expect(await at('sh', '-c', 'cat "$DEPLOY_LOG"')).toContain('"action":"deploy-done"');
      await expect(at('touch', '/app/written')).rejects.toThrow(/Read-only/);
      expect(await at('ls', '/app')).toBe('container\ndist\nnode_modules\npackage.json');
      await expect(at('ls', '/app/node_modules/vitest')).rejects.toThrow(/No such file/);
      await eventually(() =>
        project.docker('inspect', '--format', '{{.State.Health.Status}}', `${project.name}-a.r2`),
      ).toBe('healthy');
      const history = await project.docker('history', '--no-trunc', `${project.name}:r2`);
      expect(history).not.toMatch(/SECRET|PASSWORD/);
    },
    minutesMs(3),
  );

  test('what runs is bounded as the small server needs it', async () => {
    const ids = (await project.docker('ps', '-q', '--filter', `name=${project.name}`)).split('\n');
    const bounds = await project.docker('inspect', '--format', '{{.HostConfig.Memory}}', ...ids);
    const megabytes = bounds.split('\n').map((bytes) => Number(bytes) / 2 ** 20);
    // Besides it, one more instance during a deploy; two that stand by take a shell each.
    expect(Math.min(...megabytes)).toBeGreaterThan(0);
    const standsBy = 2 * 300;
    expect(megabytes.reduce((sum, one) => sum + one, 300 - standsBy)).toBeLessThanOrEqual(1_800);
  });

  test(
    'an instance that is killed is started again, and nothing is lost',
    async () => {
      const noticed = await underLoad(project.url, use, async () => {
        const pid = await project.docker(
          'inspect',
          '--format',
          '{{.State.Pid}}',
          `${project.name}-a.r2`,
        );
        process.kill(Number(pid), 'SIGKILL');
        await eventually(async () => {
          const { stdout } = await project.script.rolling('status');
          return /"instance":"a\.r2"[^}]*"life":"\d+\/1","ready":"ready"/.test(stdout);
        }).toBe(true);
      });
      expect(noticed.differingCount).toBe(0);
    },
    minutesMs(5),
  );

  test(
    'a release whose container ends at once is taken back, and nobody notices',
    async () => {
      const file = join(project.deployFolder, 'Dockerfile.bad');
      await writeFile(file, `FROM ${project.name}:first\nCMD ["false"]\n`);
      await project.docker(
        'build',
        '-q',
        '-t',
        `${project.name}:bad`,
        '-f',
        file,
        project.deployFolder,
      );
      const { result, ...noticed } = await underLoad(project.url, use, () =>
        project.script.rolling('deploy', 'bad'),
      );
      expect(result.code, result.said).toBe(20);
      expect(result.said).toMatch(/Release bad was taken back: it does not get ready\.$/);
      expect(noticed).toMatchObject({ ...nothing, moves: each(0) });
      // Not even one that is about to be started again.
      expect(await project.docker('ps', '-aq', '--filter', `name=${project.name}-a.bad`)).toBe('');
      expect(await project.script.rolling('deploy', 'gone')).toMatchObject({ code: 11 });
    },
    minutesMs(5),
  );

  test(
    'a release comes as a package too, and a rollback needs nothing but the machine',
    async () => {
      await project.docker('tag', `${project.name}:first`, `${project.name}:packed`);
      const package_ = join(project.deployFolder, '../packed.tar');
      await project.docker('save', '-o', package_, `${project.name}:packed`);
      await project.docker('rmi', `${project.name}:packed`);
      const deployed = await project.script.rolling('deploy', 'packed');
      expect(deployed.code, deployed.said).toBe(0);
      await project.script.configure({ PACKAGES_DIR: '/nowhere' });
      const { result, moves, ...noticed } = await underLoad(project.url, use, () =>
        project.script.rolling('rollback'),
      );
      expect(result.code, result.said).toBe(0);
      expect(noticed).toMatchObject(nothing);
      expect(moves).toEqual(each(1));
      expect(await releaseOf(project.url)).toBe('r2');
    },
    minutesMs(8),
  );

  test(
    'five images are kept, besides what serves and what can be gone back to; of the others prune takes the oldest',
    async () => {
      const { docker, name } = project;
      const tags = async (): Promise<string[]> =>
        (await docker('image', 'ls', '--format', '{{.Tag}}', name)).split('\n').toSorted();
      const before = await tags();
      // Each newer than all before it: each image says when it was made.
      const made = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'];
      const file = join(project.deployFolder, 'Dockerfile.labelled');
      for (const tag of made) {
        await writeFile(file, `FROM ${standIns}/node\nLABEL release=${tag}\n`);
        await docker('build', '-q', '-t', `${name}:${tag}`, '-f', file, project.deployFolder);
      }
      const { code, said } = await project.script.rolling('prune');
      expect(code, said).toBe(0);
      const left = await tags();
      expect(left).toEqual(expect.arrayContaining(['n2', 'n3', 'n4', 'n5', 'n6', 'r2', 'packed']));
      expect(left).not.toContain('n1');
      expect(said).toContain('Release n1 was removed.');
      expect(left.length).toBeLessThan(before.length + made.length);
      expect(await releaseOf(project.url)).toBe('r2');
      for (const tag of made.slice(1)) await docker('rmi', `${name}:${tag}`);
    },
    minutesMs(5),
  );

  const inDatabase = async (sql: string): Promise<void> => {
    const [postgres = ''] = await project.containers('postgres');
    await project.docker(
      'exec',
      postgres,
      'psql',
      '-U',
      'trackstand',
      '-d',
      'trackstand',
      '-c',
      sql,
    );
  };

  test(
    'a release answers for itself: its own commands run in a container of it',
    async () => {
      await project.docker('tag', `${project.name}:first`, `${project.name}:past`);
      await inDatabase(
        `insert into trackstand.migrations (name, unused_since) values ('9999-gone', '9998-unheard-of')`,
      );
      const { code, said } = await project.script.rolling('deploy', 'past');
      expect(code, said).toBe(12);
      expect(said).toMatch(/The database is past this release: 9999-gone took away what it needs/);
      expect(await releaseOf(project.url)).toBe('r2');
      await inDatabase(`delete from trackstand.migrations where name = '9999-gone'`);
      // As the runbook goes back: a file of one release is read by another.
      const driver = 'drivers/docker.sh';
      const asked = await project.bash(
        `${driver} cli first schema versions --json >one.json; ${driver} cli r2 schema check-rollback --to-file /dev/stdin <one.json`,
      );
      expect(asked).toContain('no session of workout is newer than 1');
    },
    minutesMs(5),
  );

  test(
    'with its own compose file a backup is made every day and at once, and can be brought back under riders',
    async () => {
      const files = ['-f', 'compose.yaml', '-f', 'backup/compose.yaml'];
      const rider = await startRider(project.url);
      rider.give({ type: 'start', data: {} });
      await rider.when(isSaved);
      await project.compose(...files, 'up', '-d');
      const [backup = ''] = await project.containers('backup');
      await eventually(() => project.bash(`docker logs ${backup} 2>&1`)).toContain('verified');
      rider.give({ type: 'sample', data: { powerW: 200 } });
      await rider.when(isSaved);
      const dump = await project.bash('ls backups/*.dump');
      expect(await releaseOf(project.url)).toBe('r2');
      const restored = await project.docker(
        'exec',
        backup,
        'bash',
        '/backup/restore.sh',
        `/var/backups/trackstand/${basename(dump)}`,
        '--replace',
      );
      expect(restored).toBe('');
      rider.give({ type: 'sample', data: { powerW: 210 } });
      expect((await rider.when(isSaved)).state).toEqual(rider.expected());
      rider.session.close();
    },
    minutesMs(5),
  );

  test(
    'with its own compose file Caddy stands in front, with a certificate',
    async () => {
      const folder = join(project.deployFolder, 'nginx/trackstand.d');
      await copyFile(
        join(folder, 'server-behind.conf.example'),
        join(folder, 'server-behind.conf'),
      );
      const [port, plainPort] = [await freePort(), await freePort()];
      await project.configure({
        SITE: 'localhost',
        CADDY_HTTP_PORT: `127.0.0.1:${plainPort}`,
        CADDY_HTTPS_PORT: `127.0.0.1:${port}`,
      });
      const files = ['-f', 'compose.yaml', '-f', 'compose.caddy.yaml'];
      await project.compose(...files, 'up', '-d');
      await project.compose(...files, 'restart', 'nginx');
      const [caddy = ''] = await project.containers('caddy');
      const root = '/data/caddy/pki/authorities/local/root.crt';
      await eventually(() => project.docker('exec', caddy, 'cat', root).catch(() => '')).toContain(
        'BEGIN CERTIFICATE',
      );
      const ca = await project.docker('exec', caddy, 'cat', root);
      const release = (): Promise<string> =>
        new Promise((resolve) => {
          const asked = get(`https://localhost:${port}/__release`, { ca }, (answer) => {
            void json(answer).then((body) => resolve((body as { release: string }).release));
          });
          asked.on('error', (error) => resolve(error.message));
        });
      await eventually(release).toBe('r2');
      // The shape of a session's place; through both proxies it becomes a WebSocket.
      const place = `/v1/sessions/${'s'.repeat(22)}/clients/${'c'.repeat(22)}`;
      const socket = new WebSocket(`wss://localhost:${port}${place}`, ['trackstand.v1'], { ca });
      await once(socket, 'open');
      socket.terminate();
    },
    minutesMs(5),
  );
});

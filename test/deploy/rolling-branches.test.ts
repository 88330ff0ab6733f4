/** Ways a deploy goes on that is not well: F1 to F10 are those a deploy must have an answer for, and each is named by a test. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { DeployHost } from '../support/deploy-host.ts';
import { mayAdminister } from '../support/services/docker-engine.ts';
import { startRedis, type RedisService } from '../support/services/redis-service.ts';
import {
  eventually,
  startSharedHost,
  startWatchedRiders,
  type WatchedRiders,
} from './shared-host.ts';

test('each of the ten branches is named by a test', () => {
  const folder = import.meta.dirname;
  const text = readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
  const titles = text.match(/'branch F\d+: /g) ?? [];
  const named = titles.flatMap((title) => title.match(/F\d+/g) ?? []);
  expect([...new Set(named)].toSorted()).toEqual([
    'F1',
    'F10',
    'F2',
    'F3',
    'F4',
    'F5',
    'F6',
    'F7',
    'F8',
    'F9',
  ]);
});

describe('a deploy that cannot go on', () => {
  let host: DeployHost;
  let redis: RedisService;
  let watched: WatchedRiders;
  beforeAll(async () => {
    redis = await startRedis();
    host = await startSharedHost({ STORES_WAIT_S: 1 }, { redis: redis.url });
    for (const name of ['r1', 'r2']) await host.release(name);
    await host.release('half', `if (process.env.LISTEN.includes('/b.')) process.exit(1);`);
    await host.release(
      'begins-nothing',
      `
        import { Server } from 'node:http';
        const emit = Server.prototype.emit;
        Server.prototype.emit = function (name, request, response) {
          if (name !== 'request' || request.method !== 'POST') return Reflect.apply(emit, this, arguments);
          response.writeHead(500).end();
          return true;
        };`,
    );
    const { code, said } = await host.rolling('deploy', 'r1');
    if (code !== 0) throw new Error(said);
    watched = await startWatchedRiders(host.url, 6);
  });
  afterAll(async () => {
    await host.stop();
    await redis.stop();
  });

  test('branch F2: a release that fails when it is tried out gets nobody', async () => {
    const { code, said } = await host.rolling('deploy', 'begins-nothing');
    expect(code, said).toBe(21);
    expect(said).toMatch(/begins-nothing was taken back: it failed when it was tried out\.$/);
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    expect((await host.driver('alive', 'a.begins-nothing')).code).toBe(1);
    await watched.areUnharmed();
  });

  test('branch F7: a second slot that fails takes the first one back', async () => {
    const { code, said } = await host.rolling('deploy', 'half');
    expect(code, said).toBe(20);
    expect(said).toMatch(/Release half was taken back: it does not get ready\.$/);
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    await watched.areUnharmed();
  });

  test('branch F7: with --on-fail halt both releases serve on, until it is aborted', async () => {
    const { code, said } = await host.rolling('deploy', 'half', '--on-fail', 'halt');
    expect(code, said).toBe(20);
    expect(said).toMatch(/The deploy of half stands still at b:start: it does not get ready\./);
    expect(await host.routed()).toEqual(['a.half', 'b.r1']);
    await watched.areUnharmed();
    const aborted = await host.rolling('abort');
    expect(aborted.code, aborted.said).toBe(0);
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    await watched.areUnharmed();
  });

  test('with the proxy gone in the middle a deploy can neither go on nor be taken back, and is when it is there again', async () => {
    let gone: Promise<void> | undefined;
    const { code, said } = await host.watched(
      (step) => {
        if (step === 'b:route') gone = host.nginx.kill();
      },
      'deploy',
      'r2',
    );
    await gone;
    expect(code, said).toBe(32);
    expect(said.split('\n').at(-1)).toMatch(
      /^Release r2 is bad \(an instance of it died\) and could not be taken back: rolling\.sh status says what serves\.$/,
    );
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    const again = await host.rolling('resume');
    expect(again.code, again.said).toBe(32);
    await host.nginx.start();
    const resumed = await host.rolling('resume');
    expect(resumed.code, resumed.said).toBe(0);
    expect(resumed.said).toMatch(/The deploy of r2 was taken back\.$/);
    expect(await host.rolling('verify')).toMatchObject({ code: 0 });
    expect((await host.driver('alive', 'a.r2')).code).toBe(1);
    await watched.rideOn();
  });

  test.each(['a:route', 'a:retire'])(
    'branch F8: with a store away since %s nothing is moved on or back until it is there again',
    async (name) => {
      const { code, said } = await host.watched(
        (step) => {
          if (step === name) void redis.kill();
        },
        'deploy',
        'r2',
      );
      expect(code, said).toBe(13);
      expect(said).toMatch(
        /The deploy of r2 waits at a:[a-z-]+: a store is away\. rolling\.sh resume/,
      );
      // Both serve: sessions go on from Postgres.
      expect(await host.routed()).toEqual(['a.r2', 'b.r1']);
      for (const rider of watched.riders) rider.give({ type: 'sample', data: { powerW: 190 } });
      const again = await host.rolling('resume');
      expect(again.code, again.said).toBe(13);
      await redis.restart({ keepData: false });
      const resumed = await host.rolling('resume');
      expect(resumed.code, resumed.said).toBe(0);
      expect(await host.routed()).toEqual(['a.r2', 'b.r2']);
      await watched.rideOn();
      const back = await host.rolling('rollback');
      expect(back.code, back.said).toBe(0);
    },
  );

  test('branch F9: instances that are gone and routes that are empty, as after a reboot, are put back by boot', async () => {
    for (const instance of ['a.r1', 'b.r1']) await host.driver('kill', instance);
    for (const route of ['a', 'b', 'v00', 'v13'])
      await rm(join(host.nginx.runFolder, `${route}.sock`));
    const { code, said } = await host.rolling('boot');
    expect(code, said).toBe(0);
    expect(await host.rolling('verify')).toMatchObject({ code: 0 });
    await eventually(() =>
      watched.riders.every(({ session }) => session.view().status === 'connected'),
    ).toBe(true);
  });
});

describe('a machine that has too little', () => {
  let host: DeployHost;
  let watched: WatchedRiders;
  let folder: string;
  /** What is done around rolling.sh, in a mount namespace of its own. */
  const seen = (mounts: string): Promise<void> => writeFile(join(folder, 'mounts.sh'), mounts);
  beforeAll(async () => {
    if (!mayAdminister()) return; // unshare and mount; a bare Debian's root may.
    folder = await mkdtemp(join(tmpdir(), 'trackstand-scarce-'));
    const command = ['unshare', '--mount', 'sh', '-c', `. ${folder}/mounts.sh && exec "$@"`, 'sh'];
    host = await startSharedHost({}, { machine: { command, at: (path) => path } });
    await seen('');
    for (const name of ['r1', 'r2']) await host.release(name);
    const { code, said } = await host.rolling('deploy', 'r1');
    if (code !== 0) throw new Error(said);
    watched = await startWatchedRiders(host.url, 6);
  });
  beforeEach((context) => {
    // What a machine without root cannot make is skipped by name; the gate runs as root.
    if (!mayAdminister())
      context.skip('another memory or disk to look at needs a root that may mount');
  });
  afterAll(async () => {
    if (!mayAdminister()) return;
    await host.stop();
    await rm(folder, { recursive: true });
  });

  test('a disk without room for another release refuses a deploy before it begins', async () => {
    await seen(`mount -t tmpfs -o size=8m tmpfs ${host.folder}/state`);
    const { code, said } = await host.rolling('deploy', 'r2');
    expect(code, said).toBe(10);
    expect(said).toMatch(
      /^Only 8 MB of disk are free\.\nThe preflight failed; nothing was changed\.$/m,
    );
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    await watched.areUnharmed();
  });

  test('branch F10: without memory for one more instance a deploy refuses, and goes on with one less when it is asked to', async () => {
    const connections = (release: string): Promise<number[]> =>
      Promise.all(['a', 'b'].map((slot) => host.connectionsOf(`${slot}.${release}`)));
    const before = await connections('r1');
    const file = join(folder, 'meminfo');
    await writeFile(file, 'MemTotal:  2000000 kB\nMemAvailable:  90000 kB\n');
    await seen(`mount --bind ${file} /proc/meminfo`);
    const refused = await host.rolling('deploy', 'r2');
    expect(refused.code, refused.said).toBe(10);
    expect(refused.said).toMatch(/Only 88 MB of memory are free.*--strategy stop-first/);
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    const former: Promise<number | null>[] = [];
    const { code, said } = await host.watched(
      (step) => {
        const [slot = '', what] = step.split(':');
        if (what === 'start')
          former.push(host.driver('alive', `${slot}.r1`).then(({ code }) => code));
      },
      'deploy',
      'r2',
      '--strategy',
      'stop-first',
    );
    expect(code, said).toBe(0);
    // Each had left before the one in its place began.
    expect(await Promise.all(former)).toEqual([1, 1]);
    expect(await host.routed()).toEqual(['a.r2', 'b.r2']);
    // Nobody stays a guest of the slot that served alone.
    expect(await connections('r2')).toEqual(before);
    await watched.areUnharmed();
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { DeployHost } from '../support/deploy-host.ts';
import { startPostgres, type PostgresService } from '../support/services/postgres-service.ts';
import { isAccepted } from '../support/watching.ts';
import {
  eventually,
  startSharedHost,
  startWatchedRiders,
  type WatchedRiders,
} from './shared-host.ts';

describe('a deploy during which Postgres goes away', () => {
  let host: DeployHost;
  let postgres: PostgresService;
  let watched: WatchedRiders;
  beforeAll(async () => {
    postgres = await startPostgres();
    host = await startSharedHost(
      { STORES_WAIT_S: 1, READY_DEADLINE_S: 20 },
      { postgres: postgres.url },
    );
    for (const name of ['r1', 'r2']) await host.release(name);
    const { code, said } = await host.rolling('deploy', 'r1');
    if (code !== 0) throw new Error(said);
    watched = await startWatchedRiders(host.url, 6);
  });
  afterAll(async () => {
    await host.stop();
    await postgres.stop();
  });

  /** Process id and restarts of each, or ''. */
  const livesOf = (...instances: readonly string[]): Promise<string[]> =>
    Promise.all(instances.map(async (name) => (await host.driver('alive', name)).stdout));

  test.each([
    ['a:start', ['a.r1', 'b.r1']],
    ['a:route', ['a.r2', 'b.r1']],
    ['a:retire', ['a.r2', 'b.r1']],
  ] as const)(
    'branch F8: since %s nothing is moved on or back until it is there again',
    async (name, routed) => {
      let gone: Promise<void> | undefined;
      const { code, said } = await host.watched(
        (step) => {
          if (step === name) gone = postgres.kill();
        },
        'deploy',
        'r2',
      );
      await gone;
      expect(code, said).toBe(13);
      expect(said.split('\n').at(-1)).toMatch(
        /^The deploy of r2 waits at [ab]:[a-z-]+: a store is away\. rolling\.sh resume, or rolling\.sh abort\.$/,
      );
      expect(await host.routed()).toEqual(routed);
      // What is ridden meanwhile is in Redis.
      for (const rider of watched.riders) rider.give({ type: 'sample', data: { powerW: 190 } });
      await Promise.all(watched.riders.map((rider) => rider.when(isAccepted)));
      const again = await host.rolling('resume');
      expect(again.code, again.said).toBe(13);
      await postgres.restart();
      await eventually(async () => (await host.rolling('resume')).code).toBe(0);
      expect(await host.routed()).toEqual(['a.r2', 'b.r2']);
      // What ended for want of the store was not waited for, but begun anew.
      for (const life of await livesOf('a.r2', 'b.r2')) expect(life).toMatch(/^\d+\/0$/);
      await watched.areUnharmed();
      const back = await host.rolling('rollback');
      expect(back.code, back.said).toBe(0);
    },
  );

  test('a rollback that begins while it is away leaves what is warm warm, and is gone on with', async () => {
    const there = await host.rolling('switch', 'r2');
    expect(there.code, there.said).toBe(0);
    const warm = await livesOf('a.r1', 'b.r1');
    await postgres.kill();
    const back = await host.rolling('rollback');
    expect(back.code, back.said).toBe(13);
    expect(await host.routed()).toEqual(['a.r2', 'b.r2']);
    expect(await livesOf('a.r1', 'b.r1')).toEqual(warm);
    await postgres.restart();
    await eventually(async () => (await host.rolling('resume')).code).toBe(0);
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    expect(await livesOf('a.r1', 'b.r1')).toEqual(warm);
    await watched.areUnharmed();
  });

  test('while it is away no deploy begins', async () => {
    await postgres.kill();
    const { code, said } = await host.rolling('deploy', 'r2');
    expect(code, said).toBe(10);
    expect(said).toMatch(
      /^Slot b \(b\.r1\) says [a-z-]+: a store is away, and a deploy would not help\.\nThe preflight failed; nothing was changed\.$/m,
    );
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    await postgres.restart();
    await watched.rideOn();
  });
});

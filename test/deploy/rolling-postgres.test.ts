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
    host = await startSharedHost({ STORES_WAIT_S: 1 }, { postgres: postgres.url });
    for (const name of ['r1', 'r2']) await host.release(name);
    const { code, said } = await host.rolling('deploy', 'r1');
    if (code !== 0) throw new Error(said);
    watched = await startWatchedRiders(host.url, 6);
  });
  afterAll(async () => {
    await host.stop();
    await postgres.stop();
  });

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
      await watched.areUnharmed();
      const back = await host.rolling('rollback');
      expect(back.code, back.said).toBe(0);
    },
  );

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

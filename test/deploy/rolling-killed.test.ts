/** Commands other than `deploy`, killed with -9 at each of their steps, and gone on with. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { DeployHost } from '../support/deploy-host.ts';
import { startSharedHost, startWatchedRiders, type WatchedRiders } from './shared-host.ts';

describe('what is killed at every step and resumed each time ends as if nothing had been', () => {
  let host: DeployHost;
  let watched: WatchedRiders;
  beforeAll(async () => {
    host = await startSharedHost({ HEALTHY_S: 0.3, SOAK_S: 0.3, SOAK_SAMPLES: 0 });
    for (const name of ['r1', 'r2', 'r3']) await host.release(name);
    const { code, said } = await host.rolling('deploy', 'r1');
    if (code !== 0) throw new Error(said);
    watched = await startWatchedRiders(host.url, 6);
  });
  afterAll(() => host.stop());

  test.each([
    [
      'a switch',
      ['switch', 'r2'],
      ['a:start', 'b:start', 'all:route', 'a:hand-over', 'b:hand-over', 'all:soak'],
      ['a.r2', 'b.r2'],
    ],
    [
      'a rollback to what is warm',
      ['rollback'],
      ['all:route', 'a:hand-over', 'b:hand-over'],
      ['a.r1', 'b.r1'],
    ],
    [
      'a rollback to what must be started',
      ['rollback'],
      ['a:start', 'b:start', 'all:route', 'a:hand-over', 'b:hand-over'],
      ['a.r2', 'b.r2'],
    ],
    [
      'a canary',
      ['canary', 'r3'],
      ['canary:start', 'canary:5', 'canary:25', 'canary:50', 'canary:100', 'canary:promote'],
      ['c.r3', 'b.r3'],
    ],
    [
      'a deploy that stops first',
      ['deploy', 'r1', '--strategy', 'stop-first'],
      ['a', 'b'].flatMap((slot) =>
        ['make-room', 'start', 'try', 'route', 'hand-over', 'soak', 'retire'].map(
          (name) => `${slot}:${name}`,
        ),
      ),
      ['a.r1', 'b.r1'],
    ],
  ] as const)(
    'branch F6: %s',
    async (_, words, steps, routed) => {
      for (const [index, name] of steps.entries())
        expect(await host.killedAt(name, ...(index === 0 ? words : ['resume'])), name).toBe(true);
      const { code, said } = await host.rolling('resume');
      expect(code, said).toBe(0);
      expect(await host.routed()).toEqual(routed);
      expect(await host.rolling('verify')).toMatchObject({ code: 0 });
      await watched.areUnharmed();
    },
    600_000,
  );
});

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { instanceAt, routeNames } from '../../deploy/verdict/routes.ts';
import type { DeployHost } from '../support/deploy-host.ts';
import { badReleases } from './bad-releases.ts';
import { loadPage } from './page-load.ts';
import {
  eventually,
  startSharedHost,
  startWatchedRiders,
  type WatchedRiders,
} from './shared-host.ts';

describe('a canary at each of its steps', () => {
  let host: DeployHost;
  let watched: WatchedRiders;
  beforeAll(async () => {
    host = await startSharedHost();
    for (const name of ['good', 'next']) await host.release(name);
    for (const name of ['errs', 'slow'] as const) await host.release(name, badReleases[name]);
    const { code, said } = await host.rolling('deploy', 'good');
    if (code !== 0) throw new Error(said);
    watched = await startWatchedRiders(host.url, 24);
  });
  afterAll(() => host.stop());

  const routesTo = async (instance: string): Promise<string[]> => {
    const led = await Promise.all(
      routeNames.map((route) => instanceAt(host.nginx.runFolder, route)),
    );
    return routeNames.filter((_, index) => led[index] === instance);
  };
  const configured = async (more: Record<string, string | number>): Promise<void> => {
    await host.configure(more);
    onTestFinished(() => host.configure({}));
  };
  const servesAsBefore = async (): Promise<void> => {
    expect(await host.routed()).toEqual(['a.good', 'b.good']);
    expect(await host.rolling('verify')).toMatchObject({ code: 0 });
  };

  test.each([
    ['errs', { SLOWER_BY_MS: 5_000 }, /\d+ of its \d+ requests failed, beside \d+ of \d+\./],
    ['slow', {}, /95 % of its requests took up to \d+ ms, beside \d+ ms\./],
  ] as const)(
    'branch F3: a canary that %s is taken back at its first step, and the other steps never come',
    async (name, settings, why) => {
      // Enough to see it, and not enough to go on.
      await configured({ SOAK_SAMPLES: 1_000_000, HOLD_S: 120, ...settings });
      onTestFinished(loadPage(host.url, 300));
      const { code, said } = await host.rolling('canary', name, '--steps', '50,100');
      expect(code, said).toBe(30);
      expect(said).toMatch(why);
      expect(said).not.toContain('[canary:100]');
      expect(said.split('\n').at(-1)).toBe(
        `Release ${name} was taken back: it does worse than the one before.`,
      );
      await servesAsBefore();
      await watched.areUnharmed();
    },
  );

  test('branch F4: a canary that is started again meanwhile is taken back', async () => {
    // It is held until it dies.
    await configured({ SOAK_SAMPLES: 1_000_000, HOLD_S: 300 });
    const ended = async (): Promise<void> => {
      await eventually(() => routesTo('c.next')).toHaveLength(5);
      const [pid] = (await host.driver('alive', 'c.next')).stdout.split('/');
      process.kill(Number(pid), 'SIGKILL');
    };
    let isEnded: Promise<void> | undefined;
    const { code, said } = await host.watched(
      (step) => {
        if (step === 'canary:25') isEnded = ended();
      },
      'canary',
      'next',
      '--steps',
      '25,100',
    );
    await isEnded;
    expect(code, said).toBe(31);
    expect(said.split('\n').at(-1)).toBe('Release next was taken back: an instance of it died.');
    await servesAsBefore();
    await watched.rideOn();
  });

  test('it has 1, 5, 10 and all of the 20 routes, as many of either slot, and keeps at each step what it had', async () => {
    // Without requests it is held at each step, and so until its routes were looked at.
    await configured({ SOAK_SAMPLES: 20, HOLD_S: 300, SLOWER_BY_MS: 5_000 });
    const steps: string[][] = [];
    let stopLoad = (): void => {};
    onTestFinished(() => stopLoad());
    const looked = async (percent: number): Promise<void> => {
      const count = Math.ceil(percent / 5);
      await eventually(() => routesTo('c.next')).toHaveLength(count);
      steps.push(await routesTo('c.next'));
      stopLoad = loadPage(host.url, 200);
    };
    const looks: Promise<void>[] = [];
    const { code, said } = await host.watched(
      (step) => {
        stopLoad();
        const percent = /^canary:(\d+)$/.exec(step)?.[1];
        if (percent !== undefined) looks.push(looked(Number(percent)));
      },
      'canary',
      'next',
    );
    await Promise.all(looks);
    expect(code, said).toBe(0);
    expect(steps.map((routes) => routes.length)).toEqual([1, 5, 10, 20]);
    for (const [index, routes] of steps.entries()) {
      expect(routes).toEqual(expect.arrayContaining(steps[index - 1] ?? []));
      const ofA = routes.filter((route) => route < 'v10').length;
      expect(Math.abs(2 * ofA - routes.length)).toBeLessThanOrEqual(1);
    }
    expect(await host.routed()).toEqual(['c.next', 'b.next']);
    await watched.rideOn();
  });
});

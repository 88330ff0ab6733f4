import { afterEach, describe, expect, test } from 'vitest';

import { memoryStorage } from '../../client/session-storage.ts';
import type { WorkoutCommand } from '../../shared/workout/workout-schemas.ts';
import { startRider, type Rider } from '../support/rider.ts';
import { startServerProcess } from '../support/server-process.ts';
import { freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { startRouter } from '../support/tcp-router.ts';
import { isSaved } from '../support/watching.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function stores(withRedis: boolean) {
  const postgres = (await freshPostgres()).url;
  return { postgres, redis: withRedis ? (await freshRedis()).url : undefined };
}

async function server(...parameters: Parameters<typeof startServerProcess>) {
  const process = await startServerProcess(...parameters);
  cleanups.push(() => process.stop());
  return process;
}

async function router(url: string) {
  const started = await startRouter(url);
  cleanups.push(() => started.stop());
  return started;
}

async function rider(...parameters: Parameters<typeof startRider>): Promise<Rider> {
  const started = await startRider(...parameters);
  cleanups.push(() => started.session.close());
  return started;
}

const sample = (powerW: number): WorkoutCommand => ({ type: 'sample', data: { powerW } });

describe.each([{ withRedis: true }, { withRedis: false }])(
  'server processes, %o',
  ({ withRedis }) => {
    test('[R6] [C2] create, ride, kill -9, start, resume, finish: the state is the fold of all commands', async () => {
      const process = await server(await stores(withRedis));
      const { session, give, expected, when } = await rider(process.url);
      give({ type: 'start', data: {} });
      for (let round = 0; round < 4; round++) {
        for (let second = 0; second < 15; second++) give(sample(150 + round * 20 + second));
        if (round % 2 === 0) await when(({ unaccepted }) => unaccepted === 0);
        await process.kill();
        for (let second = 0; second < 5; second++) give(sample(300 + second));
        expect(session.view().state).toEqual(expected());
        await process.start();
      }
      give({ type: 'finish', data: {} });
      const { state, receipt } = await when(isSaved);
      expect(state).toEqual(expected());
      expect(receipt).toMatchObject({ lost: 0 });
    });

    test('[O1] an owner that was frozen and wakes up later can write nowhere, and everything is there once', async () => {
      const shared = await stores(withRedis);
      const former = await server(shared);
      const next = await server(shared);
      const { url, route, cut } = await router(former.url);
      const { give, expected, when } = await rider(url);
      give({ type: 'start', data: {} });
      for (let second = 0; second < 10; second++) give(sample(200 + second));
      await when(({ unaccepted }) => unaccepted === 0);
      former.freeze();
      // These reach the frozen process' socket and wait there: when it wakes up it takes them for new.
      for (let second = 0; second < 10; second++) give(sample(220 + second));
      route(next.url);
      cut();
      await when(({ status }) => status === 'reconnecting');
      await when(isSaved);
      former.thaw();
      for (let second = 0; second < 10; second++) give(sample(240 + second));
      give({ type: 'finish', data: {} });
      const { state } = await when(isSaved);
      expect(state).toEqual(expected());
      // Asked itself, the former owner takes the session over anew and knows the same.
      route(former.url);
      cut();
      await when(({ status }) => status === 'reconnecting');
      expect((await when(isSaved)).state).toEqual(expected());
    });

    test('[D1] [D2] [D3] a rolling restart of two instances: every move has a gap of 0 ms, and nothing is lost', async () => {
      const shared = await stores(withRedis);
      // The grace is what a busy machine may need; nobody waits for its end.
      const patient = { DRAIN_GRACE_MS: '60000' };
      const instances = [await server(shared, patient), await server(shared, patient)] as const;
      const [first, second] = instances;
      const { url, route } = await router(first.url);
      const { give, expected, when, session } = await rider(url);
      const gapsMs: number[] = [];
      session.subscribe(({ receipt, status }) => {
        if (status === 'connected' && receipt !== undefined && receipt.result !== 'new')
          gapsMs.push(receipt.gapMs);
      });
      give({ type: 'start', data: {} });
      await when(isSaved);
      for (const [leaving, staying] of [
        [first, second],
        [second, first],
      ] as const) {
        give(sample(200));
        route(staying.url);
        await leaving.drain();
        give(sample(210));
        await when(isSaved);
        await leaving.start();
      }
      expect(session.view().state).toEqual(expected());
      expect(new Set(gapsMs)).toEqual(new Set([0]));
    });

    test('[R7] [C1] a page loaded again and again, right after a command was given or once all were saved: each counts once', async () => {
      const process = await server(await stores(withRedis));
      const storage = memoryStorage();
      const given: WorkoutCommand[] = [];
      const page = await rider(process.url, { storage, given });
      page.give({ type: 'start', data: {} });
      await page.when(isSaved);
      let leaving = page;
      for (let reload = 0; reload < 5; reload++) {
        leaving.session.close();
        const again = await rider(process.url, { storage, given });
        leaving = again;
        again.give(sample(200 + reload));
        again.give(sample(210 + reload));
        if (reload % 2 === 0) await again.when(isSaved);
      }
      leaving.session.close();
      const last = await rider(process.url, { storage, given });
      expect((await last.when(isSaved)).state).toEqual(last.expected());
    });

    test('[R6] two hours offline: the ride goes on alone and is delivered afterwards, whole', async () => {
      const process = await server(await stores(withRedis));
      const { give, expected, when } = await rider(process.url);
      give({ type: 'start', data: {} });
      await when(isSaved);
      await process.kill();
      await when(({ status }) => status === 'reconnecting');
      for (let second = 0; second < 7_200; second++) give(sample(150 + (second % 100)));
      await process.start();
      const { state, receipt } = await when(isSaved);
      expect(state).toEqual(expected());
      expect(receipt).toMatchObject({ lost: 0 });
    });
  },
);

import { afterEach, describe, expect, test } from 'vitest';

import { memoryStorage } from '../../client/session-storage.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import { startServer, type LiveServer } from '../support/live-server.ts';
import { adds, attach, createSession } from '../support/raw-client.ts';
import { amountsOf, pageOne, pageTwo, stopped, typed } from '../support/schema-releases.ts';
import { startRedis } from '../support/services/redis-service.ts';
import { tallyTwo } from '../support/tally-two.ts';
import { startRouter } from '../support/tcp-router.ts';
import { isAccepted, isSaved, when } from '../support/watching.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function started(options: Parameters<typeof startServer>[0]): Promise<LiveServer> {
  const server = await startServer(options);
  cleanups.push(() => server.stop());
  return server;
}

async function routed(url: string) {
  const router = await startRouter(url);
  cleanups.push(() => router.stop());
  return router;
}

function closing<Page extends { close(): void }>(page: Page): Page {
  cleanups.push(() => page.close());
  return page;
}

describe.each([{ withoutRedis: false }, { withoutRedis: true }])('two releases, %o', (setting) => {
  /** The older release, and the newer one on the same stores. Nothing is checkpointed by itself. */
  async function releases() {
    const one = await started({ ...setting, checkpointMs: 3_600_000 });
    const two = await started({
      ...setting,
      ...one.stores,
      checkpointMs: 3_600_000,
      sessions: [tallyTwo],
    });
    return { one, two, stores: one.stores };
  }

  test('[O5] [H6] a session of the older release is brought up to date by the newer one, and a newer page ends there', async () => {
    const { one, two } = await releases();
    const storage = memoryStorage();
    const former = closing(await pageOne(one.url, storage));
    former.send('add', { amount: 1 });
    former.send('add', { amount: 2 });
    await when(former, isAccepted);
    // The page is loaded anew and is the newer one; half of its connections reach the older instance.
    const router = await routed(one.url);
    router.route(one.url, two.url);
    const kept = await storage.load();
    if (kept === undefined) throw new Error('Nothing was kept.');
    const moved = { ...kept.session, url: kept.session.url.replace(one.url, router.url) };
    await storage.save(moved);
    const page = closing(await pageTwo(router.url, storage));
    // Before any server is asked, what the older page kept is a state of this one.
    expect(page.view().state).toMatchObject({ total: 3, count: 2, doubledCount: 0 });
    page.send('double', {});
    const { state } = await when(page, isAccepted);
    expect(state).toMatchObject({ total: 6, count: 2, doubledCount: 1 });
    expect(amountsOf(state)).toEqual([1, 2]);
  });

  test('[H6] [O5] what the newer release has taken up the older one leaves alone, and an older page is told to load anew', async () => {
    const { one, two } = await releases();
    const created = await createSession(one.url);
    const { pathname, hash } = new URL(created.resume_url);
    const at = (server: LiveServer) => ({
      ...created,
      resume_url: `${server.url}${pathname}${hash}`,
    });
    const owner = await attach(at(two), { version: 2 });
    await expect(attach(at(one))).rejects.toThrow('4203');
    await expect(attach(at(one), { version: 2 })).rejects.toThrow('4203');
    await expect(attach(at(two))).rejects.toThrow('4011');
    owner.send(adds(1, 5));
    expect(await owner.nextOf('entries')).toMatchObject({ accepted: 1 });
    const read = await fetch(`${one.url}${pathname}`, {
      headers: { authorization: `Bearer ${hash.slice(1)}` },
    });
    expect(read.status).toBe(503);
  });

  test('[O6] [R3] a release is taken back under its riders: nothing is lost or doubled, and the older one serves', async () => {
    const { one, two, stores } = await releases();
    const router = await routed(two.url);
    const storages = Array.from({ length: 5 }, () => memoryStorage());
    const pages = await Promise.all(storages.map((storage) => pageTwo(router.url, storage)));
    for (const page of pages) closing(page);
    for (const page of pages) {
      page.send('add', { amount: 1 });
      page.send('double', {});
      page.send('add', { amount: 3 });
    }
    await Promise.all(pages.map((page) => when(page, isAccepted)));
    const check = await typed('schema check-rollback --to tally=1', stores);
    expect(check).toMatchObject({ exitCode: 3 });
    expect(await typed('schema downcast --to tally=1 --json', stores)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('"converted":5') as string,
    });
    expect(await typed('schema check-rollback --to tally=1', stores)).toMatchObject({
      exitCode: 0,
    });
    // Given to an owner that does not know yet that it is one no more; half of what comes back reaches the newer release still.
    for (const page of pages) {
      page.send('add', { amount: 5 });
      page.send('double', {});
      page.send('add', { amount: 7 });
    }
    router.route(two.url, one.url);
    expect(await Promise.all(pages.map(stopped))).toEqual(Array(5).fill('page-too-new'));
    router.route(one.url);
    const older = await Promise.all(storages.map((storage) => pageOne(router.url, storage)));
    for (const page of older) {
      const { state, receipt } = await when(closing(page), isAccepted);
      // (0 + 1) * 2 + 3 by the newer rules; the second "double" is one the older release refuses.
      expect(state).toEqual({ bound: 1_000_000, total: 17, added: expect.anything() as unknown });
      expect(amountsOf(state)).toEqual([1, 3, 5, 7]);
      expect(receipt).toMatchObject({ lost: 0 });
    }
  });

  test('[O6] taking back again does nothing, and after the ceiling is lifted the newer release takes over again', async () => {
    const { one, two, stores } = await releases();
    const page = closing(await pageTwo(two.url));
    page.send('add', { amount: 4 });
    await when(page, isAccepted);
    const converted = (count: number) => ({
      exitCode: 0,
      stdout: `tally: ${count} sessions taken back to 1\n`,
    });
    expect(await typed('schema downcast --to tally=1', stores)).toMatchObject(converted(1));
    expect(await typed('schema downcast --to tally=1', stores)).toMatchObject(converted(0));
    page.send('add', { amount: 5 });
    await when(page, ({ status }) => status === 'reconnecting');
    // The newer release may not raise it, nor begin another.
    await expect(createSession(two.url)).rejects.toThrow('503: {"type":"about:blank"');
    expect((await createSession(one.url)).session_id).toBeTypeOf('string');
    expect(await typed('schema ceiling --lift tally', stores)).toMatchObject({
      exitCode: 0,
      stdout: 'no ceiling\n',
    });
    const { state } = await when(page, isAccepted);
    expect(amountsOf(state)).toEqual([4, 5]);
    expect(state).toMatchObject({ total: 9, count: 2 });
  });

  test('[O6] without a downcast the release cannot be taken back: refused before anything changes', async () => {
    const { two, stores } = await releases();
    const stuck: AnyModel = { ...tallyTwo };
    delete stuck.downcast;
    const page = closing(await pageTwo(two.url));
    page.send('double', {});
    await when(page, isAccepted);
    const statuses: string[] = [];
    page.subscribe(({ status }) => statuses.push(status));
    expect(await typed('schema check-rollback --to tally=1', stores, stuck)).toMatchObject({
      exitCode: 4,
      stdout: 'refused: 1 sessions of tally: tally has no downcast from 2.\n',
    });
    expect(await typed('schema downcast --to tally=1', stores, stuck)).toMatchObject({
      exitCode: 4,
    });
    expect((await typed('schema ceiling', stores)).stdout).toBe('no ceiling\n');
    page.send('add', { amount: 1 });
    expect(await when(page, isAccepted)).toMatchObject({ state: { total: 1 } });
    expect(new Set(statuses)).toEqual(new Set(['connected']));
  });

  test('[O6] a state that cannot be taken back stays with the newer release, and the others go', async () => {
    const { one, two, stores } = await releases();
    const [odd, even] = [closing(await pageTwo(two.url)), closing(await pageTwo(two.url))];
    odd.send('add', { amount: 1 });
    even.send('add', { amount: 2 });
    await Promise.all([when(odd, isAccepted), when(even, isAccepted)]);
    const picky: AnyModel = {
      ...tallyTwo,
      downcast: (state, version) => {
        if ((state as { total: number }).total % 2 === 1) throw new Error('odd');
        return tallyTwo.downcast?.(state as never, version);
      },
    };
    const run = await typed('schema downcast --to tally=1', stores, picky);
    expect(run).toMatchObject({ exitCode: 4 });
    expect(run.stdout).toContain('tally: 1 sessions taken back to 1\nrefused: 1 sessions');
    odd.send('add', { amount: 3 });
    expect((await when(odd, isAccepted)).state.total).toBe(4);
    const { stdout } = await typed('schema status --json', { ...one.stores });
    expect(JSON.parse(stdout)).toMatchObject({
      ceilings: { tally: 1 },
      stored: [
        { kind: 'tally', version: 1, sessions: 1 },
        { kind: 'tally', version: 2, sessions: 1 },
      ],
    });
  });
});

describe('Redis in trouble while a release is taken back', () => {
  test('[O6] away: nothing is taken back without what it holds; run again, all of it is', async () => {
    const redis = await startRedis();
    cleanups.push(() => redis.stop());
    const two = await started({ redis: redis.url, checkpointMs: 3_600_000, sessions: [tallyTwo] });
    const one = await started({ ...two.stores, checkpointMs: 3_600_000 });
    const storage = memoryStorage();
    const router = await routed(two.url);
    const page = closing(await pageTwo(router.url, storage));
    page.send('add', { amount: 6 });
    page.send('double', {});
    await when(page, isAccepted);
    process.kill(redis.pid(), 'SIGSTOP');
    const run = typed('schema downcast --to tally=1', two.stores);
    expect(await run).toMatchObject({ exitCode: 69 });
    process.kill(redis.pid(), 'SIGCONT');
    expect((await typed('schema status --json', two.stores)).stdout).toContain('"version":2');
    expect(await typed('schema downcast --to tally=1', two.stores)).toMatchObject({ exitCode: 0 });
    page.send('add', { amount: 1 });
    router.route(one.url);
    expect(await stopped(page)).toBe('page-too-new');
    const older = closing(await pageOne(router.url, storage));
    expect((await when(older, isAccepted)).state.total).toBe(13);
  });

  test('[O6] [O5] back with the newer state it had before: the older release refuses until it is taken back too', async () => {
    const redis = await startRedis();
    cleanups.push(() => redis.stop());
    const two = await started({ redis: redis.url, sessions: [tallyTwo] });
    const one = await started(two.stores);
    const created = await createSession(two.url);
    const owner = await attach(created, { version: 2 });
    owner.send(adds(1, 2, 3));
    await owner.nextOf('entries');
    await redis.backUp();
    await typed('schema downcast --to tally=1', two.stores);
    await redis.rollBack();
    const readiness = async () => (await fetch(`${one.url}/readyz`)).json();
    await expect.poll(readiness).toMatchObject({ status: 'ready' });
    const { pathname, hash } = new URL(created.resume_url);
    const older = { ...created, resume_url: `${one.url}${pathname}${hash}` };
    await expect(attach(older)).rejects.toThrow('4203');
    const check = await typed('schema check-rollback --to tally=1', two.stores);
    expect(check).toMatchObject({ exitCode: 3 });
    expect(await typed('schema downcast --to tally=1', two.stores)).toMatchObject({ exitCode: 0 });
    await expect
      .poll(() => attach(older).then(({ greeting }) => greeting.map(({ type }) => type), String))
      .toEqual(['welcome', 'snapshot', 'live']);
  });
});

test('[O6] a page of the older release that finds a newer state on its device waits for the server’s, and keeps its commands', async () => {
  const two = await started({ sessions: [tallyTwo] });
  const one = await started(two.stores);
  const storage = memoryStorage();
  const page = await pageTwo(two.url, storage);
  page.send('add', { amount: 2 });
  await when(page, isSaved);
  page.close();
  await typed('schema downcast --to tally=1', two.stores);
  const kept = await storage.load();
  await storage.save({ ...kept!.session, url: kept!.session.url.replace(two.url, one.url) });
  const older = closing(await pageOne(one.url, storage));
  expect(older.view().state).toEqual({
    bound: 1_000_000,
    total: 2,
    added: [[older.clientId, 2, expect.any(Number)]],
  });
  const view = await when(older, ({ receipt }) => receipt !== undefined);
  expect(view).toMatchObject({ state: { total: 2 }, receipt: { lost: 0 } });
});

import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';

import { connect } from '../../client/connect.ts';
import { workout } from '../../shared/workout/workout.ts';
import { startServer, type LiveServer } from '../support/live-server.ts';
import { adds, attach, createSession, type Created } from '../support/raw-client.ts';
import { startRider } from '../support/rider.ts';
import { startServerProcess } from '../support/server-process.ts';
import { startRedisWithSentinels } from '../support/services/redis-sentinel-service.ts';
import { freshPostgres } from '../support/services/shared-services.ts';
import { tally } from '../support/tally.ts';
import { startRouter } from '../support/tcp-router.ts';
import { isAccepted, when } from '../support/watching.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function sentinels() {
  const service = await startRedisWithSentinels();
  cleanups.push(() => service.stop());
  return service;
}

/** Postgres gets nothing by itself: what is there after a fail-over was brought by the owner or the client. */
async function started(options: Parameters<typeof startServer>[0]): Promise<LiveServer> {
  const server = await startServer({ checkpointMs: 3_600_000, ...options });
  cleanups.push(() => server.stop());
  return server;
}

async function riding(url: string) {
  const input = { bound: 1_000_000 };
  const session = await connect({ url, session: tally, input, WebSocket, random: () => 0.02 });
  cleanups.push(() => session.close());
  return session;
}

type Session = Awaited<ReturnType<typeof riding>>;
type View = ReturnType<Session['view']>;

const amountsOf = ({ state }: View): number[] => state.added.map(([, amount]) => amount);

async function send(session: Session, ...amounts: readonly number[]): Promise<View> {
  for (const amount of amounts) session.send('add', { amount });
  return when(session, isAccepted);
}

/** Resolves when the instance has found the master of now. */
async function ready({ url }: LiveServer): Promise<void> {
  await vi.waitFor(
    async () =>
      expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ready' }),
    { timeout: 120_000, interval: 20 },
  );
}

/** The same session at another instance. */
const at = (server: LiveServer, created: Created): Created => {
  const { pathname, hash } = new URL(created.resume_url);
  return { ...created, resume_url: `${server.url}${pathname}${hash}` };
};

describe('sentinels promote a replica that lags behind', () => {
  test('[R8] the owner brings back what the replica never got, under a new epoch', async () => {
    const redis = await sentinels();
    const server = await started({ redis: redis.url });
    const session = await riding(server.url);
    await send(session, 1, 2);
    await redis.catchUp();
    await redis.lag();
    expect(await send(session, 3, 4)).toMatchObject({ unsaved: 4, receipt: { result: 'new' } });
    await redis.master.kill();
    await redis.promoted();
    await ready(server);
    const after = await send(session, 5);
    expect(amountsOf(after)).toEqual([1, 2, 3, 4, 5]);
    // Sent again was at most what the owner had not accepted.
    expect(after.receipt).toMatchObject({ result: 'rebuilt', lost: 0, resent: 1 });
    expect(amountsOf(await send(session, 6))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('[R8] [R6] with the owner killed too, the client brings it back', async () => {
    const redis = await sentinels();
    const stores = { postgres: (await freshPostgres()).url, redis: redis.url };
    const owner = await startServerProcess(stores, { CHECKPOINT_MS: '60000' });
    cleanups.push(() => owner.stop());
    const next = await started({ ...stores, sessions: [workout] });
    const router = await startRouter(owner.url);
    cleanups.push(() => router.stop());
    const { session, give, expected, when } = await startRider(router.url);
    cleanups.push(() => session.close());
    const isTaken = ({ status, unaccepted }: { status: string; unaccepted: number }): boolean =>
      status === 'connected' && unaccepted === 0;
    give({ type: 'start', data: {} });
    await when(isTaken);
    await redis.catchUp();
    await redis.lag();
    for (let second = 0; second < 10; second++) give({ type: 'sample', data: { powerW: 200 } });
    await when(isTaken);
    await Promise.all([owner.kill(), redis.master.kill()]);
    await redis.promoted();
    await ready(next);
    router.route(next.url);
    const after = await when((view) => isTaken(view) && view.receipt?.result === 'rebuilt');
    expect(after.state).toEqual(expected());
    expect(after.receipt).toMatchObject({ lost: 0, resent: 10 });
  });

  test('[O1] [R8] a replica that does not know of a take-over: the owner of now loses nothing, and that of then writes nowhere', async () => {
    const redis = await sentinels();
    const former = await started({ redis: redis.url });
    const next = await started(former.stores);
    const created = await createSession(former.url);
    const old = await attach(created, { incarnation: 'incarnation-0000000002' });
    await redis.catchUp();
    await redis.lag();
    const taken = await attach(at(next, created));
    taken.send(adds(1, 1, 2));
    await taken.nextOf('entries');
    await redis.master.kill();
    await redis.promoted();
    await Promise.all([ready(former), ready(next)]);
    // To this Redis the former owner is the owner still, and its log ends where it believes.
    old.send(adds(1, 10, 10, 10, 10, 10));
    expect(await old.closed).toMatchObject({ code: 4110 });
    taken.send(adds(3, 4));
    expect(await taken.closed).toMatchObject({ code: 4110 });
    const again = await attach(at(next, created));
    const [welcome, snapshot] = again.greeting;
    expect(welcome).toMatchObject({ accepted: 2, checkpointed: 2 });
    expect(snapshot).toMatchObject({ snapshot: { state: { total: 3 } } });
  });
});

describe('sentinels promote another master', () => {
  test('[R8] one that has everything: the ride goes on under a new epoch, since nobody can know that', async () => {
    const redis = await sentinels();
    const server = await started({ redis: redis.url });
    const session = await riding(server.url);
    await send(session, 1, 2);
    await redis.catchUp();
    await redis.master.kill();
    await redis.promoted();
    await ready(server);
    const after = await send(session, 3);
    expect(amountsOf(after)).toEqual([1, 2, 3]);
    expect(after.receipt).toMatchObject({ result: 'rebuilt', lost: 0, resent: 1 });
  });

  test('[R11] a master that freezes is left for the one the sentinels name', async () => {
    const redis = await sentinels();
    const server = await started({ redis: redis.url });
    const session = await riding(server.url);
    await send(session, 1);
    await redis.catchUp();
    process.kill(redis.master.pid(), 'SIGSTOP');
    await send(session, 2);
    await redis.promoted();
    await ready(server);
    const after = await send(session, 3);
    expect(amountsOf(after)).toEqual([1, 2, 3]);
    expect(after.receipt).toMatchObject({ lost: 0 });
    // Woken, it is made a replica, and takes nothing.
    process.kill(redis.master.pid(), 'SIGCONT');
    expect(amountsOf(await send(session, 4))).toEqual([1, 2, 3, 4]);
  });
});

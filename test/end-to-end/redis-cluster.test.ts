import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';

import { connect } from '../../client/connect.ts';
import { sessionKeys } from '../../server/store/redis/keys.ts';
import { startServer, type LiveServer } from '../support/live-server.ts';
import { adds, attach, createSession, epochOf } from '../support/raw-client.ts';
import {
  startRedisCluster,
  type RedisClusterService,
} from '../support/services/redis-cluster-service.ts';
import { tally } from '../support/tally.ts';
import { isAccepted, isSaved, when } from '../support/watching.ts';

let cluster: RedisClusterService;
beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(() => cluster.stop());

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function started(): Promise<LiveServer> {
  const server = await startServer({ redis: cluster.url });
  cleanups.push(() => server.stop());
  return server;
}

async function riding({ url }: LiveServer) {
  const input = { bound: 1_000_000 };
  const session = await connect({ url, session: tally, input, WebSocket, random: () => 0.02 });
  cleanups.push(() => session.close());
  return session;
}

type Session = Awaited<ReturnType<typeof riding>>;
type View = ReturnType<Session['view']>;

const amountsOf = ({ state }: View): number[] => state.added.map(([, amount]) => amount);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/** The slot of a session, and the master it is at now. */
async function slotOf(sessionId: string): Promise<{ slot: number; master: number }> {
  const slot = await cluster.slotOf(sessionKeys(sessionId).meta);
  return { slot, master: await cluster.masterOf(slot) };
}

describe('a ride on a cluster', () => {
  test('[E1] [R8] the slot moves to other masters and back under a ride: all arrives once and in order', async () => {
    const session = await riding(await started());
    const { slot, master } = await slotOf(session.sessionId);
    let count = 0;
    const ride = (): void => {
      for (let more = 0; more < 5; more++) session.send('add', { amount: ++count });
    };
    ride();
    await when(session, isAccepted);
    for (const step of [1, 2, 0, 1, 0])
      await cluster.moveSlot(slot, (master + step) % 3, async (phase) => {
        ride();
        // While the keys are apart the answer waits until they are together again.
        if (phase !== 'split') await when(session, isAccepted);
      });
    ride();
    const after = await when(session, isSaved);
    expect(amountsOf(after)).toEqual(upTo(count));
    expect(after.receipt).toMatchObject({ result: 'rebuilt', lost: 0 });
    expect(await cluster.masterOf(slot)).toBe(master);
    expect(await cluster.keysIn(slot)).toContain(sessionKeys(session.sessionId).log);
  });

  test('[R8] an owner that opens the session after its slot has moved begins a new epoch, with all there was', async () => {
    const server = await started();
    const created = await createSession(server.url);
    const rider = await attach(created);
    rider.send(adds(1, 1, 2, 3));
    await rider.nextOf('entries');
    const { slot, master } = await slotOf(created.session_id);
    await cluster.moveSlot(slot, (master + 1) % 3);
    const next = await startServer(server.stores);
    cleanups.push(() => next.stop());
    const { pathname, hash } = new URL(created.resume_url);
    const resumed = { ...created, resume_url: `${next.url}${pathname}${hash}` };
    const position = { epoch: epochOf(rider), offset: 4 };
    const [welcome, snapshot] = (await attach(resumed, { position })).greeting;
    expect(welcome).toMatchObject({ type: 'welcome', result: 'rebuilt', accepted: 3 });
    expect(snapshot).toMatchObject({ type: 'snapshot', snapshot: { state: { total: 6 } } });
  });

  test('[R11] a session opened while its slot moves goes on in Postgres, and is in Redis when the slot has arrived', async () => {
    const server = await started();
    const created = await createSession(server.url);
    const { slot, master } = await slotOf(created.session_id);
    const { log } = sessionKeys(created.session_id);
    await cluster.moveSlot(slot, (master + 1) % 3, async (phase) => {
      if (phase !== 'announced') return;
      const rider = await attach(created);
      rider.send(adds(1, 1, 2));
      expect(await rider.nextOf('entries')).toMatchObject({ accepted: 2, checkpointed: 2 });
      expect(await cluster.keysIn(slot)).toEqual([]);
    });
    let accepted = 0;
    // Once, unless a busy machine was too slow for Redis: then as often as it takes until that is asked again, which ends a connection.
    do {
      const rider = await attach(created);
      const [welcome] = rider.greeting;
      accepted = welcome?.type === 'welcome' ? welcome.accepted : 0;
      rider.send(adds(accepted + 1, 3));
      await rider.nextOf('entries').catch(() => {});
    } while (!(await cluster.keysIn(slot)).includes(log));
    expect(accepted).toBeGreaterThanOrEqual(2);
  });
});

describe('a cluster that loses a master', () => {
  test('[R11] its sessions go on in Postgres, those of the others do not notice, and Redis is their log again when it is back', async () => {
    const server = await started();
    const rides = await Promise.all(upTo(8).map(() => riding(server)));
    const masters = await Promise.all(rides.map(async (ride) => slotOf(ride.sessionId)));
    const gone = masters[0]?.master ?? 0;
    for (const ride of rides) ride.send('add', { amount: 1 });
    const before = await Promise.all(rides.map((ride) => when(ride, isSaved)));
    await cluster.masters[gone]?.kill();
    for (const amount of [2, 3, 4]) {
      for (const ride of rides) ride.send('add', { amount });
      await Promise.all(rides.map((ride) => when(ride, isSaved)));
    }
    const isAway = (_: unknown, index: number): boolean => masters[index]?.master === gone;
    const after = rides.map((ride) => ride.view());
    expect(after.map(amountsOf)).toEqual(rides.map(() => [1, 2, 3, 4]));
    for (const { receipt } of after.filter(isAway))
      expect(receipt).toMatchObject({ result: 'rebuilt', lost: 0 });
    const others = (views: readonly View[]) =>
      views.filter((_, index) => !isAway(_, index)).map(({ receipt }) => receipt);
    expect(others(after)).toEqual(others(before));
    const ready = await fetch(`${server.url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ status: 'degraded', stores: { redis: 'down' } });
    await cluster.masters[gone]?.restart({ keepData: false });
    await vi.waitFor(
      async () =>
        expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({
          status: 'ready',
        }),
      { timeout: 120_000, interval: 50 },
    );
    const [first] = rides;
    first?.send('add', { amount: 5 });
    const back = first && (await when(first, isSaved));
    expect(back && amountsOf(back)).toEqual([1, 2, 3, 4, 5]);
    expect(await cluster.keysIn(masters[0]?.slot ?? 0)).not.toEqual([]);
  });
});

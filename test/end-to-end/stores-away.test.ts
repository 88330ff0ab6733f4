import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';

import { connect } from '../../client/connect.ts';
import type { WebSocketConstructor } from '../../client/link.ts';
import { memoryStorage, type SessionStorage } from '../../client/session-storage.ts';
import { resumeTokens } from '../../server/auth/resume-tokens.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';
import { unsavedEntriesMax } from '../../server/session/host-limits.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import { startServer, testSecret, type LiveServer } from '../support/live-server.ts';
import {
  adds,
  attach,
  createSession,
  type Created,
  type RawClient,
} from '../support/raw-client.ts';
import { startPostgres } from '../support/services/postgres-service.ts';
import { startRedis } from '../support/services/redis-service.ts';
import { freshRedis } from '../support/services/shared-services.ts';
import { tally, type TallyState } from '../support/tally.ts';
import { startRouter } from '../support/tcp-router.ts';
import { tellingSockets } from '../support/telling-socket.ts';
import { isAccepted, isSaved, when } from '../support/watching.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function withStores(options: Parameters<typeof startServer>[0] = {}) {
  const redis = await startRedis();
  cleanups.push(() => redis.stop());
  const postgres = await startPostgres();
  cleanups.push(() => postgres.stop());
  const server = await startServer({ ...options, redis: redis.url, postgres: postgres.url });
  cleanups.push(() => server.stop());
  return { redis, postgres, server };
}

async function riding(
  { url }: LiveServer,
  more: { WebSocket?: WebSocketConstructor; storage?: SessionStorage } = {},
) {
  // Little jitter: how long a client waits is tested elsewhere.
  const options = { WebSocket, random: () => 0.02, ...more };
  const input = { bound: 1_000_000_000 };
  const session = await connect({ url, session: tally, input, ...options });
  cleanups.push(() => session.close());
  return session;
}

async function readiness({ url }: LiveServer): Promise<{ status: string; stores: object }> {
  return (await (await fetch(`${url}/readyz`)).json()) as { status: string; stores: object };
}

/** Attaches; whoever is told to come back comes back. */
async function attachOnceServed(created: Created): ReturnType<typeof attach> {
  for (;;) {
    const client = await attach(created).catch(() => undefined);
    if (client !== undefined) return client;
  }
}

/** Whether the next command is answered; otherwise the connection was closed. */
function isServed(client: RawClient): Promise<boolean> {
  return client.nextOf('entries').then(
    () => true,
    () => false,
  );
}

/** Those who serve the connections of a killed Postgres outlive it for a moment, and may save something yet. */
function postgresIsDown(server: LiveServer): Promise<void> {
  return expect
    .poll(() => readiness(server), { timeout: 60_000 })
    .toMatchObject({ stores: { postgres: 'down' } });
}

const amountsOf = ({ added }: TallyState): readonly number[] => added.map(([, amount]) => amount);

/** As Postgres alone has it. */
async function savedAmounts(postgres: string, storage: SessionStorage): Promise<readonly number[]> {
  const server = await startServer({ withoutRedis: true, postgres });
  cleanups.push(() => server.stop());
  const kept = await storage.load();
  const { url = '', token = '' } = kept?.session ?? {};
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(new URL(new URL(url).pathname, server.url), { headers });
  return amountsOf(((await response.json()) as { state: TallyState }).state);
}

describe('stores that go away under a session', () => {
  test('[R11] Redis killed with all its data: the session goes on, saved by Postgres, and Redis is the log again when it is back', async () => {
    const { redis, server } = await withStores();
    const session = await riding(server);
    session.send('add', { amount: 1 });
    await when(session, isAccepted);
    await redis.kill();
    session.send('add', { amount: 2 });
    const alone = await when(session, isSaved);
    expect(alone).toMatchObject({ state: { total: 3 }, receipt: { lost: 0, result: 'rebuilt' } });
    expect(await readiness(server)).toMatchObject({
      status: 'degraded',
      stores: { redis: 'down' },
    });
    await redis.restart({ keepData: false });
    for (let amount = 3; (await readiness(server)).status !== 'ready'; amount++) {
      session.send('add', { amount });
      await when(session, isSaved);
    }
    session.send('add', { amount: 1_000 });
    const { state } = await when(session, isSaved);
    const amounts = state.added.map(([, amount]) => amount);
    expect(amounts.at(-1)).toBe(1_000);
    expect(new Set(amounts).size).toBe(amounts.length);
  });

  test('[R11] an instance that starts while Redis is away serves from Postgres, and takes Redis up when it is there', async () => {
    const { redis, postgres, server } = await withStores();
    const former = await riding(server);
    former.send('add', { amount: 1 });
    await when(former, isSaved);
    await redis.kill();
    const other = await startServer({ redis: redis.url, postgres: postgres.url });
    cleanups.push(() => other.stop());
    expect(await readiness(other)).toMatchObject({ status: 'degraded', stores: { redis: 'down' } });
    const session = await riding(other);
    session.send('add', { amount: 2 });
    expect(await when(session, isSaved)).toMatchObject({ state: { total: 2 } });
    await redis.restart({ keepData: false });
    await expect
      .poll(() => readiness(other), { timeout: 60_000 })
      .toMatchObject({ status: 'ready', stores: { redis: 'up' } });
    session.send('add', { amount: 3 });
    expect(await when(session, isSaved)).toMatchObject({ state: { total: 5 } });
  });

  test('[R11] a Redis that comes late and would evict live sessions is left alone', async () => {
    const redis = await startRedis(['--maxmemory-policy', 'allkeys-lru']);
    cleanups.push(() => redis.stop());
    await redis.kill();
    const server = await startServer({ redis: redis.url });
    cleanups.push(() => server.stop());
    await redis.restart({ keepData: false });
    await expect
      .poll(() => server.log.join(''), { timeout: 60_000 })
      .toContain('maxmemory-policy noeviction');
    const session = await riding(server);
    session.send('add', { amount: 2 });
    expect(await when(session, isSaved)).toMatchObject({ state: { total: 2 } });
    expect(await readiness(server)).toMatchObject({
      status: 'degraded',
      stores: { redis: 'down' },
    });
  });

  test('[R11] [C6] Redis killed after the last command: it is told as saved, though nothing more is given', async () => {
    // From one checkpoint to the next there is time to kill Redis, also on a busy machine.
    const { redis, server } = await withStores({ checkpointMs: 3_000 });
    const session = await riding(server);
    session.send('add', { amount: 1 });
    await when(session, isSaved);
    session.send('add', { amount: 2 });
    await when(session, isAccepted);
    await redis.kill();
    expect(session.view()).toMatchObject({ unsaved: 1 });
    expect(await when(session, isSaved)).toMatchObject({ state: { total: 3 }, unaccepted: 0 });
  });

  test('[R8] Redis comes back with an older state: nothing of it takes the place of what happened since', async () => {
    const { redis, server } = await withStores();
    const session = await riding(server);
    session.send('add', { amount: 1 });
    await when(session, isAccepted);
    await redis.backUp();
    for (const amount of [2, 3, 4]) session.send('add', { amount });
    await when(session, isSaved);
    await redis.rollBack();
    for (const amount of [5, 6]) session.send('add', { amount });
    const { state, receipt } = await when(session, isSaved);
    expect(state.added.map(([, amount]) => amount)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(receipt).toMatchObject({ lost: 0 });
  });

  test('[R11] Redis only out of reach of the next owner: what it holds of accepted commands is taken over when it is back', async () => {
    const { url } = await freshRedis();
    const { href, host, pathname } = new URL(url);
    const router = await startRouter(`http://${host}`);
    cleanups.push(() => router.stop());
    const former = await startServer({ redis: href, checkpointMs: 3_600_000 });
    cleanups.push(() => former.stop());
    const created = await createSession(former.url);
    const rider = await attach(created);
    rider.send(adds(1, 7));
    await rider.nextOf('entries');
    // The former owner writes nothing more, and its rider never comes back: only Redis knows of the seven.
    const redis = `redis://${new URL(router.url).host}${pathname}`;
    // As many commands as it takes until Redis is looked for again.
    const limits = { ...defaultLimits, frames_per_s_max: 100_000 };
    const next = await startServer({ redis, postgres: former.stores.postgres, limits });
    cleanups.push(() => next.stop());
    const other = { ...created, client_id: 'client-of-the-other-device' };
    const token = resumeTokens(signingKeys([testSecret])).issue(
      other.session_id,
      other.client_id,
      1,
    );
    other.resume_url = `${next.url}/v1/sessions/${other.session_id}/clients/${other.client_id}#${token}`;
    router.route('http://127.0.0.1:1');
    router.cut();
    const before = await attachOnceServed(other);
    expect(JSON.stringify(before.greeting)).not.toContain('",7,1000]');
    router.route(`http://${host}`);
    before.send(adds(1, 100));
    for (let seq = 2; await isServed(before); seq++) before.send(adds(seq, 100));
    const again = await attachOnceServed(other);
    expect(JSON.stringify(again.greeting)).toContain('",7,1000]');
  });

  test('[C6] Postgres killed: commands are accepted and not yet saved; they are once it is back', async () => {
    const { postgres, server } = await withStores();
    const session = await riding(server);
    session.send('add', { amount: 1 });
    await when(session, isSaved);
    await postgres.kill();
    await postgresIsDown(server);
    expect(await readiness(server)).toMatchObject({ status: 'degraded' });
    session.send('add', { amount: 2 });
    const accepted = await when(session, isAccepted);
    expect(accepted).toMatchObject({ unsaved: 1, state: { total: 3 } });
    await postgres.restart();
    expect(await when(session, isSaved)).toMatchObject({ unsaved: 0, state: { total: 3 } });
  });

  test('[B10] [C6] Postgres away until 5,000 entries wait for it: what is given then stays in the client and is shown so, and all arrives once, in order', async () => {
    const { postgres, server } = await withStores();
    const [storage, sockets] = [memoryStorage(), tellingSockets()];
    const session = await riding(server, { storage, WebSocket: sockets.Socket });
    session.send('add', { amount: 1 });
    await when(session, isSaved);
    await postgres.kill();
    await postgresIsDown(server);
    const given = Array.from({ length: 1 + unsavedEntriesMax + 1_000 }, (_, index) => index + 1);
    for (const amount of given.slice(1, 1 + unsavedEntriesMax)) session.send('add', { amount });
    const full = await when(session, isAccepted);
    expect(full.unsaved).toBe(unsavedEntriesMax);
    for (const amount of given.slice(1 + unsavedEntriesMax)) session.send('add', { amount });
    const nextSeq = 1 + unsavedEntriesMax + 1;
    await sockets.whenSent((frame) => frame.type === 'commands' && frame.seq === nextSeq);
    await sockets.roundTrip();
    const waiting = { unsaved: unsavedEntriesMax + 1_000, unaccepted: 1_000 };
    expect(session.view()).toMatchObject({ status: 'connected', ...waiting });
    expect(amountsOf(session.view().state)).toEqual(given);
    await postgres.restart();
    const { state, receipt } = await when(session, isSaved);
    expect(sockets.heard).toContainEqual({ type: 'gap', expected: nextSeq });
    expect(amountsOf(state)).toEqual(given);
    expect(receipt).toMatchObject({ lost: 0 });
    expect(await savedAmounts(postgres.url, storage)).toEqual(given);
  });

  test('[R6] both gone: the client goes on alone, and delivers when they are back', async () => {
    const { redis, postgres, server } = await withStores();
    const session = await riding(server);
    session.send('add', { amount: 1 });
    await when(session, isAccepted);
    await Promise.all([redis.kill(), postgres.kill()]);
    for (const amount of [2, 3, 4]) session.send('add', { amount });
    await when(session, ({ status }) => status === 'reconnecting' || status === 'offline');
    expect(session.view()).toMatchObject({ state: { total: 10 }, unaccepted: 3 });
    await Promise.all([redis.restart({ keepData: false }), postgres.restart()]);
    const { state, receipt } = await when(session, isSaved);
    expect(state.added.map(([, amount]) => amount)).toEqual([1, 2, 3, 4]);
    expect(receipt).toMatchObject({ lost: 0 });
  });

  test('[P1] [R13] both gone: no session begins, which is told by a code that means try again; it does when they are back', async () => {
    const { redis, postgres, server } = await withStores();
    await Promise.all([redis.kill(), postgres.kill()]);
    await postgresIsDown(server);
    expect(await readiness(server)).toMatchObject({ stores: { redis: 'down' } });
    const request = {
      kind: 'tally',
      input: { bound: 9 },
      client_id: 'a-client-of-its-own-000',
      key: 'a-key-of-its-own-000000',
    };
    const answer = await fetch(`${server.url}/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await answer.json()).toMatchObject({ status: 503, code: 'store-unavailable' });
    await Promise.all([redis.restart({ keepData: false }), postgres.restart()]);
    const isBegun = () => createSession(server.url, request).catch(() => undefined);
    const created = await vi.waitUntil(isBegun, { timeout: 120_000 });
    const client = await attachOnceServed(created);
    client.send(adds(1, 7));
    expect(await client.nextOf('entries')).toMatchObject({ accepted: 1 });
  });
});

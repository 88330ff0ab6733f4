import { isDeepStrictEqual } from 'node:util';

import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { connect, type SessionView } from '../../client/connect.ts';
import { originProofs } from '../../server/auth/origin-proofs.ts';
import { resumeTokens } from '../../server/auth/resume-tokens.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';
import { retentionMs } from '../../shared/protocol/limits.ts';
import type { WorkoutCommand } from '../../shared/workout/workout-schemas.ts';
import { workout } from '../../shared/workout/workout.ts';
import { startServer, testSecret, type LiveServer } from '../support/live-server.ts';
import {
  adds as addsFrame,
  attach,
  createSession,
  hello,
  openSocket,
} from '../support/raw-client.ts';
import { startRider } from '../support/rider.ts';
import { startServerProcess } from '../support/server-process.ts';
import { startRedis } from '../support/services/redis-service.ts';
import { freshPostgres } from '../support/services/shared-services.ts';
import { tally, type TallyState } from '../support/tally.ts';
import { isAccepted, isSaved, when } from '../support/watching.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function started(options?: Parameters<typeof startServer>[0]): Promise<LiveServer> {
  const server = await startServer(options);
  cleanups.push(() => server.stop());
  return server;
}

async function riding({ url }: LiveServer) {
  const input = { bound: 1_000_000 };
  const session = await connect({ url, session: tally, input, WebSocket, random: () => 0.02 });
  cleanups.push(() => session.close());
  return session;
}

type Riding = Awaited<ReturnType<typeof riding>>;

/** Gives one command each and waits until Postgres has them all. */
async function adds(session: Riding, ...amounts: number[]): Promise<SessionView<TallyState>> {
  for (const amount of amounts) session.send('add', { amount });
  return when(session, isSaved);
}

const amountsOf = ({ state }: SessionView<TallyState>): number[] =>
  state.added.map(([, amount]) => amount);

async function inPostgres({ stores }: LiveServer, ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: stores.postgres });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

async function emptyRedis({ stores }: LiveServer): Promise<void> {
  const redis = new Redis(stores.redis ?? '');
  await redis.flushdb();
  redis.disconnect();
}

const losePostgres = 'delete from trackstand.sessions';
const backUp = [
  'create table trackstand.kept_sessions as table trackstand.sessions',
  'create table trackstand.kept_log as table trackstand.session_log',
];
const restore = [
  losePostgres,
  'insert into trackstand.sessions select * from trackstand.kept_sessions',
  'insert into trackstand.session_log select * from trackstand.kept_log',
];

describe('stores that lose what they had confirmed', () => {
  test('[R12] Postgres lost with all its data: Redis gives it back, and nothing else is needed for it', async () => {
    const server = await started();
    const session = await riding(server);
    await adds(session, 1, 2, 3);
    await inPostgres(server, losePostgres);
    const again = await adds(session, 4);
    expect(amountsOf(again)).toEqual([1, 2, 3, 4]);
    expect(again.receipt).toMatchObject({ result: 'resumed', lost: 0 });
    await emptyRedis(server);
    expect(amountsOf(await adds(session, 5))).toEqual([1, 2, 3, 4, 5]);
  });

  test.each([{ withoutRedis: false }, { withoutRedis: true }])(
    '[R12] [R6] everything lost in every store, %o: the client brings the whole session back, told as a rebuild',
    async (setting) => {
      const server = await started(setting);
      const session = await riding(server);
      const former = await adds(session, 1, 2, 3);
      await inPostgres(server, losePostgres);
      if (!setting.withoutRedis) await emptyRedis(server);
      const again = await adds(session, 4);
      expect(amountsOf(again)).toEqual([1, 2, 3, 4]);
      expect(again.state.added.slice(0, 3)).toEqual(former.state.added);
      expect(again.receipt).toMatchObject({ result: 'rebuilt', lost: 0 });
    },
  );

  test.each([{ redis: 'has all' }, { redis: 'is empty too' }])(
    '[R4] [R12] Postgres restored from an older backup, Redis $redis: what was saved since is there again, once',
    async ({ redis }) => {
      const former = await started();
      const session = await riding(former);
      await adds(session, 1, 2);
      await inPostgres(former, ...backUp);
      await adds(session, 3, 4, 5);
      await inPostgres(former, ...restore);
      if (redis === 'is empty too') await emptyRedis(former);
      const again = await adds(session, 6);
      expect(amountsOf(again)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(again.receipt).toMatchObject({ lost: 0 });
    },
  );
});

/** Of a device that was never there before; who owns the session may give it one. */
function resumeUrlOfAnother(url: string, sessionId: string): string {
  const clientId = 'client-of-the-other-device';
  const token = resumeTokens(signingKeys([testSecret])).issue(sessionId, clientId, 1);
  return `${url}/v1/sessions/${sessionId}/clients/${clientId}#${token}`;
}

describe('Redis and the only device, destroyed at once', () => {
  test('[C6] [R8] the instance too: all that was told as saved is there, and what is lost was accepted after it', async () => {
    const redis = await startRedis();
    cleanups.push(() => redis.stop());
    const { url: postgres } = await freshPostgres();
    // The interval of a server that was told nothing else.
    const settings = { CHECKPOINT_MS: '5000' };
    const process = await startServerProcess({ postgres, redis: redis.url }, settings);
    cleanups.push(() => process.stop());
    const given: WorkoutCommand[] = [];
    const { session, give, expected, when } = await startRider(process.url, { given });
    cleanups.push(() => session.close());
    give({ type: 'start', data: {} });
    for (let second = 0; second < 20; second++)
      give({ type: 'sample', data: { powerW: 200 + second } });
    await when(isSaved);
    for (let second = 0; second < 20; second++)
      give({ type: 'sample', data: { powerW: 300 + second } });
    await when(isAccepted);
    await process.kill();
    const { unsaved } = session.view();
    session.close();
    await redis.restart({ keepData: false });
    await process.start();
    const resumeUrl = resumeUrlOfAnother(process.url, session.sessionId);
    const other = await connect({ session: workout, resumeUrl, WebSocket, random: () => 0.02 });
    cleanups.push(() => other.close());
    const { state } = other.view();
    const savedCount = given.length - unsaved;
    while (given.length > savedCount && !isDeepStrictEqual(state, expected())) given.pop();
    expect(state).toEqual(expected());
    expect(given.length).toBeGreaterThanOrEqual(21);
  });

  test('[C6] [R8] but not the instance: nothing is lost, it still knows what it accepted', async () => {
    const server = await started({ checkpointMs: 3_600_000 });
    const created = await createSession(server.url);
    const device = await attach(created);
    device.send(addsFrame(1, 1, 2, 3));
    expect(await device.nextOf('entries')).toMatchObject({ accepted: 3, checkpointed: 0 });
    device.socket.terminate();
    await emptyRedis(server);
    const resumeUrl = resumeUrlOfAnother(server.url, created.session_id);
    const other = await connect({ session: tally, resumeUrl, WebSocket, random: () => 0.02 });
    cleanups.push(() => other.close());
    expect(amountsOf(other.view())).toEqual([1, 2, 3]);
  });
});

describe('what a client is asked when no store knows its session', () => {
  const forgotten = async (input = { bound: 7 }) => {
    const server = await started();
    const created = await createSession(server.url, { input });
    await inPostgres(server, losePostgres);
    const client = await openSocket(created.resume_url);
    client.send(hello(created));
    await client.nextOf('forgotten');
    return { client, created };
  };

  test('[R12] what it began with: the session begins again from that, under an epoch of its own', async () => {
    const { client, created } = await forgotten();
    client.send({ type: 'remind', input: { bound: 7 }, origin: created.origin });
    const welcome = await client.nextOf('welcome');
    expect(welcome).toMatchObject({ accepted: 0, head: 1 });
    expect(welcome.epoch).not.toBe('0');
    expect((await client.nextOf('snapshot')).snapshot.state).toMatchObject({ bound: 7, total: 0 });
  });

  test('[R12] nobody can say that it began otherwise', async () => {
    const { client, created } = await forgotten();
    client.send({ type: 'remind', input: { bound: 0 }, origin: created.origin });
    expect(await client.closed).toMatchObject({
      code: 4003,
      reason: 'origin-invalid: It did not begin so.',
    });
  });

  test('[R12] a client that does not know waits for one that does', async () => {
    const { client } = await forgotten();
    client.send({ type: 'remind' });
    expect(await client.closed).toMatchObject({ code: 4101 });
  });

  test('[R12] [R9] one whose time would be over is not begun again', async () => {
    const { client, created } = await forgotten();
    const origin = { sessionId: created.session_id, kind: 'tally', input: { bound: 7 } };
    const longAgo = originProofs(signingKeys([testSecret])).issue(
      origin,
      Date.now() - retentionMs - 1_000,
    );
    client.send({ type: 'remind', input: { bound: 7 }, origin: longAgo });
    expect(await client.closed).toMatchObject({ code: 4004 });
  });

  test('[R12] [H2] nobody is reminded unasked', async () => {
    const server = await started();
    const client = await openSocket((await createSession(server.url)).resume_url);
    client.send({ type: 'remind', input: { bound: 7 } });
    expect(await client.closed).toMatchObject({ code: 4001 });
  });

  test('[R12] one reminder is taken: a second one on the connection is an error', async () => {
    const { client, created } = await forgotten();
    const reminder = { type: 'remind', input: { bound: 7 }, origin: created.origin };
    client.send(reminder);
    client.send(reminder);
    expect(await client.closed).toMatchObject({ code: 4001 });
  });
});

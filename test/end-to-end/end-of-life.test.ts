import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { connect } from '../../client/connect.ts';
import { memoryStorage, type SessionStorage } from '../../client/session-storage.ts';
import { resumeTokens } from '../../server/auth/resume-tokens.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';
import { retentionMs } from '../../shared/protocol/limits.ts';
import { workout } from '../../shared/workout/workout.ts';
import { startServer, testSecret, type LiveServer } from '../support/live-server.ts';
import { startRider } from '../support/rider.ts';
import { startServerProcess } from '../support/server-process.ts';
import { freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { tally, type TallyState } from '../support/tally.ts';
import { isSaved, when } from '../support/watching.ts';

const cleanups: (() => unknown)[] = [];
let waiting = new AbortController();
beforeEach(() => {
  waiting = new AbortController();
});
afterEach(async () => {
  waiting.abort();
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Over at a hundred, and takes what comes late all the same. */
const lenient = {
  ...tally,
  kind: 'lenient',
  isEnded: ({ total }: TallyState) => total >= 100,
};
const day = 86_400_000;
/** No sooner than a busy machine may take to say that somebody is there. */
const endOfLife = { archiveAfterMs: 600, abandonedAfterMs: 7 * day, tombstoneMs: 365 * day };

interface Stores {
  readonly postgres: string;
  readonly redis?: string | undefined;
}

/** What the stores have of a session, and their clock, in the test's hands. */
async function inspected({ postgres, redis }: Stores) {
  const pool = new Pool({ connectionString: postgres, max: 2 });
  pool.on('error', () => {});
  cleanups.push(() => pool.end());
  const client = redis === undefined ? undefined : new Redis(redis);
  cleanups.push(() => client?.disconnect());
  const ask = async (sql: string, ...values: unknown[]) =>
    (await pool.query<Record<string, unknown>>(sql, values)).rows;
  const isArchived = async (id: string): Promise<boolean> => {
    const [row] = await ask(
      'select archived_by = owner_id as it_is from trackstand.sessions where session_id = $1',
      id,
    );
    return row?.['it_is'] === true;
  };
  /** Nobody has been there for that long. */
  const age = (id: string, idleMs: number) =>
    ask(
      `update trackstand.sessions set expires_at = now() + $2::float8 * interval '1 ms' where session_id = $1`,
      id,
      retentionMs - idleMs,
    );
  return {
    pool,
    ask,
    keysOf: async (id: string) => (await client?.keys(`*${id}*`)) ?? [],
    archived: (id: string) => until(() => isArchived(id)),
    age,
    /** The same, until what comes of it has come: who has just left may be taken for there once more, which undoes it. */
    ageUntil: (id: string, idleMs: number, ask: () => Promise<boolean> = () => isArchived(id)) =>
      until(async () => {
        await age(id, idleMs);
        return ask();
      }),
  };
}

/** Asks, again and again: each question takes its time. */
async function until(ask: () => Promise<boolean>): Promise<void> {
  const { signal } = waiting;
  while (!signal.aborted && !(await ask()));
}

async function served(withRedis: boolean) {
  const server = await startServer({
    withoutRedis: !withRedis,
    sessions: [tally, lenient, workout],
    detachedGraceMs: 0,
    endOfLife,
  });
  cleanups.push(() => server.stop());
  return { server, stores: await inspected(server.stores) };
}

async function device(
  { url }: Pick<LiveServer, 'url'>,
  storage: SessionStorage,
  resumeUrl?: string,
) {
  const input = { bound: 1_000 };
  const session = await connect({ url, session: lenient, input, WebSocket, storage, resumeUrl });
  cleanups.push(() => session.close());
  return session;
}

/** Another device of the same session. */
function addressFor({ url }: Pick<LiveServer, 'url'>, sessionId: string, clientId: string): string {
  const token = resumeTokens(signingKeys([testSecret])).issue(sessionId, clientId, 1);
  return `${url}/v1/sessions/${sessionId}/clients/${clientId}#${token}`;
}

async function read(resumeUrl: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const { href, hash } = new URL(resumeUrl);
  const headers = { authorization: `Bearer ${hash.slice(1)}` };
  const response = await fetch(href.replace(hash, ''), { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The device was used without a network: commands are in its storage alone. */
async function giveOffline(storage: SessionStorage, ...amounts: readonly number[]): Promise<void> {
  const kept = await storage.load();
  if (kept === undefined) throw new Error('There is no session.');
  const { session, commands } = kept;
  const added = amounts.map((amount) => ['add', { amount }, 1_000] as [string, unknown, number]);
  await storage.addCommands(session.incarnation, commands.length + 1, added);
}

describe.each([{ withRedis: true }, { withRedis: false }])(
  'the end of a session, %o',
  ({ withRedis }) => {
    test('[L1] [L2] finished, archived, forgotten by Redis, read by another device; weeks later the first one delivers its tail once', async () => {
      const { server, stores } = await served(withRedis);
      const [first, second] = [memoryStorage(), memoryStorage()];
      const one = await device(server, first);
      one.send('add', { amount: 1 });
      await when(one, isSaved);
      one.close();
      await giveOffline(first, 2, 3, 4);
      const { sessionId } = one;
      const other = addressFor(server, sessionId, 'client-of-the-second-one');
      const two = await device(server, second, other);
      two.send('add', { amount: 99 });
      await when(two, ({ isFinal }) => isFinal);
      // The final receipt: what this device gave is not kept here any more; what it shows is.
      expect(await second.load()).toMatchObject({
        commands: [],
        session: { forgottenCount: 1, snapshot: { state: { total: 100 } } },
      });
      two.close();
      await stores.archived(sessionId);
      expect(await stores.keysOf(sessionId)).toEqual([]);
      const third = addressFor(server, sessionId, 'client-of-the-third-one-');
      expect(await read(third)).toMatchObject({
        status: 200,
        body: { state: { total: 100 }, ended: { reason: 'finished' } },
      });
      await stores.age(sessionId, 20 * day);
      const back = await device(server, first);
      const view = await when(back, ({ isFinal }) => isFinal);
      expect(view).toMatchObject({
        state: { total: 109 },
        unsaved: 0,
        receipt: { lost: 0, result: 'rebuilt' },
      });
      expect(view.state.added.map(([, amount]) => amount)).toEqual([1, 99, 2, 3, 4]);
      back.close();
      await stores.archived(sessionId);
      expect(await stores.keysOf(sessionId)).toEqual([]);
      const [rows] = await stores.ask(
        `select (select count(*)::int from trackstand.session_log where session_id = $1) as log,
          (select count(*)::int from trackstand.session_archive where session_id = $1) as archive`,
        sessionId,
      );
      expect(rows).toEqual({ log: 1, archive: 2 });
    });

    test('[R10] a finished session is read as finished while its device is still there, too', async () => {
      const { server } = await served(withRedis);
      const one = await device(server, memoryStorage());
      one.send('add', { amount: 100 });
      await when(one, ({ isFinal }) => isFinal);
      const other = addressFor(server, one.sessionId, 'client-of-the-second-one');
      expect(await read(other)).toMatchObject({
        status: 200,
        body: { state: { total: 100 }, ended: { reason: 'finished' } },
      });
    });

    test('[L5] what comes after a workout was finished elsewhere is recorded, counted, told, and stays with its device', async () => {
      const { server, stores } = await served(withRedis);
      const storage = memoryStorage();
      const away = await startRider(server.url, { storage });
      away.give({ type: 'start', data: {} });
      await away.when(isSaved);
      away.session.close();
      const { sessionId } = away.session;
      const finishing = await connect({
        session: workout,
        resumeUrl: addressFor(server, sessionId, 'client-of-the-second-one'),
        WebSocket,
      });
      finishing.send('finish', {});
      await when(finishing, ({ isFinal }) => isFinal);
      finishing.close();
      await stores.archived(sessionId);
      const kept = await storage.load();
      if (kept === undefined) throw new Error('There is no session.');
      const samples = [200, 210, 220].map(
        (powerW) => ['sample', { powerW }, Date.now()] as [string, unknown, number],
      );
      await storage.addCommands(kept.session.incarnation, 2, samples);
      const back = await connect({ session: workout, storage, WebSocket });
      cleanups.push(() => back.close());
      const { receipt, unsaved } = await when(back, ({ isFinal }) => isFinal);
      expect(receipt).toMatchObject({ lost: 3 });
      expect(unsaved).toBe(0);
      const after = await storage.load();
      expect(after?.commands).toHaveLength(4);
      expect(after?.session.snapshot.writers.map(({ lost }) => lost)).toEqual([3, undefined]);
      // What has been told is not told again.
      back.close();
      const again = await connect({ session: workout, storage, WebSocket });
      cleanups.push(() => again.close());
      expect((await when(again, ({ isFinal }) => isFinal)).receipt).toMatchObject({ lost: 0 });
    });

    test('[L3] a session nobody comes back to is abandoned, and goes on when somebody does', async () => {
      const { server, stores } = await served(withRedis);
      const storage = memoryStorage();
      const session = await device(server, storage);
      session.send('add', { amount: 1 });
      await when(session, isSaved);
      session.close();
      const { sessionId } = session;
      await giveOffline(storage, 2);
      await stores.ageUntil(sessionId, 8 * day);
      expect(await stores.keysOf(sessionId)).toEqual([]);
      const other = addressFor(server, sessionId, 'client-of-the-second-one');
      expect((await read(other)).body).toMatchObject({ ended: { reason: 'abandoned' } });
      const back = await device(server, storage);
      back.send('add', { amount: 3 });
      expect(await when(back, isSaved)).toMatchObject({
        state: { total: 6 },
        isFinal: false,
        receipt: { lost: 0 },
      });
      expect((await read(other)).body).not.toHaveProperty('ended');
    });

    test('[L4] a session whose time is over is deleted; a device that comes even later is told what of its commands was taken', async () => {
      const { server, stores } = await served(withRedis);
      const storage = memoryStorage();
      const session = await device(server, storage);
      session.send('add', { amount: 1 });
      await when(session, isSaved);
      session.close();
      const { sessionId, clientId } = session;
      await giveOffline(storage, 2, 3);
      const rowsOf = () =>
        stores.ask('select 1 from trackstand.sessions where session_id = $1', sessionId);
      await stores.ageUntil(sessionId, 40 * day, async () => (await rowsOf()).length === 0);
      expect(await stores.keysOf(sessionId)).toEqual([]);
      const late = await device(server, storage);
      const view = await when(late, ({ status }) => status === 'stopped');
      expect(view).toMatchObject({
        stopReason: 'session-gone',
        receipt: { lost: 2, result: 'gone' },
      });
      const kept = await storage.load();
      expect(kept?.commands).toHaveLength(3);
      const { incarnation } = kept?.session ?? {};
      expect(await read(addressFor(server, sessionId, clientId))).toMatchObject({
        status: 410,
        body: {
          code: 'session-gone',
          ended: { reason: 'abandoned' },
          accepted: [{ incarnation, accepted: 1 }],
        },
      });
      expect(await read(addressFor(server, 'a-session-nobody-ever-began', clientId))).toMatchObject(
        { status: 404, body: { code: 'session-unknown' } },
      );
    });
  },
);

describe('an archiving that is interrupted', () => {
  test('[L2] kill -9 after Redis forgot and before Postgres archived: nothing is missing, and it is archived later', async () => {
    const urls = { postgres: (await freshPostgres()).url, redis: (await freshRedis()).url };
    const settings = { ARCHIVE_AFTER_MS: '200', DETACHED_GRACE_MS: '0' };
    const process = await startServerProcess(urls, settings);
    cleanups.push(() => process.stop());
    const stores = await inspected(urls);
    const storage = memoryStorage();
    const rider = await startRider(process.url, { storage });
    const { sessionId } = rider.session;
    const holder = await stores.pool.connect();
    await holder.query('begin; lock table trackstand.session_archive in access exclusive mode');
    rider.give({ type: 'start', data: {} });
    for (let second = 0; second < 20; second++)
      rider.give({ type: 'sample', data: { powerW: 200 + second } });
    rider.give({ type: 'finish', data: {} });
    await rider.when(({ isFinal }) => isFinal);
    rider.session.close();
    const waiting = `select pid from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%session_archive%'`;
    await until(async () => (await stores.ask(waiting)).length > 0);
    expect(await stores.keysOf(sessionId)).toEqual([]);
    await process.kill();
    await stores.ask(`select pg_terminate_backend(pid) from (${waiting}) w`);
    await until(async () => (await stores.ask(waiting)).length === 0);
    await holder.query('rollback');
    holder.release();
    await process.start();
    const resumeUrl = addressFor(process, sessionId, 'client-of-the-second-one');
    expect((await read(resumeUrl)).body).toMatchObject({ state: { phase: 'finished' } });
    const other = await connect({ session: workout, resumeUrl, WebSocket });
    cleanups.push(() => other.close());
    expect((await when(other, ({ isFinal }) => isFinal)).state).toEqual(rider.expected());
    other.close();
    await stores.archived(sessionId);
    const [row] = await stores.ask(
      'select count(*)::int as count from trackstand.session_log where session_id = $1',
      sessionId,
    );
    expect(row).toEqual({ count: 1 });
  });
});

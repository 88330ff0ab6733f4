import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { connect } from '../../client/connect.ts';
import { memoryStorage, type SessionStorage } from '../../client/session-storage.ts';
import { postgresJournal } from '../../server/store/postgres/postgres-journal.ts';
import { retentionMs } from '../../shared/protocol/limits.ts';
import { newIncarnation, openSocket } from '../support/raw-client.ts';
import { tally } from '../support/tally.ts';
import { isSaved, when, type Watched } from '../support/watching.ts';
import { goodPassword, startAccountServer, type AccountServer } from './account-server.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(
  options: Parameters<typeof startAccountServer>[0] = {},
): Promise<AccountServer> {
  const server = await startAccountServer(options);
  cleanups.push(() => server.stop());
  return server;
}

async function stores({ stores: { postgres, redis } }: AccountServer) {
  const pool = new Pool({ connectionString: postgres, max: 2 });
  const client = new Redis(redis ?? '');
  cleanups.push(
    () => pool.end(),
    () => client.disconnect(),
  );
  const rows = async (sql: string, ...values: unknown[]) =>
    (await pool.query<Record<string, unknown>>(sql, values)).rows;
  return { pool, redis: client, rows };
}

const input = { bound: 1_000 };

interface Begun {
  readonly session_id: string;
  readonly client_id: string;
  readonly resume_url: string;
  readonly origin: string;
}

async function begin(server: AccountServer, access?: string): Promise<Begun> {
  const body = { kind: 'tally', input };
  const answer = await server.ask('POST', '/v1/sessions', { body, ...(access && { access }) });
  expect(answer.status).toBe(201);
  return answer.body as unknown as Begun;
}

/** A device as an app has it: what the session began with is in its storage, to remind a server that forgot. */
async function device(server: AccountServer, storage: SessionStorage, access?: string) {
  const signedIn: typeof fetch = (url, init) => {
    const headers = new Headers(init?.headers);
    if (access !== undefined) headers.set('authorization', `Bearer ${access}`);
    return fetch(url, { ...init, headers });
  };
  const parts = { session: tally, input, storage, WebSocket, fetch: signedIn };
  const session = await connect({ url: server.url, ...parts });
  cleanups.push(() => session.close());
  return session;
}

const remove = (server: AccountServer, access: string) =>
  server.ask('DELETE', '/v1/accounts/me', { access, body: { password: goodPassword } });

const stopped = (session: Watched<unknown>) => when(session, ({ status }) => status === 'stopped');
const deleted = { stopReason: 'session-gone', receipt: { lost: 0, result: 'deleted' } };

describe('when an account is deleted', () => {
  test('[L6] its sessions end on every instance, for who writes and for who only listens, and both stores forget them', async () => {
    const one = await start();
    const { postgres, redis } = one.stores;
    const other = await start({ postgres, redis });
    const { access, accountId } = await one.register('ada@example.com');
    const here = await device(one, memoryStorage(), access);
    const there = await device(other, memoryStorage(), access);
    const listening = await device(other, memoryStorage(), access);
    const trial = await device(one, memoryStorage());
    for (const session of [here, there, listening, trial]) {
      session.send('add', { amount: 1 });
      await when(session, isSaved);
    }
    const ends = Promise.all([here, there, listening].map(stopped));
    expect((await remove(one, access)).status).toBe(204);
    there.send('add', { amount: 1 });
    for (const end of await ends) expect(end).toMatchObject(deleted);
    const { redis: client, rows } = await stores(one);
    const keys = await client.keys('ts:{*');
    expect(keys.filter((key) => !key.includes(trial.sessionId))).toEqual([]);
    expect(keys.length).toBeGreaterThan(0);
    for (const table of ['sessions', 'session_log', 'session_archive', 'session_grants'])
      expect(
        await rows(
          `select session_id from trackstand.${table} where session_id <> $1`,
          trial.sessionId,
        ),
      ).toEqual([]);
    expect(await rows('select 1 from trackstand.logins where account_id = $1', accountId)).toEqual(
      [],
    );
    const tombstones = await rows('select end_reason, writers from trackstand.tombstones');
    const tombstone = { end_reason: 'deleted', writers: [] };
    expect(tombstones).toEqual([tombstone, tombstone, tombstone]);
    trial.send('add', { amount: 1 });
    expect((await when(trial, isSaved)).state).toMatchObject({ total: 2 });
  });

  test('[L6] a device that was away is told when it comes back, and what it remembers brings nothing back', async () => {
    const server = await start();
    const { access } = await server.register('ada@example.com');
    const storage = memoryStorage();
    const session = await device(server, storage, access);
    session.send('add', { amount: 1 });
    await when(session, isSaved);
    session.close();
    const kept = await storage.load();
    expect(kept?.session.origin).toEqual(expect.any(String));
    await remove(server, access);
    const back = await device(server, storage);
    const settled = await when(back, ({ status }) => ['stopped', 'connected'].includes(status));
    expect(settled).toMatchObject(deleted);
    const { sessionId, clientId, token } = kept?.session ?? {};
    const path = `/v1/sessions/${sessionId}/clients/${clientId}`;
    const read = await server.ask('GET', path, { access: token ?? '' });
    expect([read.status, read.body]).toEqual([
      410,
      expect.objectContaining({
        code: 'session-gone',
        ended: { reason: 'deleted', at: expect.stringMatching(/Z$/) },
        accepted: [],
      }),
    ]);
  });

  test('[L6] [R12] a reminder nobody asked for, and a Redis that was away meanwhile, bring nothing back', async () => {
    const server = await start();
    const { access } = await server.register('ada@example.com');
    const begun = await begin(server, access);
    const { session_id: sessionId, resume_url: resumeUrl, origin } = begun;
    const hello = { type: 'hello', incarnation: newIncarnation(), kind: 'tally', version: 1 };
    const token = new URL(resumeUrl).hash.slice(1);
    const first = await openSocket(resumeUrl);
    first.send({ ...hello, token });
    await first.nextOf('live');
    const { redis, pool, rows } = await stores(server);
    const keys = await redis.keys(`*${sessionId}*`);
    const held = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
    await remove(server, access);
    expect((await first.closed).code).toBe(4110);
    await Promise.all(keys.map((key, place) => redis.restore(key, 0, held[place] ?? '')));
    expect(keys.length).toBeGreaterThan(0);
    const second = await openSocket(resumeUrl);
    second.send({ ...hello, token });
    second.send({ type: 'remind', input, origin });
    expect((await second.closed).code).toBe(4001);
    const third = await openSocket(resumeUrl);
    third.send({ ...hello, token });
    expect(await third.nextOf('gone')).toMatchObject({ reason: 'deleted', accepted: 0 });
    expect((await third.closed).code).toBe(4005);
    // Not even who gets past all that: the store itself refuses.
    const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
    const again = { sessionId, epoch: 'e9', snapshot, retentionMs };
    await postgresJournal(pool).create(again);
    expect(
      await rows('select 1 from trackstand.sessions where session_id = $1', sessionId),
    ).toEqual([]);
  });

  test('[L6] it stays known for as long as an origin is good, however short tombstones are kept', async () => {
    const endOfLife = { archiveAfterMs: 600_000, abandonedAfterMs: 600_000, tombstoneMs: 0 };
    const server = await start({ endOfLife });
    const { access } = await server.register('ada@example.com');
    await begin(server, access);
    await remove(server, access);
    const { rows } = await stores(server);
    const days =
      'select extract(epoch from expires_at - now()) / 86400 as days from trackstand.tombstones';
    const [row] = await rows(days);
    expect(Number(row?.['days'])).toBeGreaterThan(29.9);
  });

  test('a session begun at the same moment is the account’s and buried with it, or nobody’s and never told of', async () => {
    const server = await start();
    const { rows } = await stores(server);
    for (let round = 0; round < 12; round++) {
      const { access, accountId } = await server.register(`ada-${round}@example.com`);
      const body = { kind: 'tally', input };
      const [removed, ...begun] = await Promise.all([
        remove(server, access),
        ...Array.from({ length: 3 }, () => server.ask('POST', '/v1/sessions', { body, access })),
      ]);
      expect(removed?.status).toBe(204);
      for (const { status, body: told } of begun) {
        expect([201, 401, 503]).toContain(status);
        if (status !== 201) continue;
        const { session_id: id } = told as unknown as Begun;
        const buried = 'select end_reason from trackstand.tombstones where session_id = $1';
        expect(await rows(buried, id)).toEqual([{ end_reason: 'deleted' }]);
      }
      const left = 'select session_id from trackstand.sessions where account_id = $1';
      expect(await rows(left, accountId)).toEqual([]);
    }
  });
});

import { Pool } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { connect } from '../../client/connect.ts';
import { tally, type TallyState } from '../support/tally.ts';
import { isSaved, when, type Watched } from '../support/watching.ts';
import { startAccountServer, type AccountServer } from './account-server.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const ending = { ...tally, isEnded: ({ total }: TallyState) => total >= 100 };

async function start(
  options: Parameters<typeof startAccountServer>[0] = {},
): Promise<AccountServer> {
  const server = await startAccountServer({ sessions: [ending], ...options });
  cleanups.push(() => server.stop());
  return server;
}

/** A session of Ada's, with something in it. */
async function ridden(server: AccountServer) {
  const { access } = await server.register('ada@example.com');
  const stranger = await server.register('bob@example.com');
  const body = { kind: 'tally', input: { bound: 1_000 } };
  const begun = await server.ask('POST', '/v1/sessions', { body, access });
  const session = await connect({
    session: ending,
    resumeUrl: String(begun.body['resume_url']),
    WebSocket,
  });
  cleanups.push(() => session.close());
  session.send('add', { amount: 60 });
  await when(session, isSaved);
  const place = `/v1/accounts/me/sessions/${session.sessionId}`;
  const ask = (method: string, path = '', more: object = {}) =>
    server.ask(method, `${place}${path}`, { access, ...more });
  const listed = async () => {
    const { body: list } = await server.ask('GET', '/v1/accounts/me/sessions', { access });
    return list['sessions'] as readonly Record<string, unknown>[];
  };
  return { session, ask, listed, owner: { access }, stranger: { access: stranger.access } };
}

const stopped = (session: Watched<unknown>) => when(session, ({ status }) => status === 'stopped');
const unknown = [404, 'session-unknown'];

describe('a session of an account', () => {
  test('[R10] is read with everything that happened in it, by no client of it, and by its account alone', async () => {
    const server = await start();
    const { session, ask, stranger } = await ridden(server);
    const read = await ask('GET');
    expect(read.body).toMatchObject({
      session_id: session.sessionId,
      kind: 'tally',
      state: { total: 60 },
    });
    expect(read.body).not.toHaveProperty('ended');
    const { body } = await ask('GET', '/entries');
    const entries = body['entries'] as readonly { offset: number; events?: unknown }[];
    expect(entries.map(({ offset }) => offset)).toEqual(entries.map((_, index) => index + 1));
    expect(entries.flatMap(({ events }) => events ?? [])).toMatchObject([
      ['added', { amount: 60 }],
    ]);
    for (const path of ['', '/entries']) {
      const refused = await ask('GET', path, stranger);
      expect([refused.status, refused.body['code']]).toEqual(unknown);
    }
  });

  test('[L2] is read once it is archived as it was before', async () => {
    const day = 86_400_000;
    const endOfLife = { archiveAfterMs: 200, abandonedAfterMs: 7 * day, tombstoneMs: 365 * day };
    const server = await start({ endOfLife });
    const pool = new Pool({ connectionString: server.stores.postgres, max: 1 });
    cleanups.push(() => pool.end());
    const { session, ask, listed } = await ridden(server);
    const added = (await ask('GET', '/entries')).body['entries'] as readonly unknown[];
    session.send('add', { amount: 40 });
    await when(session, isSaved);
    session.close();
    const archived = () => pool.query('select 1 from trackstand.session_archive');
    await expect
      .poll(async () => (await archived()).rowCount, { timeout: 60_000 })
      .toBeGreaterThan(0);
    expect(await listed()).toMatchObject([{ ended: { reason: 'finished' } }]);
    expect((await ask('GET')).body).toMatchObject({
      state: { total: 100 },
      ended: { reason: 'finished' },
    });
    const entries = (await ask('GET', '/entries')).body['entries'] as readonly unknown[];
    expect(entries.slice(0, added.length)).toEqual(added);
    expect(entries).toHaveLength(added.length + 1);
  });

  test('has the name its account gives it, on every device', async () => {
    const server = await start();
    const { ask, listed, stranger } = await ridden(server);
    expect((await listed())[0]).not.toHaveProperty('name');
    expect((await ask('PATCH', '', { body: { name: ' Tuesday with Ann ' } })).status).toBe(204);
    expect(await listed()).toMatchObject([{ name: 'Tuesday with Ann' }]);
    const refused = await ask('PATCH', '', { ...stranger, body: { name: 'Mine' } });
    expect([refused.status, refused.body['code']]).toEqual(unknown);
    for (const name of ['  ', 'a\0b', '\ud800', 'x'.repeat(201)])
      expect((await ask('PATCH', '', { body: { name } })).status).toBe(400);
    expect(await listed()).toMatchObject([{ name: 'Tuesday with Ann' }]);
  });

  test('[L6] is deleted by its account alone, and is gone for who rides it', async () => {
    const server = await start();
    const { session, ask, listed, owner, stranger } = await ridden(server);
    const refused = await ask('DELETE', '', stranger);
    expect([refused.status, refused.body['code']]).toEqual(unknown);
    session.send('add', { amount: 1 });
    await when(session, isSaved);
    const other = await server.ask('POST', '/v1/sessions', {
      body: { kind: 'tally', input: { bound: 1_000 } },
      access: stranger.access,
    });
    const another = await server.ask('POST', '/v1/sessions', {
      body: { kind: 'tally', input: { bound: 1_000 } },
      access: owner.access,
    });
    const end = stopped(session);
    expect((await ask('DELETE')).status).toBe(204);
    expect(await end).toMatchObject({ stopReason: 'session-gone' });
    // No other of the account's goes with it, and nobody else's.
    expect(await listed()).toMatchObject([{ session_id: another.body['session_id'] }]);
    expect(await listed()).toHaveLength(1);
    expect((await ask('DELETE')).status).toBe(404);
    expect((await ask('GET')).body['code']).toBe('session-unknown');
    const theirs = await server.ask('GET', '/v1/accounts/me/sessions', stranger);
    expect(theirs.body['sessions']).toMatchObject([{ session_id: other.body['session_id'] }]);
  });

  test('is read whole only so often', async () => {
    const historyByAccount = { name: 'history-account', burst: 1, eachMs: 600_000 };
    const { ask } = await ridden(await start({ rates: { historyByAccount } }));
    expect((await ask('GET', '/entries')).status).toBe(200);
    const refused = await ask('GET', '/entries');
    expect([refused.status, refused.body['code']]).toEqual([429, 'too-many-tries']);
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  });
});

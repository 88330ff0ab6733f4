import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { resumeTokens } from '../../server/auth/resume-tokens.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';
import { startServer, testSecret, type LiveServer } from '../support/live-server.ts';
import {
  adds,
  attach,
  createSession,
  hello,
  newIncarnation,
  openSocket,
  type Created,
} from '../support/raw-client.ts';
import { startRouter } from '../support/tcp-router.ts';

let server: LiveServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const tokens = resumeTokens(signingKeys([testSecret]));
const tokenOf = (created: Created): string => new URL(created.resume_url).hash.slice(1);

async function ask(created: Created, method: 'GET' | 'DELETE', token = tokenOf(created)) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(created.resume_url, { method, headers });
  const text = await response.text();
  const { code } = (text === '' ? {} : JSON.parse(text)) as { code?: string };
  return { status: response.status, code };
}

async function refusedHello(created: Created, token: string) {
  const client = await openSocket(created.resume_url);
  client.send(hello(created, { token }));
  return client.closed;
}

/** Another client of the same session. */
function beside(created: Created): Created {
  const { session_id, resume_url } = created;
  const client_id = 'another-device-00000001';
  const token = tokens.issue(session_id, client_id, 1);
  const { origin: base } = new URL(resume_url);
  const path = `/v1/sessions/${session_id}/clients/${client_id}`;
  return { ...created, client_id, resume_url: `${base}${path}#${token}` };
}

const gone = { status: 401, code: 'token-revoked' };

describe('giving a right up', () => {
  test('[A7] the connection is closed with 4003, no token works any more, and other clients go on', async () => {
    const created = await createSession(server.url);
    const other = beside(created);
    const mine = await attach(created);
    const theirs = await attach(other, { incarnation: newIncarnation() });
    expect(await ask(created, 'DELETE')).toEqual({ status: 204, code: undefined });
    expect(await mine.closed).toMatchObject({
      code: 4003,
      reason: expect.stringMatching(/^token-revoked/),
    });
    const { session_id, client_id } = created;
    for (const generation of [1, 2, 31, 9_999_999_999]) {
      const token = tokens.issue(session_id, client_id, generation);
      expect(await refusedHello(created, token)).toMatchObject({
        code: 4003,
        reason: expect.stringMatching(/^token-revoked/),
      });
      expect(await ask(created, 'GET', token)).toEqual(gone);
    }
    theirs.send(adds(1, 5));
    expect(await theirs.nextOf('entries')).toMatchObject({ entries: [{ joined: { client_id } }] });
    expect(await theirs.nextOf('entries')).toMatchObject({ accepted: 1 });
  });

  test('[A7] a client that never attached gives its right up too, and asking twice is fine', async () => {
    const created = await createSession(server.url);
    for (let round = 0; round < 2; round++) expect((await ask(created, 'DELETE')).status).toBe(204);
    expect(await ask(created, 'GET')).toEqual(gone);
  });

  test('[A7] the end of a right survives the loss of Redis', async () => {
    const created = await createSession(server.url);
    await attach(created);
    await ask(created, 'DELETE');
    const { postgres } = server.stores;
    const later = await startServer({ postgres, withoutRedis: true });
    cleanups.push(() => later.stop());
    const there = { ...created, resume_url: created.resume_url.replace(server.url, later.url) };
    expect(await ask(there, 'GET')).toEqual(gone);
    expect(await refusedHello(there, tokenOf(created))).toMatchObject({ code: 4003 });
  });

  test('[A7] a retired token puts nobody out', async () => {
    const created = await createSession(server.url);
    const [welcome] = (await attach(created)).greeting;
    const successor = welcome?.type === 'welcome' ? welcome.token : '';
    const client = await attach(created, { token: successor });
    expect(await ask(created, 'DELETE')).toEqual({ status: 401, code: 'token-retired' });
    client.send({ type: 'ping', n: 1 });
    expect(await client.nextOf('pong')).toEqual({ type: 'pong', n: 1 });
  });

  test('[A2] without a token of this client nothing is given up', async () => {
    const created = await createSession(server.url);
    const other = await createSession(server.url);
    expect((await fetch(created.resume_url, { method: 'DELETE' })).status).toBe(401);
    expect((await ask(created, 'DELETE', tokenOf(other))).status).toBe(401);
    expect((await ask(created, 'DELETE', tokenOf(beside(created)))).status).toBe(401);
    expect((await ask(created, 'GET')).status).toBe(200);
  });
});

describe('keys', () => {
  const [first, second, third] = ['1', '2', '3'].map((key) => key.repeat(32)) as [
    string,
    string,
    string,
  ];

  test('[A8] two rotations with a rider connected log nobody out, and the oldest key can go', async () => {
    let current = await startServer({ secret: first });
    const stores = { postgres: current.stores.postgres, redis: current.stores.redis };
    const router = await startRouter(current.url);
    cleanups.push(() => router.stop());
    const rider = await createSession(router.url);
    const absent = await createSession(router.url);
    let token = tokenOf(rider);
    let seq = 0;
    const ride = async (): Promise<void> => {
      const client = await attach(rider, { token, accepted: seq });
      const [welcome] = client.greeting;
      client.send(adds(++seq, 1));
      await client.nextOf('entries');
      token = welcome?.type === 'welcome' ? welcome.token : '';
    };
    await ride();
    // Every instance knows the next key before any signs with it.
    for (const secret of [
      [first, second],
      [second, first],
      [second, third, first],
      [third, second],
    ]) {
      const next = await startServer({ ...stores, secret });
      router.route(next.url);
      await current.stop();
      current = next;
      await ride();
    }
    cleanups.push(() => current.stop());
    expect(seq).toBe(5);
    // Who was away since before the first key was dropped has nothing that counts.
    expect(await refusedHello(absent, tokenOf(absent))).toMatchObject({ code: 4003 });
  });
});

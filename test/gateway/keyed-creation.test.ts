import { createHash } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startServer, type LiveServer } from '../support/live-server.ts';
import { adds, attach, createSession, newIncarnation } from '../support/raw-client.ts';

let server: LiveServer;
let other: LiveServer;
beforeAll(async () => {
  server = await startServer();
  other = await startServer({ ...server.stores, secret: 'another secret of thirty-two chars!' });
});
afterAll(async () => {
  await other.stop();
  await server.stop();
});

const client_id = 'device-of-mine-0000000001';
const asked = () => ({ client_id, key: newIncarnation() });

describe('a session that is asked for by a key', () => {
  test('[R13] is the same one however often it is asked for, by whichever instance, also across a change of keys', async () => {
    const body = asked();
    const first = await createSession(server.url, body);
    const again = await createSession(server.url, body);
    expect([again.session_id, again.resume_url]).toEqual([first.session_id, first.resume_url]);
    const elsewhere = await createSession(other.url, body);
    expect([elsewhere.session_id, elsewhere.client_id]).toEqual([first.session_id, client_id]);
  });

  test('[R13] may be there already, and so is never told that it is over soon', async () => {
    const headers = { 'content-type': 'application/json', 'trackstand-trial': '1' };
    const leftMs = async (more: object): Promise<number> => {
      const body = JSON.stringify({ kind: 'tally', input: { bound: 1_000_000 }, ...more });
      const asking = { method: 'POST', headers, body };
      const answer = await fetch(`${server.url}/v1/sessions`, asking);
      const { expires_at: at } = (await answer.json()) as { expires_at: string };
      return Date.parse(at) - Date.now();
    };
    expect(await leftMs({})).toBeLessThan(86_400_000);
    expect(await leftMs(asked())).toBeGreaterThan(86_400_000);
  });

  test('[R13] has the id that its client can tell beforehand', async () => {
    const body = asked();
    const { session_id: sessionId } = await createSession(server.url, body);
    const text = JSON.stringify([body.key, 'tally', client_id, { bound: 1_000_000 }]);
    const digest = createHash('sha256').update(text).digest();
    expect(sessionId).toBe(digest.subarray(0, 16).toString('base64url'));
  });

  test('[R13] is another one for another key, client or input', async () => {
    const body = asked();
    const asks = [
      body,
      { ...body, key: newIncarnation() },
      { ...body, client_id: 'device-of-mine-0000000002' },
      { ...body, input: { bound: 7 } },
    ];
    const created = await Promise.all(asks.map((ask) => createSession(server.url, ask)));
    expect(new Set(created.map(({ session_id: id }) => id)).size).toBe(4);
  });

  test('[R13] goes on as it is when it is asked for again, and its first token is retired as ever', async () => {
    const body = asked();
    const created = await createSession(server.url, body);
    const client = await attach(created);
    client.send(adds(1, 40, 2));
    await client.nextOf('entries');
    const again = await createSession(server.url, body);
    const [, snapshot] = (await attach(again)).greeting;
    expect(snapshot).toMatchObject({ snapshot: { state: { total: 42 } } });
    const [welcome] = (await attach(again)).greeting;
    await attach(again, { token: welcome?.type === 'welcome' ? welcome.token : '' });
    const late = await createSession(server.url, body);
    const token = new URL(late.resume_url).hash.slice(1);
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(late.resume_url, { headers });
    expect(await answer.json()).toMatchObject({ code: 'token-retired' });
  });

  test.each([
    ['without a client id', { key: 'a-key-of-a-session-000001' }],
    ['that is too short to be a secret', { client_id, key: 'guessable' }],
  ])('[R13] a key %s is answered with 400', async (_name, body) => {
    await expect(createSession(server.url, body)).rejects.toThrow(
      /^400: .*a key needs a client_id/,
    );
  });
});

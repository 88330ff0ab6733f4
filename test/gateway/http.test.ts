import { request } from 'node:http';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { bodyBytesMax } from '../../shared/protocol/limits.ts';
import { startServer, type LiveServer } from '../support/live-server.ts';
import { adds, attach, createSession, epochOf } from '../support/raw-client.ts';

/** `fetch` does not let a Host be set. */
function fetchWithHost(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host, 'content-type': 'application/json' };
    const sent = request(`${url}/v1/sessions`, { method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ kind: 'tally', input: { bound: 1 } }));
  });
}

let server: LiveServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const post = (body: string, type = 'application/json') =>
  fetch(`${server.url}/v1/sessions`, { method: 'POST', headers: { 'content-type': type }, body });

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  return (await response.json()) as { code: string; status: number; detail?: string };
}

describe('creating a session', () => {
  test('[A1] the answer names the session in the path and has its secret in the fragment only', async () => {
    const created = await createSession(server.url);
    const { pathname, search, hash } = new URL(created.resume_url);
    expect(pathname).toBe(`/v1/sessions/${created.session_id}/clients/${created.client_id}`);
    expect(search).toBe('');
    expect(hash).toMatch(/^#t1\.1\.[A-Za-z0-9_-]{43}$/);
    expect(created.session_id).toMatch(/^[A-Za-z0-9_-]{22,36}$/);
    expect(created.client_id).toMatch(/^[A-Za-z0-9_-]{22,36}$/);
    expect(Date.parse(created.expires_at)).toBeGreaterThan(Date.now());
  });

  test('[A1] a client that has an id keeps it', async () => {
    const client_id = 'device-of-mine-0000000001';
    expect(await createSession(server.url, { client_id })).toMatchObject({ client_id });
  });

  test.each([
    ['no JSON', '{'],
    ['no kind', '{"input":{}}'],
    ['an unknown kind', '{"kind":"yoga","input":{}}'],
    ['an input of the wrong shape', '{"kind":"tally","input":{"bound":"high"}}'],
    [
      'a client id of the wrong form',
      '{"kind":"tally","input":{"bound":1},"client_id":"../../etc"}',
    ],
  ])('[P1] %s is answered with 400 bad-request', async (_name, body) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ code: 'bad-request', status: 400 });
  });

  test('[P1] the detail says what is wrong with the input', async () => {
    const response = await post('{"kind":"tally","input":{"bound":"high"}}');
    expect((await problemOf(response)).detail).toMatch(/^input: bound: /);
  });

  test('[P1] what is not there is told as a problem too', async () => {
    const response = await fetch(`${server.url}/v1/nothing`);
    expect(response.status).toBe(404);
    expect(await problemOf(response)).toMatchObject({ code: 'not-found', status: 404 });
  });

  test('[A1] a Host that is none does not get into an address', async () => {
    const response = await fetchWithHost(server.url, 'evil.example#x');
    expect(response).toBe(400);
  });

  test('[B9] a body that is too large is answered with 413', async () => {
    const response = await post(JSON.stringify({ kind: 'x'.repeat(bodyBytesMax) }));
    expect(response.status).toBe(413);
    expect(await problemOf(response)).toMatchObject({ code: 'body-too-large' });
  });
});

describe('reading a session', () => {
  const read = (url: string, token: string) =>
    fetch(url, { headers: { authorization: `Bearer ${token}` } });

  test('[R10] the snapshot comes as JSON to whoever proves the token', async () => {
    const created = await createSession(server.url);
    const client = await attach(created);
    client.send(adds(1, 40, 2));
    await client.nextOf('entries');
    const response = await read(created.resume_url, new URL(created.resume_url).hash.slice(1));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      session_id: created.session_id,
      kind: 'tally',
      version: 1,
      epoch: epochOf(client),
      offset: 3,
      state: { total: 42 },
    });
  });

  test('[A2] without the token, or with another, it is 401', async () => {
    const created = await createSession(server.url);
    const other = await createSession(server.url);
    expect((await fetch(created.resume_url)).status).toBe(401);
    const response = await read(created.resume_url, new URL(other.resume_url).hash.slice(1));
    expect(await problemOf(response)).toMatchObject({ code: 'unauthorized', status: 401 });
  });

  test('[A4] a retired token is 401 token-retired', async () => {
    const created = await createSession(server.url);
    const [welcome] = (await attach(created)).greeting;
    await attach(created, { token: welcome?.type === 'welcome' ? welcome.token : '' });
    const response = await read(created.resume_url, new URL(created.resume_url).hash.slice(1));
    expect(await problemOf(response)).toMatchObject({ code: 'token-retired' });
  });
});

describe('health', () => {
  test('[D1] a server that serves is alive and ready, and says which stores it has', async () => {
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    const ready = await fetch(`${server.url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      status: 'ready',
      phase: 'ready',
      stores: { postgres: 'up', redis: 'up' },
    });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${server.url}/version`)).json()).toEqual({
      name: 'trackstand',
      release: 'dev',
    });
  });
});

import { request } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { startServer, type LiveServer } from '../support/live-server.ts';
import { attach, createSession, hello, openSocket, type Created } from '../support/raw-client.ts';
import { freshRedis } from '../support/services/shared-services.ts';
import { startRouter } from '../support/tcp-router.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function server(options: Parameters<typeof startServer>[0] = {}): Promise<LiveServer> {
  const started = await startServer(options);
  cleanups.push(() => started.stop());
  return started;
}

interface Refusal {
  readonly status: number | undefined;
  readonly retryAfter: string | undefined;
  readonly code: string | undefined;
}

/** Asks for an upgrade, and returns the answer that refused it; rejects when it was granted. */
function refusedUpgrade(url: string, headers: Record<string, string> = {}): Promise<Refusal> {
  const { origin, pathname, search } = new URL(url);
  const socket = new WebSocket(
    `${origin.replace('http', 'ws')}${pathname}${search}`,
    ['trackstand.v1'],
    { headers },
  );
  return new Promise((resolve, reject) => {
    socket.on('open', () => reject(new Error('It was granted.')));
    socket.on('error', () => {});
    socket.on('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('close', () => {
        const { code } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { code: string };
        const retryAfter = response.headers['retry-after'];
        resolve({ status: response.statusCode, retryAfter, code });
      });
    });
  });
}

const opens = async (created: Created, headers: Record<string, string>): Promise<void> => {
  const client = await openSocket(created.resume_url, { headers });
  client.send(hello(created));
  await client.nextOf('live');
  client.socket.terminate();
};

const forbidden = { status: 403, code: 'origin-not-allowed' };

describe('pages of other sites', () => {
  test('[F1] without a public address the host that was asked is the own one, whatever the scheme', async () => {
    const { url } = await server();
    const created = await createSession(url);
    const { host } = new URL(url);
    for (const origin of [`http://${host}`, `https://${host}`]) await opens(created, { origin });
    for (const origin of [
      'https://evil.example',
      'null',
      `http://${host}.evil.example`,
      `http://${host}/`,
      'x',
    ])
      expect(await refusedUpgrade(created.resume_url, { origin })).toMatchObject(forbidden);
  });

  test('[F1] with a public address it and the listed ones are allowed, and no other', async () => {
    const publicUrl = 'https://ride.example/app';
    const allowedOrigins = ['https://coach.example'];
    const { url } = await server({ publicUrl, allowedOrigins });
    const created = await createSession(url);
    const resume_url = created.resume_url.replace('https://ride.example/app', url);
    for (const origin of ['https://ride.example', 'https://coach.example'])
      await opens({ ...created, resume_url }, { origin });
    for (const origin of [url, 'http://ride.example', 'https://ride.example:8443'])
      expect(await refusedUpgrade(resume_url, { origin })).toMatchObject(forbidden);
  });

  test('[F1] a program that is no page sends no Origin and needs the token like everybody', async () => {
    const { url } = await server({ publicUrl: 'https://ride.example' });
    const created = await createSession(url);
    const here = created.resume_url.replace('https://ride.example', url);
    await opens({ ...created, resume_url: here }, {});
    const client = await openSocket(here);
    client.send(hello(created, { token: 'none' }));
    expect(await client.closed).toMatchObject({ code: 4003 });
  });

  test('[F2] an allowed page may read answers, and its preflight says what it may send', async () => {
    const { url } = await server({ allowedOrigins: ['https://coach.example'] });
    const preflight = await fetch(`${url}/v1/sessions`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://coach.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type',
      },
    });
    expect(preflight.status).toBe(204);
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': 'https://coach.example',
      'access-control-allow-headers': 'authorization, content-type',
      vary: 'Origin',
    });
    expect(preflight.headers.has('access-control-allow-credentials')).toBe(false);
    const missing = await fetch(`${url}/v1/sessions/x/clients/y`, {
      headers: { origin: 'https://coach.example' },
    });
    expect(missing.status).toBe(404);
    expect(missing.headers.get('access-control-allow-origin')).toBe('https://coach.example');
  });

  test.each(['GET', 'POST', 'OPTIONS', 'DELETE'])(
    '[F2] %s from a page of another site is answered with 403 and begins nothing',
    async (method) => {
      const { url } = await server();
      const response = await fetch(`${url}/v1/sessions`, {
        method,
        headers: { origin: 'https://evil.example', 'content-type': 'application/json' },
        ...(method === 'POST' ? { body: '{"kind":"tally","input":{"bound":1}}' } : {}),
      });
      expect(response.status).toBe(403);
      expect(response.headers.has('access-control-allow-origin')).toBe(false);
      expect(await response.json()).toMatchObject({ code: 'origin-not-allowed' });
    },
  );

  test('[F2] every answer says that it is not to be shown, framed, kept or guessed at', async () => {
    const { url } = await server();
    for (const path of ['/livez', '/v1/nothing', '/v1/sessions/x/clients/y']) {
      const { headers } = await fetch(`${url}${path}`);
      expect(Object.fromEntries(headers), path).toMatchObject({
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      });
    }
  });
});

describe('caps', () => {
  test('[F4] an address has its number of connections, hello or not; one that ends makes room', async () => {
    const { url } = await server({ bounds: { connectionsPerAddressMax: 2 } });
    const created = await createSession(url);
    const first = await openSocket(created.resume_url);
    await openSocket(created.resume_url);
    expect(await refusedUpgrade(created.resume_url)).toEqual({
      status: 429,
      code: 'too-many-connections',
      retryAfter: '1',
    });
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    first.socket.close();
    await first.closed;
    await expect
      .poll(() =>
        opens(created, {}).then(
          () => 'open',
          () => 'refused',
        ),
      )
      .toBe('open');
  });

  test('[F4] an instance has its number of connections, and sends the next one elsewhere', async () => {
    const { url } = await server({ bounds: { connectionsMax: 1 } });
    const created = await createSession(url);
    await attach(created);
    expect(await refusedUpgrade(created.resume_url)).toEqual({
      status: 503,
      code: 'overloaded',
      retryAfter: '1',
    });
  });

  test('[F4] what asks for an upgrade where there is no WebSocket is told so, and its query is not logged', async () => {
    const { url, log } = await server();
    for (const path of ['/livez', '/v1/sessions', '/v1/nothing'])
      expect(await refusedUpgrade(`${url}${path}?token=slip-of-the-pen`)).toMatchObject({
        status: 404,
      });
    expect(log.join('')).not.toContain('slip-of-the-pen');
  });

  test('[F5] an address begins its number of sessions an hour, and is told when the next one may', async () => {
    const { url } = await server({ bounds: { sessionsPerHourMax: 2 } });
    await createSession(url);
    await createSession(url);
    const body = '{"kind":"tally","input":{"bound":1}}';
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/v1/sessions`, { method: 'POST', headers, body });
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(1_000);
    expect(await response.json()).toMatchObject({ code: 'too-many-sessions' });
  });

  test('[F5] it is counted over all instances, and outlives them', async () => {
    const bounds = { sessionsPerHourMax: 3 };
    const first = await server({ bounds });
    const { postgres, redis } = first.stores;
    const other = await server({ bounds, postgres, redis });
    await createSession(first.url);
    await createSession(other.url);
    await Promise.all([first.stop(), other.stop()]);
    const { url } = await server({ bounds, postgres, redis });
    await createSession(url);
    const body = '{"kind":"tally","input":{"bound":1}}';
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/v1/sessions`, { method: 'POST', headers, body });
    expect(response.status).toBe(429);
  });

  test('[F5] while Redis is away each instance counts by itself', async () => {
    const redis = await freshRedis();
    const router = await startRouter(redis.url);
    cleanups.push(() => router.stop());
    const address = new URL(redis.url);
    address.port = new URL(router.url).port;
    const { url } = await server({ bounds: { sessionsPerHourMax: 2 }, redis: address.href });
    await createSession(url);
    router.route('http://127.0.0.1:1');
    router.cut();
    const begin = async () => {
      const body = '{"kind":"tally","input":{"bound":1}}';
      const headers = { 'content-type': 'application/json' };
      return (await fetch(`${url}/v1/sessions`, { method: 'POST', headers, body })).status;
    };
    expect([await begin(), await begin(), await begin()]).toEqual([201, 201, 429]);
  });

  test('[F5] a request that begins nothing does not count', async () => {
    const { url } = await server({ bounds: { sessionsPerHourMax: 1 } });
    const headers = { 'content-type': 'application/json' };
    for (const body of ['{', '{"kind":"yoga","input":{}}', '{"kind":"tally","input":{}}'])
      await fetch(`${url}/v1/sessions`, { method: 'POST', headers, body });
    await createSession(url);
  });
});

describe('addresses behind proxies', () => {
  const begin = (url: string, forwarded: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'x-forwarded-for': forwarded };
      const sent = request(`${url}/v1/sessions`, { method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on('error', reject);
      sent.end('{"kind":"tally","input":{"bound":1}}');
    });

  test('[F7] what a trusted proxy says of the address counts, and only what it added itself', async () => {
    const { url } = await server({
      bounds: { sessionsPerHourMax: 1 },
      http: { trustedProxies: ['127.0.0.1'] },
    });
    expect(await begin(url, '203.0.113.1')).toBe(201);
    expect(await begin(url, '203.0.113.2')).toBe(201);
    // The client wrote the first one, the proxy the last.
    expect(await begin(url, '198.51.100.7, 203.0.113.1')).toBe(429);
    // One network of IPv6 is one address.
    expect(await begin(url, '2001:db8::1')).toBe(201);
    expect(await begin(url, '2001:db8:0:0:ffff::2')).toBe(429);
    expect(await begin(url, '2001:db8:0:1::1')).toBe(201);
  });

  test('[F7] what anybody else says of its address is not believed', async () => {
    const { url } = await server({
      bounds: { sessionsPerHourMax: 1 },
      http: { trustedProxies: ['10.0.0.0/8'] },
    });
    expect(await begin(url, '203.0.113.1')).toBe(201);
    expect(await begin(url, '203.0.113.2')).toBe(429);
  });

  test('[F7] a forwarded host counts for addresses and origins only from a trusted proxy', async () => {
    const behind = await server({ http: { trustedProxies: ['127.0.0.1'] } });
    const forwarded = { 'x-forwarded-host': 'ride.example', 'x-forwarded-proto': 'https' };
    const post = (url: string) =>
      fetch(`${url}/v1/sessions`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          origin: 'https://ride.example',
          ...forwarded,
        },
        body: '{"kind":"tally","input":{"bound":1}}',
      });
    const response = await post(behind.url);
    expect(((await response.json()) as Created).resume_url).toMatch(/^https:\/\/ride\.example\/v1/);
    const bare = await server();
    expect((await post(bare.url)).status).toBe(403);
    expect(bare.app.server.address() as AddressInfo).toMatchObject({ address: '127.0.0.1' });
  });
});

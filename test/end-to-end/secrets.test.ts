import { once } from 'node:events';
import { connect } from 'node:net';

import { afterEach, expect, test } from 'vitest';

import { rightBody } from '../fuzz/seat.ts';
import { newIncarnation, openSocket, type Created } from '../support/raw-client.ts';
import { freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { startTalkativeServer, type TalkativeServer } from '../support/talkative-server.ts';
import { startRouter } from '../support/tcp-router.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const secret = 'the-key-of-this-service-0123456789';
const formerSecret = 'the-key-before-it-01234567890123456789';

/** Everything a server says in answer to something, to be searched as well. */
type Heard = string[];

async function begin(url: string): Promise<Created> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers,
    body: rightBody(),
  });
  return (await response.json()) as Created;
}

const tokenOf = ({ resume_url }: Created): string => new URL(resume_url).hash.slice(1);

/** A ride as it should be. Returns the tokens it was given. */
async function ride(created: Created): Promise<readonly string[]> {
  const client = await openSocket(created.resume_url);
  const hello = { type: 'hello', incarnation: newIncarnation(), kind: 'workout', version: 1 };
  client.send({ ...hello, token: tokenOf(created) });
  const { token } = await client.nextOf('welcome');
  await client.nextOf('live');
  client.send({ type: 'commands', seq: 1, commands: [['start', {}, 1_000]] });
  await client.nextOf('entries');
  client.send({ type: 'bye' });
  await client.closed;
  return [tokenOf(created), token];
}

/** Every way there is to put a token where it does not belong. */
async function mistakes(url: string, created: Created, heard: Heard): Promise<void> {
  const token = tokenOf(created);
  const path = new URL(created.resume_url).pathname;
  const bearer = { authorization: `Bearer ${token}` };
  const requests: [string, RequestInit][] = [
    [`${path}?token=${token}`, {}],
    [`/nowhere?token=${token}`, { headers: bearer }],
    [`/v1/nothing?token=${token}`, { headers: bearer, method: 'PATCH' }],
    [path, { headers: { authorization: `Basic ${token}`, cookie: token } }],
    [path, { headers: bearer }],
    [
      '/v1/sessions',
      {
        method: 'POST',
        headers: { ...bearer, 'content-type': 'application/json' },
        body: `{"token":"${token}",`,
      },
    ],
    [
      '/v1/sessions',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: `{"kind":"${token}","input":{}}`,
      },
    ],
    [
      '/v1/sessions',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: `{"kind":"workout","input":{"plan":"${token}"}}`,
      },
    ],
    ['/v1/sessions', { method: 'POST', headers: { 'content-type': token }, body: token }],
    ['/v1/sessions', { headers: { origin: `https://${token}` }, method: 'OPTIONS' }],
  ];
  for (const [place, init] of requests) {
    const response = await fetch(`${url}${place}`, init);
    heard.push(await response.text(), JSON.stringify([...response.headers]));
  }
  const frames = [
    `{"type":"${token}"}`,
    `{"type":"hello","token":"${token}"`,
    `{"type":"hello","token":"${token}x"}`,
    `{"type":"commands","seq":"${token}"}`,
  ];
  for (const frame of frames) {
    const client = await openSocket(created.resume_url);
    client.send(frame);
    heard.push((await client.closed).reason);
  }
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('data', (bytes: Buffer) => heard.push(bytes.toString('latin1')));
  socket.end(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nBroken header\r\n\r\n`,
  );
  await once(socket, 'close');
}

async function expectSilence(
  server: TalkativeServer,
  secrets: readonly string[],
  heard: Heard,
): Promise<void> {
  const words = `${await server.words()}\n${heard.join('\n')}`;
  // A search that finds nothing must have had something to search.
  expect(words).toMatch(/listening/i);
  for (const each of secrets) {
    expect(each.length).toBeGreaterThan(10);
    const place = words.indexOf(each);
    expect(place === -1 ? 'nowhere' : words.slice(Math.max(0, place - 300), place)).toBe('nowhere');
  }
}

test('[A1] after rides, mistakes, lost stores and a crash no secret stands in any log, answer, error or crash report', async () => {
  const [postgres, redis] = await Promise.all([freshPostgres(), freshRedis()]);
  const [toPostgres, toRedis] = [await startRouter(postgres.url), await startRouter(redis.url)];
  cleanups.push(
    () => toPostgres.stop(),
    () => toRedis.stop(),
  );
  // Trusted locally whatever the password: it only has to be kept.
  const databaseUrl = new URL(postgres.url);
  databaseUrl.password = 'password-of-postgres';
  databaseUrl.port = new URL(toPostgres.url).port;
  const redisUrl = new URL(redis.url);
  redisUrl.port = new URL(toRedis.url).port;
  const server = await startTalkativeServer({
    DATABASE_URL: databaseUrl.href,
    REDIS_URL: redisUrl.href,
    TRACKSTAND_SECRET: `${secret},${formerSecret}`,
    CHECKPOINT_MS: '50',
  });
  cleanups.push(() => server.stop());
  const heard: Heard = [];
  const created = await begin(server.url);
  const tokens = await ride(created);
  await mistakes(server.url, created, heard);
  // Both stores go: what fails now fails on our side.
  toPostgres.route('http://127.0.0.1:1');
  toRedis.route('http://127.0.0.1:1');
  toPostgres.cut();
  toRedis.cut();
  const response = await fetch(created.resume_url, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${tokenOf(created)}` },
  });
  expect(response.status).toBe(503);
  heard.push(await response.text());
  for (const path of ['/livez', '/readyz', '/healthz', '/version', '/metrics'])
    heard.push(await (await fetch(`${server.url}${path}`)).text());
  await server.crash();
  const words = await server.words();
  expect(words).toContain('a crash');
  expect(words).toContain('environmentVariables');
  const signatures = tokens.map((token) => token.split('.')[2] ?? '');
  await expectSilence(server, [secret, formerSecret, 'password-of-postgres', ...signatures], heard);
});

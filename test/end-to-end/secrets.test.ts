import { once } from 'node:events';
import { connect } from 'node:net';

import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { afterEach, expect, test } from 'vitest';

import { startSmtpSink, type SmtpSink } from '../accounts/smtp-sink.ts';
import { rightBody } from '../fuzz/seat.ts';
import { newIncarnation, openSocket, type Created } from '../support/raw-client.ts';
import { freePort } from '../support/services/free-port.ts';
import { freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { startTalkativeServer, type TalkativeServer } from '../support/talkative-server.ts';
import { startRouter } from '../support/tcp-router.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const secret = 'the-key-of-this-service-0123456789';
const formerSecret = 'the-key-before-it-01234567890123456789';

/** Asks, again and again: each question takes its time. */
async function until(ask: () => Promise<boolean>): Promise<void> {
  while (!(await ask())) await new Promise((resolve) => setImmediate(resolve));
}

/** Everything a server says in answer to something, to be searched as well. */
type Heard = string[];

/** `access`: the token of the account whose session it is. */
async function begin(url: string, access?: string): Promise<Created> {
  const headers = {
    'content-type': 'application/json',
    ...(access !== undefined && { authorization: `Bearer ${access}` }),
  };
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

/** A link to look at the ride: given out, followed, shown where it does not belong, and taken back. Returns its token. [W1] */
async function showAround(url: string, created: Created, heard: Heard): Promise<string> {
  // What is given out names the public address.
  const here = (given: string): string => `${url}${new URL(given).pathname}`;
  const place = here(created.resume_url);
  const asked = async (at: string, token: string, method = 'GET'): Promise<string> => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(at, { method, headers });
    heard.push(JSON.stringify([...response.headers]));
    return response.text();
  };
  const given = JSON.parse(await asked(`${place}/readers`, tokenOf(created), 'POST')) as Told;
  const readUrl = here(given['read_url'] ?? '');
  const token = new URL(given['read_url'] ?? '').hash.slice(1);
  const shown = await asked(readUrl, token);
  expect(shown).toContain(created.session_id);
  heard.push(shown);
  for (const at of [`${readUrl}?token=${token}`, `${readUrl}/${token}`, place, `${place}/readers`])
    heard.push(await asked(at, `${token}x`), await asked(at, token, 'DELETE'));
  const client = await openSocket(place);
  client.send({ type: 'hello', token });
  heard.push((await client.closed).reason);
  heard.push(await asked(`${place}/readers/${given['reader_id']}`, tokenOf(created), 'DELETE'));
  const refused = await asked(readUrl, token);
  expect(refused).toContain('token-revoked');
  heard.push(refused);
  return token;
}

/** What is told on the listener of its own, once it tells of that. */
async function measured(port: number, of: string): Promise<string> {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(metrics).toContain(of);
  return metrics;
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

test('[A1] after rides, mistakes, lost stores and a crash no secret stands in any log, answer, error, metric or crash report', async () => {
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
  const metricsPort = await freePort();
  const server = await startTalkativeServer({
    METRICS_LISTEN: `127.0.0.1:${metricsPort}`,
    DATABASE_URL: databaseUrl.href,
    REDIS_URL: redisUrl.href,
    TRACKSTAND_SECRET: `${secret},${formerSecret}`,
    CHECKPOINT_MS: '50',
  });
  cleanups.push(() => server.stop());
  const heard: Heard = [];
  const created = await begin(server.url);
  const tokens = await ride(created);
  const link = await showAround(server.url, created, heard);
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
  heard.push(await measured(metricsPort, 'trackstand_store_failures_total{store="postgres"}'));
  await server.crash();
  const words = await server.words();
  expect(words).toContain('a crash');
  expect(words).toContain('environmentVariables');
  const signatures = [...tokens, link].map((token) => token.split('.').at(-1) ?? '');
  await expectSilence(server, [secret, formerSecret, 'password-of-postgres', ...signatures], heard);
});

const mailPassword = 'password-of-the-mail-server';
const password = 'mistral over ventoux';
const typo = 'mistral over ventouk';

type Told = Readonly<Record<string, string>>;

/** Asks, and keeps the answer for the search unless it is the one that tells a secret to who may know it. */
function asking(url: string, heard: Heard) {
  return async (path: string, init: RequestInit & { isTold?: boolean } = {}): Promise<Told> => {
    const { isTold = false, ...rest } = init;
    const headers = {
      ...(rest.body !== undefined && { 'content-type': 'application/json' }),
      ...(rest.headers as Record<string, string> | undefined),
    };
    const response = await fetch(`${url}${path}`, { ...rest, headers });
    const text = await response.text();
    if (!isTold) heard.push(text, JSON.stringify([...response.headers]));
    return isTold ? (JSON.parse(text) as Told) : {};
  };
}

/** A life of an account as it should be. Returns everything secret that was given out or typed in. */
async function live(ask: ReturnType<typeof asking>, mails: SmtpSink): Promise<readonly string[]> {
  const post = (path: string, body: object, isTold = false) =>
    ask(path, { method: 'POST', body: JSON.stringify(body), isTold });
  const email = 'ada@example.com';
  const mailed = async (): Promise<string> =>
    /#password=([\w-]{43})/.exec((await mails.next()).text)?.[1] ?? '';
  await post('/v1/accounts', { email });
  const link = await mailed();
  const chosen = { token: link, password: typo, refresh_in: 'body' };
  const first = await post('/v1/accounts/passwords', chosen, true);
  const next = await post('/v1/logins/refresh', { refresh_token: first['refresh_token'] }, true);
  const access = next['access_token'] ?? '';
  const bearer = { authorization: `Bearer ${access}` };
  await ask('/v1/accounts/me/password', {
    method: 'POST',
    headers: bearer,
    body: JSON.stringify({ password: typo, new_password: password }),
  });
  // The mail that tells of the change.
  await mails.next();
  for (const path of ['/v1/accounts/me', '/v1/logins', '/v1/accounts/me/sessions'])
    await ask(path, { headers: bearer });
  await post('/v1/accounts/resets', { email });
  const reset = await mailed();
  // No mail server takes it: what is told of that must not tell the link.
  mails.refuse(3);
  await post('/v1/accounts/resets', { email });
  const tokens = [first, next].flatMap((told) => [told['access_token'], told['refresh_token']]);
  const signatures = tokens.map((token = '') => token.split('.').at(-1) ?? '');
  return [password, typo, link, reset, ...signatures, access];
}

/** What people type where it does not belong. */
async function mistype(
  ask: ReturnType<typeof asking>,
  [, , link = '', , ...tokens]: readonly string[],
): Promise<void> {
  const access = tokens.at(-1) ?? '';
  const email = 'ada@example.com';
  const login = { method: 'POST', body: JSON.stringify({ email, password: typo }) };
  await ask('/v1/logins', login);
  await ask('/v1/logins', { method: 'POST', body: JSON.stringify({ email: typo, password }) });
  await ask('/v1/logins', { method: 'POST', body: `{"email":"${email}","password":"${password}` });
  await ask('/v1/logins', { ...login, headers: { 'content-type': password } });
  const large = JSON.stringify({ email, password: password.repeat(1_000) });
  await ask('/v1/logins', { method: 'POST', body: large });
  await ask(`/v1/logins?password=${encodeURIComponent(password)}&token=${access}`, login);
  await ask(`/v1/logins/${access}`, { method: 'DELETE' });
  await ask('/v1/accounts/me', { headers: { authorization: `Basic ${password}` } });
  await ask('/v1/accounts/me', { headers: { cookie: `trackstand-login=${access}` } });
  await ask('/v1/logins/refresh', { method: 'POST', headers: { cookie: access } });
  const refreshing = JSON.stringify({ refresh_token: `${access}x` });
  await ask('/v1/logins/refresh', { method: 'POST', body: refreshing });
  for (const token of [link, access, password]) {
    const body = JSON.stringify({ token, password: 'short' });
    await ask('/v1/accounts/passwords', { method: 'POST', body });
  }
}

/** All that rests in both stores. */
async function stored(databaseUrl: string, redisUrl: string): Promise<string> {
  const pool = new Pool({ connectionString: databaseUrl, max: 1 });
  const redis = new Redis(redisUrl);
  const { rows: tables } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'trackstand'`,
  );
  const rows = await Promise.all(
    tables.map(({ name }) => pool.query(`select t::text from trackstand.${name} t`)),
  );
  const keys = await redis.keys('*');
  const values = await Promise.all(keys.map((key) => redis.dump(key)));
  await pool.end();
  redis.disconnect();
  return JSON.stringify([tables, rows.map((table) => table.rows), keys, values]);
}

test('[A1] no password, link, access or refresh token, and nothing of the mail server’s, stands in a log, answer, metric, crash report or store', async () => {
  const [postgres, redis, mails] = await Promise.all([
    freshPostgres(),
    freshRedis(),
    startSmtpSink(),
  ]);
  const [toPostgres, toRedis] = [await startRouter(postgres.url), await startRouter(redis.url)];
  cleanups.push(
    () => mails.stop(),
    () => toPostgres.stop(),
    () => toRedis.stop(),
  );
  const through = (url: string, router: string): string => {
    const routed = new URL(url);
    routed.port = new URL(router).port;
    return routed.href;
  };
  const metricsPort = await freePort();
  const server = await startTalkativeServer({
    METRICS_LISTEN: `127.0.0.1:${metricsPort}`,
    DATABASE_URL: through(postgres.url, toPostgres.url),
    REDIS_URL: through(redis.url, toRedis.url),
    TRACKSTAND_SECRET: secret,
    HASH_COST: '4',
    PUBLIC_URL: 'https://ride.example',
    MAIL_URL: mails.url.replace('smtp://', `smtp://mailer:${mailPassword}@`),
  });
  cleanups.push(() => server.stop());
  const heard: Heard = [];
  const ask = asking(server.url, heard);
  const secrets = await live(ask, mails);
  await mistype(ask, secrets);
  const created = await begin(server.url, secrets.at(-1));
  const link = (await showAround(server.url, created, heard)).split('.').at(-1) ?? '';
  const resume = tokenOf(created).split('.').at(-1) ?? '';
  await until(async () => (await server.words()).includes('a mail was not sent'));
  const rest = await stored(postgres.url, redis.url);
  expect(rest).toContain('ada@example.com');
  expect(rest).toContain('ts:limit:');
  toPostgres.route('http://127.0.0.1:1');
  toRedis.route('http://127.0.0.1:1');
  toPostgres.cut();
  toRedis.cut();
  await ask('/v1/logins', {
    method: 'POST',
    body: JSON.stringify({ email: 'ada@example.com', password }),
  });
  expect(heard.join('')).toContain('store-unavailable');
  heard.push(await measured(metricsPort, 'trackstand_hash_seconds'));
  await server.crash();
  // Of the mail no server took the test never saw the link: none of any mail may stand there.
  expect(`${await server.words()}${heard.join('')}`).not.toContain('#password=');
  const asAuth = Buffer.from(`\0mailer\0${mailPassword}`).toString('base64');
  const all = [...secrets, link, resume, secret, mailPassword, asAuth];
  await expectSilence(server, all, [...heard, rest]);
});

import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  goodPassword,
  startAccountServer,
  tokensOf,
  type AccountServer,
  type Answer,
} from './account-server.ts';

let server: AccountServer;
beforeAll(async () => {
  server = await startAccountServer();
});
afterAll(() => server.stop());

let count = 0;
const newEmail = (): string => `rider-${++count}@example.com`;
const refresh = (token: string): Promise<Answer> =>
  server.ask('POST', '/v1/logins/refresh', { body: { refresh_token: token } });
const statusOf = async (access: string): Promise<number> =>
  (await server.ask('GET', '/v1/accounts/me', { access })).status;

describe('a refresh token', () => {
  test('gives the next one, and works once more for who did not get the answer', async () => {
    const { refresh: first } = await server.register(newEmail());
    const lost = tokensOf(await refresh(first)).refresh;
    const second = tokensOf(await refresh(first)).refresh;
    expect(new Set([first, lost, second]).size).toBe(3);
    const third = tokensOf(await refresh(second));
    expect(await statusOf(third.access)).toBe(200);
  });

  test('that was replaced ends its login: it was copied, and nobody knows by whom', async () => {
    const { refresh: first, access } = await server.register(newEmail());
    const second = tokensOf(await refresh(first)).refresh;
    const third = tokensOf(await refresh(second)).refresh;
    const thief = await refresh(first);
    expect(thief.status).toBe(401);
    expect(thief.body['code']).toBe('login-ended');
    expect((await refresh(third)).body['code']).toBe('login-ended');
    expect(await statusOf(access)).toBe(401);
  });

  test('that we never issued ends nothing', async () => {
    const { refresh: token, loginId, access } = await server.register(newEmail());
    const forged = [`r1.${loginId}.${'A'.repeat(43)}.${'A'.repeat(43)}`, `${token}A`, access, ''];
    for (const one of forged) expect((await refresh(one)).body['code']).toBe('login-ended');
    expect((await refresh(token)).status).toBe(200);
  });

  test('of two that come at once, both are answered and one goes on', async () => {
    const { refresh: first } = await server.register(newEmail());
    const answers = await Promise.all([refresh(first), refresh(first)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });
});

describe('in a page', () => {
  test('the refresh token is in a cookie scripts cannot read, and in no body', async () => {
    const email = newEmail();
    await server.register(email);
    const { headers, body } = await server.ask('POST', '/v1/logins', {
      body: { email, password: goodPassword },
    });
    const cookie = headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(
      /^trackstand-login=r1\.[^;]+; Path=\/v1\/logins; Max-Age=2592000; HttpOnly; SameSite=Strict$/,
    );
    expect(body).not.toHaveProperty('refresh_token');
    const [pair = ''] = cookie.split(';');
    const next = await server.ask('POST', '/v1/logins/refresh', { headers: { cookie: pair } });
    expect(next.status).toBe(200);
    expect(next.body).not.toHaveProperty('refresh_token');
    const crossSite = { cookie: pair, 'sec-fetch-site': 'cross-site' };
    const forged = await server.ask('POST', '/v1/logins/refresh', { headers: crossSite });
    expect(forged.body['code']).toBe('cross-site');
  });

  test('behind TLS the cookie is sent over nothing else', async () => {
    const secure = await startAccountServer({ publicUrl: 'https://ride.example' });
    try {
      const email = newEmail();
      await secure.register(email);
      const body = { email, password: goodPassword };
      const { headers } = await secure.ask('POST', '/v1/logins', { body });
      expect(headers.get('set-cookie')).toMatch(/^__Secure-trackstand-login=.*; Secure$/);
      expect(secure.mails().at(0)?.text).toContain('https://ride.example/#password=');
    } finally {
      await secure.stop();
    }
  });
});

describe('signing out', () => {
  test('ends this device at once, and works twice', async () => {
    const email = newEmail();
    const first = await server.register(email);
    const other = tokensOf(await server.login(email));
    const end = () =>
      server.ask('POST', '/v1/logins/end', { body: { refresh_token: first.refresh } });
    expect((await end()).status).toBe(204);
    expect((await end()).status).toBe(204);
    expect(await statusOf(first.access)).toBe(401);
    expect((await refresh(first.refresh)).status).toBe(401);
    expect(await statusOf(other.access)).toBe(200);
  });

  test('everywhere ends them all', async () => {
    const email = newEmail();
    const first = await server.register(email);
    const other = tokensOf(await server.login(email));
    expect((await server.ask('DELETE', '/v1/logins', { access: first.access })).status).toBe(204);
    expect(await Promise.all([first, other].map(({ access }) => statusOf(access)))).toEqual([
      401, 401,
    ]);
  });

  test('of another device ends that one; one of another account cannot be seen', async () => {
    const email = newEmail();
    const first = await server.register(email);
    const other = tokensOf(await server.login(email, goodPassword, 'the old phone'));
    const stranger = await server.register(newEmail());
    const end = (loginId: string, access: string) =>
      server.ask('DELETE', `/v1/logins/${loginId}`, { access });
    expect((await end(other.loginId, stranger.access)).status).toBe(404);
    expect(await statusOf(other.access)).toBe(200);
    expect((await end(other.loginId, first.access)).status).toBe(204);
    expect(await statusOf(other.access)).toBe(401);
  });
});

test('a device that was not used for too long is signed out, whatever it shows', async () => {
  const brief = await startAccountServer({ loginMs: 0 });
  try {
    const { access, refresh: token } = await brief.register('ada@example.com');
    const body = { refresh_token: token };
    expect((await brief.ask('GET', '/v1/accounts/me', { access })).status).toBe(401);
    expect((await brief.ask('POST', '/v1/logins/refresh', { body })).body['code']).toBe(
      'login-ended',
    );
  } finally {
    await brief.stop();
  }
});

test('a device may call itself what no name is: Postgres takes no NUL, and a list shows no bell', async () => {
  const email = newEmail();
  const { access } = await server.register(email);
  await server.login(email, goodPassword, '\u0000the\u0007\u0000old phone\n');
  const { body } = await server.ask('GET', '/v1/logins', { access });
  expect(body['logins']).toContainEqual(expect.objectContaining({ device: 'the old phone' }));
});

test('devices are listed by who owns them', async () => {
  const email = newEmail();
  const first = await server.register(email);
  await server.login(email, goodPassword, 'the old phone');
  const { body } = await server.ask('GET', '/v1/logins', { access: first.access });
  const logins = body['logins'] as readonly Record<string, unknown>[];
  expect(
    logins.map(({ device, is_this: isThis }) => `${String(device)} ${String(isThis)}`).toSorted(),
  ).toEqual(['the first one true', 'the old phone false']);
  expect((await server.ask('GET', '/v1/logins')).body['code']).toBe('access-refused');
});

test('keys rotate without logging anybody out', async () => {
  const before = await server.register(newEmail());
  const { postgres, redis } = server.stores;
  const next = 'the next secret, of thirty-two characters';
  const former = 'a secret of thirty-two characters or more';
  const rotated = await startAccountServer({ postgres, redis, secrets: [next, former] });
  const alone = await startAccountServer({ postgres, redis, secrets: [next] });
  try {
    const me = { access: before.access };
    expect((await rotated.ask('GET', '/v1/accounts/me', me)).status).toBe(200);
    const ask = (where: AccountServer, token: string) =>
      where.ask('POST', '/v1/logins/refresh', { body: { refresh_token: token } });
    const renewed = tokensOf(await ask(rotated, before.refresh));
    expect((await ask(alone, renewed.refresh)).status).toBe(200);
    expect((await alone.ask('GET', '/v1/accounts/me', me)).status).toBe(401);
  } finally {
    await Promise.all([rotated.stop(), alone.stop()]);
  }
});

test('nothing that was issued stands in the database or in the log', async () => {
  const email = newEmail();
  const first = await server.register(email);
  const second = tokensOf(await refresh(first.refresh));
  await server.ask('GET', '/v1/accounts/me', { access: second.access });
  await server.ask('POST', '/v1/accounts/resets', { body: { email } });
  const mailed = server.mailedToken(email);
  const client = new Client({ connectionString: server.stores.postgres });
  await client.connect();
  const rows: unknown[] = [];
  for (const table of ['accounts', 'logins', 'mail_tokens', 'session_grants', 'sessions'])
    rows.push((await client.query(`select t::text from trackstand.${table} t`)).rows);
  await client.end();
  const stored = JSON.stringify(rows);
  const log = server.log.filter((line) => !line.includes('"mail"')).join('\n');
  for (const secret of [first, second].flatMap(({ access, refresh }) => [access, refresh])) {
    expect(stored).not.toContain(secret);
    expect(log).not.toContain(secret);
  }
  expect(stored).not.toContain(mailed);
  expect(stored).not.toContain(goodPassword);
  expect(log).not.toContain(goodPassword);
  expect(stored).toContain(email);
});

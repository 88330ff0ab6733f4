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

/** As if the device had asked last so long ago that it is no longer the same moment. */
async function passMoment(loginId: string): Promise<void> {
  const client = new Client({ connectionString: server.stores.postgres });
  await client.connect();
  await client.query(
    `update trackstand.logins set last_used_at = last_used_at - interval '31 seconds'
     where login_id = $1`,
    [loginId],
  );
  await client.end();
}

describe('a refresh token', () => {
  test('gives the next one, and works once more for who did not get the answer', async () => {
    const { refresh: first, loginId } = await server.register(newEmail());
    const lost = tokensOf(await refresh(first)).refresh;
    await passMoment(loginId);
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

  test.each([
    ['after its owner', ['owner', 'thief', 'owner']],
    ['before its owner', ['thief', 'owner', 'thief']],
  ] as const)('that was copied and is used %s ends its login', async (_when, comes) => {
    const { refresh: first, access, loginId } = await server.register(newEmail());
    const held = { owner: first, thief: first };
    const answers: number[] = [];
    for (const who of comes) {
      const answer = await refresh(held[who]);
      answers.push(answer.status);
      if (answer.status === 200) held[who] = tokensOf(answer).refresh;
      await passMoment(loginId);
    }
    expect(answers).toEqual([200, 200, 401]);
    expect(await statusOf(access)).toBe(401);
  });

  test('that we never issued ends nothing', async () => {
    const { refresh: token, loginId, access } = await server.register(newEmail());
    const forged = [`r1.${loginId}.${'A'.repeat(43)}.${'A'.repeat(43)}`, `${token}A`, access, ''];
    for (const one of forged) expect((await refresh(one)).body['code']).toBe('login-ended');
    expect((await refresh(token)).status).toBe(200);
  });

  test('of several that come at once all are answered, one has the next token, and the device stays signed in', async () => {
    const { refresh: first, loginId } = await server.register(newEmail());
    const answers = await Promise.all([1, 2, 3, 4].map(() => refresh(first)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    for (const { body } of answers) expect(await statusOf(String(body['access_token']))).toBe(200);
    const [next, ...others] = answers.filter(({ body }) => 'refresh_token' in body);
    expect(others).toEqual([]);
    if (next === undefined) throw new Error('Nobody got the next token.');
    await passMoment(loginId);
    expect((await refresh(tokensOf(next).refresh)).status).toBe(200);
    expect((await refresh(first)).body['code']).toBe('login-ended');
  });

  test('that comes again at once does not draw its moment out: a copy gets no more than one access token', async () => {
    const { refresh: first, loginId } = await server.register(newEmail());
    const second = tokensOf(await refresh(first)).refresh;
    const copied = await refresh(first);
    expect(copied.body).not.toHaveProperty('refresh_token');
    const usedAt = async (): Promise<unknown> =>
      (await server.ask('GET', '/v1/logins', { access: String(copied.body['access_token']) })).body;
    const before = await usedAt();
    await refresh(first);
    expect(await usedAt()).toEqual(before);
    await passMoment(loginId);
    expect((await refresh(second)).status).toBe(200);
    expect((await refresh(first)).body['code']).toBe('login-ended');
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

  test('of two tabs that ask at once one gets the cookie, whatever order the answers come in', async () => {
    const email = newEmail();
    await server.register(email);
    const { headers } = await server.ask('POST', '/v1/logins', {
      body: { email, password: goodPassword },
    });
    const ask = (cookie: string) =>
      server.ask('POST', '/v1/logins/refresh', { headers: { cookie } });
    const [former = ''] = (headers.get('set-cookie') ?? '').split(';');
    const answers = await Promise.all([ask(former), ask(former)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const cookies = answers.flatMap((answer) => answer.headers.get('set-cookie') ?? []);
    expect(cookies).toHaveLength(1);
    const [next = ''] = (cookies[0] ?? '').split(';');
    expect((await ask(next)).status).toBe(200);
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

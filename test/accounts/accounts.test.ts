import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  goodPassword,
  startAccountServer,
  tokensOf,
  type AccountServer,
} from './account-server.ts';

let server: AccountServer;
beforeAll(async () => {
  server = await startAccountServer();
});
afterAll(() => server.stop());

let count = 0;
const newEmail = (): string => `rider-${++count}@example.com`;

describe('an account', () => {
  test('begins with a mail: whoever reads it chooses the password and is signed in', async () => {
    const email = newEmail();
    const { access, accountId } = await server.register(email);
    const me = await server.ask('GET', '/v1/accounts/me', { access });
    expect(me.body).toEqual({
      account_id: accountId,
      email,
      is_operator: false,
      created_at: expect.stringMatching(/Z$/),
    });
    expect((await server.login(email.toUpperCase())).status).toBe(200);
  });

  test('cannot be taken from under its owner: nobody chooses a password before the link is followed', async () => {
    const email = newEmail();
    await server.ask('POST', '/v1/accounts', {
      body: { email, password: 'the attacker’s choice' },
    });
    expect((await server.login(email, 'the attacker’s choice')).status).toBe(401);
  });

  test('changes its password, which ends every other device and not this one', async () => {
    const email = newEmail();
    const first = await server.register(email);
    const other = tokensOf(await server.login(email));
    const change = (access: string, password: string, newPassword: string) =>
      server.ask('POST', '/v1/accounts/me/password', {
        access,
        body: { password, new_password: newPassword },
      });
    expect((await change(first.access, 'wrong by far', 'tailwind to the sea')).body['code']).toBe(
      'login-refused',
    );
    expect((await change(first.access, goodPassword, 'password123456')).body['code']).toBe(
      'password-unfit',
    );
    expect((await change(first.access, goodPassword, 'tailwind to the sea')).status).toBe(204);
    expect((await server.ask('GET', '/v1/accounts/me', { access: first.access })).status).toBe(200);
    expect((await server.ask('GET', '/v1/accounts/me', { access: other.access })).status).toBe(401);
    expect((await refresh(other.refresh)).body['code']).toBe('login-ended');
    expect((await server.login(email)).status).toBe(401);
    expect((await server.login(email, 'tailwind to the sea')).status).toBe(200);
  });

  test('is deleted only by who knows the password, and nothing of it stays', async () => {
    const email = newEmail();
    const { access, refresh: token } = await server.register(email);
    await server.ask('POST', '/v1/accounts/resets', { body: { email } });
    const mailed = server.mailedToken(email);
    const remove = (password: string) =>
      server.ask('DELETE', '/v1/accounts/me', { access, body: { password } });
    expect((await remove('wrong by far')).status).toBe(401);
    expect((await remove(goodPassword)).status).toBe(204);
    expect((await server.ask('GET', '/v1/accounts/me', { access })).status).toBe(401);
    expect((await refresh(token)).status).toBe(401);
    expect((await server.login(email)).status).toBe(401);
    const body = { token: mailed, password: goodPassword };
    expect((await server.ask('POST', '/v1/accounts/passwords', { body })).status).toBe(404);
  });
});

describe('a link that was mailed', () => {
  test('works once, and a try that was refused leaves it good', async () => {
    const email = newEmail();
    await server.ask('POST', '/v1/accounts', { body: { email } });
    const token = server.mailedToken(email);
    const choose = (password: string) =>
      server.ask('POST', '/v1/accounts/passwords', { body: { token, password } });
    expect((await choose('short')).body['code']).toBe('password-unfit');
    expect((await choose(email)).body['code']).toBe('password-unfit');
    expect((await choose(goodPassword)).status).toBe(200);
    expect((await choose(goodPassword)).body['code']).toBe('mail-token-unknown');
  });

  test('is replaced by the next one', async () => {
    const email = newEmail();
    await server.ask('POST', '/v1/accounts', { body: { email } });
    const former = server.mailedToken(email);
    await server.ask('POST', '/v1/accounts', { body: { email } });
    const body = { token: former, password: goodPassword };
    expect((await server.ask('POST', '/v1/accounts/passwords', { body })).status).toBe(404);
  });

  test('gives another password, and signs out every device', async () => {
    const email = newEmail();
    const before = await server.register(email);
    await server.ask('POST', '/v1/accounts/resets', { body: { email } });
    const body = { token: server.mailedToken(email), password: 'tailwind to the sea' };
    const chosen = await server.ask('POST', '/v1/accounts/passwords', { body });
    expect(chosen.body['account_id']).toBe(before.accountId);
    // Whoever it was: the owner hears of it.
    expect(server.mails().findLast(({ to }) => to === email)?.text).toContain('was changed');
    expect((await server.ask('GET', '/v1/accounts/me', { access: before.access })).status).toBe(
      401,
    );
    expect((await server.login(email)).status).toBe(401);
    expect((await server.login(email, 'tailwind to the sea')).status).toBe(200);
  });
});

describe('nobody learns who has an account', () => {
  test('from registering or from asking for another password', async () => {
    const known = newEmail();
    await server.register(known);
    const answers = await Promise.all(
      [known, newEmail()].flatMap((email) =>
        ['/v1/accounts', '/v1/accounts/resets'].map((path) =>
          server.ask('POST', path, { body: { email } }),
        ),
      ),
    );
    const seen = answers.map(({ status, body, headers }) => {
      const told = Object.fromEntries(headers);
      delete told['date'];
      return { status, body, told };
    });
    expect(new Set(seen.map((answer) => JSON.stringify(answer))).size).toBe(1);
    // The owner hears of it; an address without an account is not written to for another password.
    expect(server.mails().filter(({ to }) => to === known)).toHaveLength(3);
    expect(server.mails().filter(({ to }) => to === `rider-${count}@example.com`)).toHaveLength(1);
  });

  test('from signing in', async () => {
    const known = newEmail();
    await server.register(known);
    const [wrong, unknown] = await Promise.all([
      server.login(known, 'wrong by far'),
      server.login(newEmail(), 'wrong by far'),
    ]);
    expect(wrong?.status).toBe(401);
    expect(unknown?.body).toEqual(wrong?.body);
  });
});

test('bad bodies are answered in one sentence', async () => {
  const post = (path: string, body: unknown) => server.ask('POST', path, { body });
  expect((await post('/v1/accounts', { email: 7 })).body).toMatchObject({
    code: 'bad-request',
    detail: 'The body is {email}.',
  });
  expect((await post('/v1/accounts', { email: 'nobody' })).body).toMatchObject({
    code: 'bad-request',
    detail: 'That is not an e-mail address.',
  });
  expect((await post('/v1/logins', [])).body['code']).toBe('bad-request');
  expect((await post('/v1/logins', { email: 'a@b', password: 'x'.repeat(5_000) })).status).toBe(
    413,
  );
});

function refresh(token: string) {
  return server.ask('POST', '/v1/logins/refresh', { body: { refresh_token: token } });
}

/** What is written into stores and read by them stays what was typed, whatever language it is of. */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { workoutLibrary } from '../../server/library/library.ts';
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import {
  goodPassword,
  startAccountServer,
  tokensOf,
  type AccountServer,
} from './account-server.ts';

let server: AccountServer;
beforeAll(async () => {
  server = await startAccountServer({ rooms: [workoutLibrary()] });
});
afterAll(() => server.stop());

const texts = [
  `x' or '1'='1`,
  `'; delete from trackstand.accounts; --`,
  `$1 $$ \\' \\\\`,
  `{"a",NULL,'b'}`,
  `" .. redis.call('flushall') .. "`,
  `<script>alert(1)</script> \${7*7} {{7*7}} O'Hara`,
];

test.each(texts)('a name is kept as it was typed: %s', async (text) => {
  const email = `ada-${texts.indexOf(text)}@example.com`;
  const { access } = await server.register(email);
  const list = async (path: string, name: string) => {
    const { body } = await server.ask('GET', path, { access });
    return body[name] as readonly Record<string, unknown>[];
  };
  expect((await server.login(email, goodPassword, text)).status).toBe(200);
  expect((await list('/v1/logins', 'logins')).map(({ device }) => device)).toContain(text);
  const begin = { kind: 'tally', input: { bound: 1 } };
  const { body: session } = await server.ask('POST', '/v1/sessions', { access, body: begin });
  const sessions = '/v1/accounts/me/sessions';
  const workouts = '/v1/accounts/me/workouts';
  const workout = `${workouts}/workout-000000000000001`;
  await server.ask('PUT', workout, { access, body: { plan: builtInPlans[0]?.plan } });
  for (const path of [`${sessions}/${String(session['session_id'])}`, workout])
    expect((await server.ask('PATCH', path, { access, body: { name: text } })).status).toBe(204);
  expect(await list(sessions, 'sessions')).toMatchObject([{ name: text }]);
  expect(await list(workouts, 'workouts')).toMatchObject([{ name: text }]);
});

test.each([`o'hara`, `x'or'1'='1`, `'--`, `$1`, `{a}`])(
  'an address is what it says, and no other: %s',
  async (name) => {
    const [email, other] = [`${name}@example.com`, `bystander-of-${name}@example.com`];
    await server.register(other, 'tailwind to the sea');
    expect((await server.login(email)).status).toBe(401);
    await server.register(email);
    const { access } = tokensOf(await server.login(email));
    expect((await server.ask('GET', '/v1/accounts/me', { access })).body['email']).toBe(email);
    expect((await server.login(email, 'tailwind to the sea')).status).toBe(401);
  },
);

import { readFileSync } from 'node:fs';

import { Pool } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';

import { libraryProblems } from '../../server/library/library-problems.ts';
import { workoutLibrary } from '../../server/library/library.ts';
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { parseZwo } from '../../shared/workout/zwo.ts';
import {
  goodPassword,
  startAccountServer,
  tokensOf,
  type AccountServer,
} from '../accounts/account-server.ts';

const servers: AccountServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function start(
  quota?: Parameters<typeof workoutLibrary>[0],
  options: Parameters<typeof startAccountServer>[0] = {},
): Promise<AccountServer> {
  const server = await startAccountServer({ rooms: [workoutLibrary(quota)], ...options });
  servers.push(server);
  return server;
}

const place = '/v1/accounts/me/workouts';
const idOf = (number: number): string => `workout-${String(number).padStart(16, '0')}`;
const plans = builtInPlans.map(({ plan }) => plan);

/** What one rider does with their library. */
function rider(server: AccountServer, access: string) {
  const ask = (method: string, number: number, body?: object) =>
    server.ask(method, `${place}/${idOf(number)}`, { access, ...(body && { body }) });
  return {
    keep: (number: number, plan: unknown = plans[0]) => ask('PUT', number, { plan }),
    read: (number: number) => ask('GET', number),
    rename: (number: number, name: string) => ask('PATCH', number, { name }),
    remove: (number: number) => ask('DELETE', number),
    names: async (): Promise<readonly string[]> => {
      const { body } = await server.ask('GET', place, { access });
      return (body['workouts'] as readonly { name: string }[]).map(({ name }) => name);
    },
  };
}

const codeOf = async (answer: ReturnType<AccountServer['ask']>) => {
  const { status, body } = await answer;
  return [status, body['code']];
};

describe('a library', () => {
  test('is the same on every device of its account: kept, listed, read, renamed, deleted', async () => {
    const server = await start();
    const here = rider(server, (await server.register('ada@example.com')).access);
    const there = rider(server, tokensOf(await server.login('ada@example.com')).access);
    expect((await here.keep(1, plans[0])).status).toBe(204);
    expect((await there.keep(2, plans[1])).status).toBe(204);
    expect(await there.names()).toEqual(['Sweet spot hour', 'Lunch break']);
    expect((await there.read(1)).body).toMatchObject({ workout_id: idOf(1), plan: plans[0] });
    expect((await there.rename(1, 'Noon')).status).toBe(204);
    expect((await here.read(1)).body['plan']).toEqual({ ...plans[0], name: 'Noon' });
    expect((await here.remove(2)).status).toBe(204);
    expect(await there.names()).toEqual(['Noon']);
    expect(await codeOf(there.remove(2))).toEqual([404, 'workout-unknown']);
  });

  test('has a workout once that is sent twice, as it was first and under the name it has since', async () => {
    const server = await start();
    const ada = rider(server, (await server.register('ada@example.com')).access);
    await ada.keep(1, plans[0]);
    await ada.rename(1, 'Noon');
    expect((await ada.keep(1, plans[1])).status).toBe(204);
    expect((await ada.read(1)).body['plan']).toEqual({ ...plans[0], name: 'Noon' });
    expect(await ada.names()).toEqual(['Noon']);
  });

  test('is nobody else’s: an id of another account says nothing, reads nothing and changes nothing', async () => {
    const server = await start();
    const ada = rider(server, (await server.register('ada@example.com')).access);
    const bob = rider(server, (await server.register('bob@example.com')).access);
    await ada.keep(1, plans[0]);
    const unknown = [404, 'workout-unknown'];
    expect(await codeOf(bob.read(1))).toEqual(unknown);
    expect(await codeOf(bob.rename(1, 'Bob’s'))).toEqual(unknown);
    expect(await codeOf(bob.remove(1))).toEqual(unknown);
    expect(await bob.names()).toEqual([]);
    // One of his own under the same id is another workout.
    expect((await bob.keep(1, plans[1])).status).toBe(204);
    await bob.rename(1, 'Bob’s');
    expect((await ada.read(1)).body['plan']).toEqual(plans[0]);
    await bob.remove(1);
    expect(await ada.names()).toEqual(['Lunch break']);
  });

  test('keeps what an imported file became, and refuses with a sentence what cannot be ridden', async () => {
    const server = await start();
    const ada = rider(server, (await server.register('ada@example.com')).access);
    const file =
      '<workout_file><name>Über hügel ☃</name><workout><SteadyState Duration="600" Power="0.8">' +
      '<textevent timeoffset="5" message="Los"/></SteadyState></workout></workout_file>';
    const read = parseZwo(file);
    const imported = read.ok ? read.plan : undefined;
    expect((await ada.keep(1, imported)).status).toBe(204);
    expect((await ada.read(1)).body['plan']).toEqual(imported);
    const steady = { kind: 'steady', durationS: 60, fraction: 0.5 };
    const plan = { name: 'x', description: '', segments: [steady] };
    for (const broken of [
      { ...plan, segments: [] },
      { ...plan, segments: [{ ...steady, fraction: 50 }] },
      { ...plan, segments: Array.from({ length: 1001 }, () => steady) },
      { ...plan, name: 'a\0b' },
      { ...plan, name: '\ud800' },
    ]) {
      const answer = await ada.keep(2, broken);
      expect([answer.status, answer.body['code']]).toEqual([400, 'bad-request']);
      expect(answer.body['detail']).toMatch(/^The body is \{plan\}\. plan/);
    }
    for (const name of ['', 'a\0b', 'x'.repeat(201)])
      expect(await codeOf(ada.rename(1, name))).toEqual([400, 'bad-request']);
    const heavy = { ...plan, note: 'x'.repeat(300_000) };
    expect(await codeOf(ada.keep(2, heavy))).toEqual([413, 'body-too-large']);
    expect(await ada.names()).toEqual(['Über hügel ☃']);
  });

  const bytes = Buffer.byteLength(JSON.stringify(plans[0]));
  test.each([
    { of: 'workouts', countMax: 3, bytesMax: 1_000_000, longer: [204, undefined] },
    { of: 'bytes', countMax: 100, bytesMax: bytes * 3, longer: [409, 'library-full'] },
  ])(
    'has a number of $of, also for two devices at the same moment',
    async ({ countMax, bytesMax, longer }) => {
      const server = await start({ countMax, bytesMax });
      const ada = rider(server, (await server.register('ada@example.com')).access);
      const numbers = [1, 2, 3, 4, 5, 6];
      const answers = await Promise.all(numbers.map((number) => ada.keep(number)));
      const codes = answers.map(({ status, body }) => (status === 204 ? 'kept' : body['code']));
      expect(codes.filter((code) => code === 'kept')).toHaveLength(3);
      expect(codes.filter((code) => code === 'library-full')).toHaveLength(3);
      // What is there already needs no room; what is deleted makes some, for a plan of its size.
      const kept = numbers.find((_, index) => codes[index] === 'kept') ?? 0;
      expect((await ada.keep(kept)).status).toBe(204);
      await ada.remove(kept);
      const more = { ...plans[0], description: `${plans[0]?.description} More.` };
      expect(await codeOf(ada.keep(7, more))).toEqual(longer);
      await ada.remove(7);
      expect((await ada.keep(8)).status).toBe(204);
      expect((await ada.keep(9)).status).toBe(409);
      // Another account's is another library.
      const bob = rider(server, (await server.register('bob@example.com')).access);
      expect((await bob.keep(1)).status).toBe(204);
    },
  );

  test('goes with its account, and with no other', async () => {
    const server = await start();
    const { access } = await server.register('ada@example.com');
    const bob = rider(server, (await server.register('bob@example.com')).access);
    await rider(server, access).keep(1);
    await bob.keep(1);
    await server.ask('DELETE', '/v1/accounts/me', { access, body: { password: goodPassword } });
    const pool = new Pool({ connectionString: server.stores.postgres });
    const { rows } = await pool.query('select account_id from trackstand.workouts');
    await pool.end();
    expect(rows).toHaveLength(1);
    expect(await bob.names()).toEqual(['Lunch break']);
    expect(await codeOf(rider(server, access).keep(2))).toEqual([401, 'access-refused']);
  });

  test('is kept without Redis too', async () => {
    const server = await start(undefined, { withoutRedis: true });
    const ada = rider(server, (await server.register('ada@example.com')).access);
    expect((await ada.keep(1)).status).toBe(204);
    expect(await ada.names()).toEqual(['Lunch break']);
  });
});

describe('LIBRARY.md', () => {
  const page = readFileSync(new URL('../../server/library/LIBRARY.md', import.meta.url), 'utf8');

  test('has every route and no other', async () => {
    const server = await start();
    const documented = [...page.matchAll(/^\| `([A-Z]+ \/v1\/[^`]+)`/gm)].map(([, route = '']) =>
      route.replaceAll(/<(\w+)>/g, ':$1'),
    );
    const real = server.routes.filter((route) => route.includes(place));
    expect(real).toHaveLength(5);
    expect(documented.toSorted()).toEqual(real.toSorted());
  });

  test('has every code with its status and no other', () => {
    const documented = [...page.matchAll(/^\| (\d{3}) \| (.*) \|$/gm)].flatMap(
      ([, status, codes = '']) =>
        [...codes.matchAll(/`([a-z-]+)`/g)].map(([, code = '']) => `${status} ${code}`),
    );
    const real = Object.entries(libraryProblems).map(([code, [status]]) => `${status} ${code}`);
    expect(documented.toSorted()).toEqual(real.toSorted());
  });
});

import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { connect, type LiveSession } from '../../client/connect.ts';
import { hello, openSocket, type Created } from '../support/raw-client.ts';
import { tally, type TallyState } from '../support/tally.ts';
import { isSaved, when } from '../support/watching.ts';
import { startAccountServer, tokensOf, type AccountServer } from './account-server.ts';

const servers: AccountServer[] = [];
const rides: { close(): void }[] = [];
afterEach(async () => {
  for (const ride of rides.splice(0)) ride.close();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function start(
  options: Parameters<typeof startAccountServer>[0] = {},
): Promise<AccountServer> {
  const server = await startAccountServer(options);
  servers.push(server);
  return server;
}

interface Begun {
  readonly session_id: string;
  readonly client_id: string;
  readonly resume_url: string;
}

async function begin(server: AccountServer, access?: string): Promise<Begun> {
  const body = { kind: 'tally', input: { bound: 1_000 } };
  const answer = await server.ask('POST', '/v1/sessions', { body, ...(access && { access }) });
  expect(answer.status).toBe(201);
  return answer.body as unknown as Begun;
}

async function ride(resumeUrl: string) {
  const session = await connect({
    session: tally,
    resumeUrl,
    WebSocket,
  });
  rides.push(session);
  return session;
}

/** Adds to the tally and waits until Postgres has it. */
async function add(session: Pick<LiveSession<never, never>, 'subscribe'>, send: () => void) {
  send();
  await when(session as never, isSaved);
}

const tokenIn = (url: string): string => new URL(url).hash.slice(1);
const listOf = async (server: AccountServer, access: string): Promise<readonly string[]> => {
  const { body } = await server.ask('GET', '/v1/accounts/me/sessions', { access });
  return (body['sessions'] as readonly Begun[]).map(({ session_id: id }) => id);
};

describe('a session', () => {
  test('begun with an access token is the account’s; without one it is nobody’s', async () => {
    const server = await start();
    const { access } = await server.register('ada@example.com');
    const stranger = await server.register('bob@example.com');
    const owned = await begin(server, access);
    await begin(server);
    expect(await listOf(server, access)).toEqual([owned.session_id]);
    expect(await listOf(server, stranger.access)).toEqual([]);
  });

  test('[F4] is closed with 4102 when its account has its number of connections; one that ends makes room', async () => {
    const server = await start({ bounds: { connectionsPerOwnerMax: 2 } });
    const { access } = await server.register('ada@example.com');
    const greeting = async () => {
      const created = (await begin(server, access)) as Created;
      const client = await openSocket(created.resume_url);
      client.send(hello(created));
      return client;
    };
    const first = await greeting();
    await first.nextOf('live');
    await (await greeting()).nextOf('live');
    const excess = await greeting();
    expect(await excess.closed).toMatchObject({ code: 4102 });
    // Nobody's session and another account's are not counted with them.
    await add((await ride((await begin(server)).resume_url)) as never, () => {});
    first.socket.close();
    await first.closed;
    await when(
      (await ride((await begin(server, access)).resume_url)) as never,
      ({ status }: { status: string }) => status === 'connected',
    );
  });

  test('is listed as live until it has ended', async () => {
    const ending = { ...tally, isEnded: ({ total }: TallyState) => total >= 100 };
    const server = await start({ sessions: [ending] });
    const { access } = await server.register('ada@example.com');
    const [over, live] = [await begin(server, access), await begin(server, access)];
    const session = await ride(over.resume_url);
    session.send('add', { amount: 100 });
    await when(session, isSaved);
    const { body } = await server.ask('GET', '/v1/accounts/me/sessions', { access });
    const listed = body['sessions'] as readonly (Begun & { readonly ended?: object })[];
    expect(listed.map(({ session_id: id, ended }) => [id, ended])).toEqual([
      [live.session_id, undefined],
      [over.session_id, { reason: 'finished', at: expect.stringMatching(/Z$/) }],
    ]);
  });

  test('[F5] is one of so many that an account may begin in a while, on any instance', async () => {
    const rates = { sessionByAccount: { name: 'session-account', burst: 2, eachMs: 600_000 } };
    const server = await start({ rates, bounds: { sessionsPerHourMax: 1 } });
    const { postgres, redis } = server.stores;
    const other = await start({ postgres, redis, rates });
    const { access } = await server.register('ada@example.com');
    await begin(server, access);
    await begin(other, access);
    const body = { kind: 'tally', input: { bound: 1 } };
    const refused = await server.ask('POST', '/v1/sessions', { body, access });
    expect([refused.status, refused.body['code']]).toEqual([429, 'too-many-sessions']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(1);
    const { access: anothers } = await server.register('bob@example.com');
    await begin(server, anothers);
    // Rides without an account have a number of their own.
    await begin(server);
    expect((await server.ask('POST', '/v1/sessions', { body })).status).toBe(429);
  });

  test('[R13] asked for again by its key stays whose it was, and becomes theirs who had no account then', async () => {
    const server = await start();
    const { access } = await server.register('ada@example.com');
    const { access: others } = await server.register('bob@example.com');
    const ask = async (key: string, by?: string) => {
      const client = { client_id: 'device-of-mine-0000000001', key };
      const body = { kind: 'tally', input: { bound: 1 }, ...client };
      const answer = await server.ask('POST', '/v1/sessions', {
        body,
        ...(by !== undefined && { access: by }),
      });
      expect(answer.status).toBe(201);
      return answer.body['session_id'];
    };
    const keys = ['first-key-of-a-session-01', 'other-key-of-a-session-01'] as const;
    const [owned, trial] = [await ask(keys[0], access), await ask(keys[1])];
    expect([await ask(keys[0], others), await ask(keys[0]), await ask(keys[1], others)]).toEqual([
      owned,
      owned,
      trial,
    ]);
    expect(await listOf(server, access)).toEqual([owned]);
    expect(await listOf(server, others)).toEqual([trial]);
  });

  test('is not begun for an access token that is no good', async () => {
    const server = await start();
    const body = { kind: 'tally', input: { bound: 1 } };
    const answer = await server.ask('POST', '/v1/sessions', { body, access: 'a1.no.good' });
    expect([answer.status, answer.body['code']]).toEqual([401, 'access-refused']);
  });

  test('that began without an account is claimed by who has its token, in the middle of the ride', async () => {
    const server = await start();
    const { access } = await server.register('ada@example.com');
    const stranger = await server.register('bob@example.com');
    const trial = await begin(server);
    const live = await ride(trial.resume_url);
    await add(live as never, () => live.send('add', { amount: 1 }));
    const claim = (token: string, asker: string) =>
      server.ask('POST', '/v1/accounts/me/sessions', {
        access: asker,
        body: { session_id: trial.session_id, client_id: trial.client_id, token },
      });
    const retired = tokenIn(trial.resume_url);
    const forged = `${retired.slice(0, -1)}${retired.endsWith('A') ? 'B' : 'A'}`;
    expect((await claim(forged, stranger.access)).body['code']).toBe('session-taken');
    expect((await claim(retired, access)).status).toBe(204);
    await add(live as never, () => live.send('add', { amount: 2 }));
    expect(live.view().state).toMatchObject({ total: 3 });
    expect(await listOf(server, access)).toEqual([trial.session_id]);
    // Once it has an owner, nobody else gets it, not even with the token.
    expect((await claim(retired, stranger.access)).body['code']).toBe('session-taken');
  });

  test('whose client gave its right up is claimed by nobody, whatever token they have of it', async () => {
    const server = await start();
    const { access } = await server.register('ada@example.com');
    const trial = await begin(server);
    const token = tokenIn(trial.resume_url);
    await server.ask('DELETE', new URL(trial.resume_url).pathname, { access: token });
    const body = { session_id: trial.session_id, client_id: trial.client_id, token };
    const claimed = await server.ask('POST', '/v1/accounts/me/sessions', { access, body });
    expect([claimed.status, claimed.body['code']]).toEqual([409, 'session-taken']);
    expect(await listOf(server, access)).toEqual([]);
  });

  test('is taken up on another device of its owner, and of nobody else', async () => {
    const server = await start();
    const { access } = await server.register('ada@example.com');
    const stranger = await server.register('bob@example.com');
    const owned = await begin(server, access);
    const first = await ride(owned.resume_url);
    await add(first as never, () => first.send('add', { amount: 5 }));
    const admit = (asker: string) =>
      server.ask('POST', `/v1/accounts/me/sessions/${owned.session_id}/clients`, { access: asker });
    expect((await admit(stranger.access)).body['code']).toBe('session-unknown');
    // One that is nobody's is not taken by who only knows its id: its token must be shown.
    const { session_id: trialId } = await begin(server);
    const taken = await server.ask('POST', `/v1/accounts/me/sessions/${trialId}/clients`, {
      access,
    });
    expect(taken.body['code']).toBe('session-unknown');
    const admitted = await admit(access);
    expect(admitted.status).toBe(201);
    const second = await ride(String(admitted.body['resume_url']));
    expect(second.view().state).toMatchObject({ total: 5 });
  });
});

describe('when a login ends', () => {
  test('its rides end with it: the connection is closed, the token is no good, other devices ride on', async () => {
    const server = await start();
    const phone = await server.register('ada@example.com');
    const laptop = tokensOf(await server.login('ada@example.com'));
    const onPhone = await begin(server, phone.access);
    const onLaptop = await begin(server, laptop.access);
    const [lost, kept] = [await ride(onPhone.resume_url), await ride(onLaptop.resume_url)];
    await add(lost as never, () => lost.send('add', { amount: 1 }));
    await add(kept as never, () => kept.send('add', { amount: 1 }));
    const stopped = when(lost, ({ status }) => status === 'stopped');
    await server.ask('DELETE', `/v1/logins/${phone.loginId}`, { access: laptop.access });
    expect((await stopped).stopReason).toBe('forbidden');
    const read = await server.ask('GET', new URL(onPhone.resume_url).pathname, {
      access: tokenIn(onPhone.resume_url),
    });
    expect([read.status, read.body['code']]).toEqual([401, 'token-revoked']);
    await add(kept as never, () => kept.send('add', { amount: 1 }));
    expect(kept.view().state).toMatchObject({ total: 2 });
    // The ride is still the account's.
    expect(await listOf(server, laptop.access)).toContain(onPhone.session_id);
  });

  test('on another instance than the ride’s, the ride ends too', async () => {
    const one = await start();
    const { postgres, redis } = one.stores;
    const other = await start({ postgres, redis });
    const { access, refresh } = await one.register('ada@example.com');
    const live = await ride((await begin(one, access)).resume_url);
    await add(live as never, () => live.send('add', { amount: 1 }));
    const stopped = when(live, ({ status }) => status === 'stopped');
    await other.ask('POST', '/v1/logins/end', { body: { refresh_token: refresh } });
    // Whichever way it hears of it: put out here, it comes back with a token that is no good any more.
    live.send('add', { amount: 1 });
    expect((await stopped).stopReason).toBe('forbidden');
  });
});

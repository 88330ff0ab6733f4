import { Client } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { connect, SessionNotCreatedError, type ConnectOptions } from '../../client/connect.ts';
import { memoryStorage } from '../../client/session-storage.ts';
import { startServer, type LiveServer } from '../support/live-server.ts';
import { manualClock } from '../support/manual-clock.ts';
import { tally, type TallyState } from '../support/tally.ts';
import { startRouter } from '../support/tcp-router.ts';
import { isSaved, when } from '../support/watching.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const nowhere = 'http://127.0.0.1:1';

async function started(): Promise<LiveServer> {
  const server = await startServer();
  cleanups.push(() => server.stop());
  return server;
}

/** An address behind which there is nothing yet. */
async function unreachable() {
  const router = await startRouter(nowhere);
  cleanups.push(() => router.stop());
  return router;
}

type Options = Partial<
  ConnectOptions<
    TallyState,
    Parameters<(typeof tally)['initial']>[0],
    Parameters<(typeof tally)['decide']>[1],
    Parameters<(typeof tally)['evolve']>[1]
  >
>;
async function connected(url: string, options: Options = {}) {
  const input = { bound: 1_000_000 };
  const session = await connect({ url, session: tally, input, WebSocket, ...options });
  cleanups.push(() => session.close());
  return session;
}

async function sessionCount({ stores }: LiveServer): Promise<number> {
  const client = new Client({ connectionString: stores.postgres });
  await client.connect();
  const { rows } = await client.query<{ count: number }>(
    'select count(*)::int as count from trackstand.sessions',
  );
  await client.end();
  return rows[0]?.count ?? 0;
}

const amounts = ({ added }: TallyState) => added.map(([, amount]) => amount);
const problem = (code: string, status: number) =>
  Response.json({ code, title: 'No.', status }, { status });

describe('a session begun while the service is out of reach', () => {
  test('[R13] [R6] is used at once, and delivered whole and in order when the service is back', async () => {
    const [server, router] = [await started(), await unreachable()];
    const session = await connected(router.url);
    const { sessionId } = session;
    for (let amount = 1; amount <= 400; amount++) session.send('add', { amount });
    const view = await when(session, ({ status }) => status === 'offline');
    expect(view).toMatchObject({ unaccepted: 400, unsaved: 400, receipt: undefined });
    router.route(server.url);
    const { state, receipt } = await when(session, isSaved);
    expect(amounts(state)).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
    expect(receipt).toMatchObject({ result: 'new', lost: 0 });
    expect(session.sessionId).toBe(sessionId);
    expect(await sessionCount(server)).toBe(1);
  });

  test('[R13] [C1] goes on in a page that is loaded again meanwhile, and after it was delivered', async () => {
    const [server, router] = [await started(), await unreachable()];
    const storage = memoryStorage();
    const former = await connected(router.url, { storage });
    former.send('add', { amount: 5 });
    former.close();
    const page = await connected(router.url, { storage, input: { bound: 1 } });
    expect([page.sessionId, page.clientId]).toEqual([former.sessionId, former.clientId]);
    expect(page.view()).toMatchObject({ unaccepted: 1, state: { total: 5, bound: 1_000_000 } });
    page.send('add', { amount: 6 });
    router.route(server.url);
    expect(amounts((await when(page, isSaved)).state)).toEqual([5, 6]);
    page.close();
    const again = await connected(router.url, { storage });
    expect(amounts((await when(again, isSaved)).state)).toEqual([5, 6]);
    expect(await sessionCount(server)).toBe(1);
  });

  test('[R13] an answer that is lost on the way makes no second session', async () => {
    const server = await started();
    let lostCount = 0;
    const lossy: typeof fetch = async (...request) => {
      const response = await fetch(...request);
      if (++lostCount <= 3) throw new TypeError('The connection was reset.');
      return response;
    };
    const session = await connected(server.url, { fetch: lossy });
    session.send('add', { amount: 5 });
    await when(session, isSaved);
    expect([lostCount, await sessionCount(server)]).toEqual([4, 1]);
  });

  test('[R13] one whose answer is long in coming is used meanwhile', async () => {
    const server = await started();
    const clock = manualClock();
    let answer = (): void => {};
    const storage = memoryStorage();
    let connecting: ReturnType<typeof connected> | undefined;
    await new Promise<void>((asked) => {
      const slow: typeof fetch = async (...request) => {
        asked();
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return fetch(...request);
      };
      connecting = connected(server.url, { fetch: slow, clock, storage });
    });
    clock.pass(5_000);
    const session = await connecting;
    if (session === undefined) throw new Error('Nothing was begun.');
    session.send('add', { amount: 5 });
    expect(session.view().state.total).toBe(5);
    expect((await storage.load())?.session.key).toMatch(/^[\w-]{22}$/);
    session.close();
    answer();
  });
});

describe('a service that answers when a session begins', () => {
  test('[P1] with a no is told by its code, and nothing is kept', async () => {
    const server = await started();
    const storage = memoryStorage();
    const refused = connected(server.url, {
      storage,
      fetch: () => Promise.resolve(problem('too-many-sessions', 429)),
    });
    await expect(refused).rejects.toThrow(SessionNotCreatedError);
    await expect(refused).rejects.toMatchObject({ code: 'too-many-sessions', status: 429 });
    expect(await storage.load()).toBeUndefined();
  });

  test('[R13] in trouble, or not itself, is asked again', async () => {
    const server = await started();
    const answers = [
      () => problem('store-unavailable', 503),
      () => new Response('<h1>Welcome to our network</h1>', { status: 200 }),
      () => new Response('<h1>Log in first</h1>', { status: 403 }),
      () => problem('access-refused', 401),
    ];
    const session = await connected(server.url, {
      fetch: async (...request) => answers.shift()?.() ?? fetch(...request),
    });
    session.send('add', { amount: 5 });
    expect((await when(session, isSaved)).state.total).toBe(5);
    expect(answers).toEqual([]);
  });

  test('[R13] [C1] with a no that will not change, later, stops the session and takes nothing from the device', async () => {
    const server = await started();
    const storage = memoryStorage();
    const answers = [problem('draining', 503), problem('bad-request', 400)];
    const session = await connected(server.url, {
      storage,
      fetch: () => Promise.resolve(answers.shift() ?? problem('internal', 500)),
    });
    session.send('add', { amount: 5 });
    const view = await when(session, ({ status }) => status === 'stopped');
    expect(view).toMatchObject({ stopReason: 'protocol-error', unaccepted: 1 });
    const again = await connected(server.url, { storage });
    expect((await when(again, isSaved)).state.total).toBe(5);
  });

  test('[R13] of an older release, which knows no key, gives the session another id', async () => {
    const server = await started();
    const older: typeof fetch = async (place, request) => {
      const { key: _unknown, ...body } = JSON.parse(request?.body as string) as { key: string };
      return fetch(place, { ...request, body: JSON.stringify(body) });
    };
    const storage = memoryStorage();
    const session = await connected(server.url, { fetch: older, storage });
    session.send('add', { amount: 5 });
    await when(session, isSaved);
    expect((await storage.load())?.session).toMatchObject({
      sessionId: session.sessionId,
      key: undefined,
    });
  });
});

import { Client } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { connect, SessionNotCreatedError, type ConnectOptions } from '../../client/connect.ts';
import { memoryStorage } from '../../client/session-storage.ts';
import { systemClock, type Clock } from '../../shared/clock.ts';
import { genesis } from '../../shared/session/fold.ts';
import { startServer, type LiveServer } from '../support/live-server.ts';
import { createSession, newIncarnation, type Created } from '../support/raw-client.ts';
import { tally, type TallyState } from '../support/tally.ts';
import { startRouter, type TcpRouter } from '../support/tcp-router.ts';
import { isSaved, when } from '../support/watching.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function started(options?: Parameters<typeof startServer>[0]): Promise<LiveServer> {
  const server = await startServer(options);
  cleanups.push(() => server.stop());
  return server;
}

async function routed(server: LiveServer): Promise<TcpRouter> {
  const router = await startRouter(server.url);
  cleanups.push(() => router.stop());
  return router;
}

type Tally = typeof tally;
type Options = Partial<
  ConnectOptions<
    TallyState,
    Parameters<Tally['initial']>[0],
    Parameters<Tally['decide']>[1],
    Parameters<Tally['evolve']>[1]
  >
>;
async function connected(url: string, options: Options = {}) {
  const session = await connect({
    url,
    session: tally,
    input: { bound: 1_000_000 },
    WebSocket,
    ...options,
  });
  cleanups.push(() => session.close());
  return session;
}

describe('the client library against a real server', () => {
  test('[C1] [C6] what is sent is seen at once and saved soon', async () => {
    const session = await connected((await started()).url);
    session.send('add', { amount: 5 });
    expect(session.view().state.total).toBe(5);
    const view = await when(session, isSaved);
    expect(view).toMatchObject({ state: { total: 5 }, unaccepted: 0 });
  });

  test('[R6] all connections cut again and again: everything arrives once and in order', async () => {
    const router = await routed(await started());
    const session = await connected(router.url);
    await when(session, isSaved);
    for (let amount = 1; amount <= 60; amount++) {
      session.send('add', { amount });
      if (amount % 12 === 0) {
        router.cut();
        await when(session, ({ status }) => status === 'reconnecting');
      }
      if (amount % 12 === 6) await when(session, ({ unaccepted }) => unaccepted === 0);
    }
    const { state, receipt } = await when(session, isSaved);
    expect(state.added.map((added) => added[1])).toEqual(
      Array.from({ length: 60 }, (_, index) => index + 1),
    );
    expect(receipt).toMatchObject({ lost: 0, result: 'resumed' });
  });

  test('[D2] [O1] a drain moves the client to the other instance before the old connection is closed: the gap is 0', async () => {
    // The grace is what a busy machine may need; nobody waits for its end.
    const former = await started({ drain: { noticeMs: 0, movesPerS: 1_000, graceMs: 60_000 } });
    const next = await started(former.stores);
    const router = await routed(former);
    const session = await connected(router.url);
    session.send('add', { amount: 1 });
    await when(session, isSaved);
    const statuses: string[] = [];
    session.subscribe(({ status }) => statuses.push(status));
    router.route(next.url);
    await former.stop();
    session.send('add', { amount: 2 });
    const view = await when(session, (view) => isSaved(view) && view.state.total === 3);
    expect(view.receipt).toMatchObject({ gapMs: 0, lost: 0, result: 'resumed' });
    expect(new Set(statuses)).toEqual(new Set(['connected', 'moving']));
  });

  test('[R1] a page that is loaded again goes on with the session it kept', async () => {
    const server = await started();
    const storage = memoryStorage();
    const page = await connected(server.url, { storage });
    page.send('add', { amount: 7 });
    await when(page, isSaved);
    const again = await connected(server.url, { storage });
    expect(again.sessionId).toBe(page.sessionId);
    expect(again.view().state.total).toBe(7);
    again.send('add', { amount: 1 });
    expect((await when(again, isSaved)).state.total).toBe(8);
    expect((await when(page, ({ status }) => status === 'stopped')).stopReason).toBe('taken-over');
  });

  test('[R2] a session of another device is taken up by its resume_url', async () => {
    const server = await started();
    const response = await fetch(`${server.url}/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'tally', input: { bound: 9 } }),
    });
    const { resume_url: resumeUrl } = (await response.json()) as { resume_url: string };
    const session = await connected(server.url, { input: undefined, resumeUrl });
    expect(session.view().state).toMatchObject({ bound: 9, total: 0 });
  });

  test('[C7] data the kind does not take is refused on the spot, with one sentence', async () => {
    const session = await connected((await started()).url);
    expect(() => session.send('add', { amount: 'much' as unknown as number })).toThrow(
      /^add: amount: /,
    );
    expect(session.view().unsaved).toBe(0);
  });

  test('[P1] what the kind does not begin with is told by a code', async () => {
    const server = await started();
    const refused = connected(server.url, { input: { bound: 'x' as unknown as number } });
    await expect(refused).rejects.toThrow(SessionNotCreatedError);
    await expect(refused).rejects.toMatchObject({ code: 'bad-request' });
  });

  test('[B1] [R6] many large commands given without a network fit into frames, and all arrive', async () => {
    const server = await started();
    const router = await routed(server);
    const session = await connected(router.url);
    await when(session, ({ status }) => status === 'connected');
    router.route('http://127.0.0.1:1');
    router.cut();
    await when(session, ({ status }) => status !== 'connected');
    // 500 kB in fewer commands than a frame may have.
    const note = 'ä'.repeat(1_000);
    const given: { readonly amount: number } = Object.assign({ amount: 1 }, { note });
    for (let count = 0; count < 250; count++) session.send('add', { ...given });
    router.route(server.url);
    expect(await when(session, isSaved)).toMatchObject({ state: { total: 250 } });
  });

  test('[B2] [B12] a command no server would take is refused when it is given, and ends nothing', async () => {
    const session = await connected((await started()).url);
    const large: { readonly amount: number } = Object.assign(
      { amount: 1 },
      { note: 'x'.repeat(20_000) },
    );
    const deep = Array.from({ length: 40 }).reduce<object>((inner) => ({ inner }), {});
    const nested: { readonly amount: number } = Object.assign({ amount: 1 }, { deep });
    for (const data of [large, nested]) expect(() => session.send('add', data)).toThrow(TypeError);
    session.send('add', { amount: 2 });
    expect(await when(session, isSaved)).toMatchObject({ state: { total: 2 } });
  });

  test.each(['hello', 'remind'])(
    '[H2] [R12] a %s that is stuck in the network while the timers of a hidden tab sleep ends no session',
    async (stuck) => {
      const server = await started({ withoutRedis: true });
      let stuckCount = 0;
      class StallingSocket extends WebSocket {
        override send(frame: string): void {
          if (frame.includes(`"type":"${stuck}"`) && stuckCount++ === 0) return;
          super.send(frame);
        }
      }
      const after: Clock['after'] = (delayMs, callback) =>
        systemClock.after(delayMs >= 1_000 ? 3_600_000 : delayMs, callback);
      const created = await createSession(server.url);
      if (stuck === 'remind') await loseEverything(server);
      const storage = memoryStorage();
      await storage.save(keptFrom(created));
      const clock = { ...systemClock, after };
      const session = await connected(server.url, { storage, clock, WebSocket: StallingSocket });
      session.send('add', { amount: 5 });
      expect(await when(session, isSaved)).toMatchObject({ state: { total: 5 } });
      expect(stuckCount).toBe(2);
    },
  );
});

async function loseEverything({ stores }: LiveServer): Promise<void> {
  const client = new Client({ connectionString: stores.postgres });
  await client.connect();
  await client.query('delete from trackstand.sessions');
  await client.end();
}

/** What a device keeps of a session it began. */
function keptFrom({ session_id: sessionId, client_id: clientId, resume_url, origin }: Created) {
  const { href, hash } = new URL(resume_url);
  const input = { bound: 1_000_000 };
  return {
    sessionId,
    clientId,
    origin,
    input,
    url: href.replace(hash, ''),
    token: hash.slice(1),
    incarnation: newIncarnation(),
    accepted: 0,
    checkpointed: 0,
    snapshot: genesis(tally, input),
  };
}

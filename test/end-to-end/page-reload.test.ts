import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { connect, type SessionView } from '../../client/connect.ts';
import type { WebSocketConstructor } from '../../client/link.ts';
import { memoryStorage, type SessionStorage } from '../../client/session-storage.ts';
import { startServer } from '../support/live-server.ts';
import { tally, type TallyState } from '../support/tally.ts';
import { startRouter } from '../support/tcp-router.ts';
import { tellingSockets } from '../support/telling-socket.ts';
import { isSaved, when } from '../support/watching.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function routedServer(options: Parameters<typeof startServer>[0]) {
  const server = await startServer(options);
  cleanups.push(() => server.stop());
  const router = await startRouter(server.url);
  cleanups.push(() => router.stop());
  return { server, router };
}

async function openPage(url: string, storage: SessionStorage, WebSocket: WebSocketConstructor) {
  const input = { bound: 1_000_000 };
  const page = await connect({ url, session: tally, input, storage, WebSocket });
  cleanups.push(() => page.close());
  return page;
}

const amountsOf = ({ added }: TallyState): readonly number[] => added.map(([, amount]) => amount);

/** As the server has it, asked past the router for whoever the storage belongs to. */
async function amountsAt(url: string, storage: SessionStorage): Promise<readonly number[]> {
  const kept = await storage.load();
  if (kept === undefined) throw new Error('The device keeps no session.');
  const { pathname } = new URL(kept.session.url);
  const headers = { authorization: `Bearer ${kept.session.token}` };
  const response = await fetch(`${url}${pathname}`, { headers });
  return amountsOf(((await response.json()) as { state: TallyState }).state);
}

describe.each([{ withoutRedis: false }, { withoutRedis: true }])(
  'a page loaded again between send and accepted, %o',
  (setting) => {
    test.each([
      { held: 'there', other: 'back', at: 'had not reached the server', known: [1] },
      { held: 'back', other: 'there', at: 'had, and the answer is lost', known: [1, 7] },
    ] as const)('[C1] [R6] [C2] the command $at: it is there once', async (way) => {
      const { server, router } = await routedServer(setting);
      const [storage, sockets] = [memoryStorage(), tellingSockets()];
      const page = await openPage(router.url, storage, sockets.Socket);
      page.send('add', { amount: 1 });
      await when(page, isSaved);
      const arrivals = [router.hold(way.held)];
      page.send('add', { amount: 7 });
      await sockets.whenSent((frame) => frame.type === 'commands' && frame.seq === 2);
      await expect.poll(() => amountsAt(server.url, storage)).toEqual(way.known);
      expect(page.view()).toMatchObject({ status: 'connected', unaccepted: 1 });
      // A page that goes says nothing that anybody hears.
      arrivals.push(router.hold(way.other));
      page.close();
      const again = await openPage(router.url, storage, WebSocket);
      const isBack = (view: SessionView<TallyState>) => isSaved(view) && view.receipt !== undefined;
      const { state, receipt } = await when(again, isBack);
      expect(amountsOf(state)).toEqual([1, 7]);
      expect(receipt).toMatchObject({ result: 'resumed', lost: 0 });
      // What was held up arrives after all, from a page that is no more.
      for (const arrive of arrivals) arrive();
      await sockets.allClosed();
      again.send('add', { amount: 8 });
      await when(again, isSaved);
      expect(await amountsAt(server.url, storage)).toEqual([1, 7, 8]);
    });
  },
);

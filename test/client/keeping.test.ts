import { describe, expect, test } from 'vitest';

import { connect } from '../../client/connect.ts';
import { SessionClient } from '../../client/session-client.ts';
import { memoryStorage, type SessionStorage } from '../../client/session-storage.ts';
import { genesis } from '../../shared/session/fold.ts';
import { greet, settle, startClient, stored } from '../support/client-harness.ts';
import { scriptedSockets, type ScriptedSocket } from '../support/scripted-socket.ts';
import { tally } from '../support/tally.ts';

const bound = 1_000_000;
const roomy = { ...stored, input: { bound }, snapshot: genesis(tally, { bound }) };

/** Takes what is sent as a service does that keeps all of it, until nothing more comes; returns the seqs as they came. */
async function takeAll(
  socket: ScriptedSocket,
  clock: { pass: (ms: number) => void },
): Promise<number[]> {
  const seqs: number[] = [];
  for (let taken = 0, idle = 0; idle < 20; idle += 1) {
    for (const { type, seq, commands } of socket.sent.slice(taken)) {
      taken += 1;
      if (type !== 'commands') continue;
      idle = 0;
      const count = (commands as unknown[]).length;
      for (let n = 0; n < count; n += 1) seqs.push(Number(seq) + n);
      const accepted = seqs.length;
      socket.receive({ type: 'watermarks', accepted, checkpointed: accepted });
    }
    clock.pass(100);
    await settle();
  }
  return seqs;
}

test('three hours without a network, with a reload in the middle, are delivered once and in order', async () => {
  const hours = { storage: memoryStorage(), commands: 3 * 3_600 };
  await hours.storage.save(roomy);
  const { clock, client } = startClient({}, { session: roomy, storage: hours.storage });
  for (let n = 0; n < hours.commands / 2; n += 1) client.send('add', { amount: 1 });
  await settle();
  expect(client.view()).toMatchObject({ unaccepted: hours.commands / 2, unkept: 0 });
  client.close();
  const kept = await hours.storage.load();
  const { WebSocket, sockets } = scriptedSockets();
  const next = new SessionClient(kept?.session ?? roomy, kept?.commands ?? [], {
    model: tally,
    storage: hours.storage,
    WebSocket,
    clock,
    random: () => 0.5,
    newId: () => 'incarnation-0000000009',
    warn: (problem) => expect.unreachable(String(problem)),
  });
  next.start();
  for (let n = 0; n < hours.commands / 2; n += 1) next.send('add', { amount: 1 });
  await settle();
  expect(next.view()).toMatchObject({ unaccepted: hours.commands, unkept: 0 });
  const [socket] = sockets;
  if (socket === undefined) throw new Error('There is no socket.');
  greet(socket);
  const seqs = await takeAll(socket, clock);
  expect(seqs).toEqual(Array.from({ length: hours.commands }, (_, index) => index + 1));
  expect(next.view()).toMatchObject({ unaccepted: 0, unsaved: 0 });
});

describe('a device whose storage is full', () => {
  /** Storage that can be filled up, and whose writes can be held. */
  function fullable() {
    const inner = memoryStorage();
    const is = { full: false };
    const storage: SessionStorage = {
      ...inner,
      addCommands: (...write) =>
        is.full ? Promise.reject(new Error('Full.')) : inner.addCommands(...write),
    };
    return { storage, is };
  }

  test('sends what it cannot keep, says how much only the page has, and keeps all of it when there is room', async () => {
    const { storage, is } = fullable();
    await storage.save(stored);
    const { client, warnings } = startClient({}, { storage });
    client.send('add', { amount: 1 });
    await settle();
    is.full = true;
    for (const amount of [2, 3, 4]) {
      client.send('add', { amount });
      await settle();
    }
    expect(warnings).toHaveLength(3);
    expect((await storage.load())?.commands).toHaveLength(1);
    client.send('add', { amount: 5 });
    expect(client.view().unkept).toBe(4);
    await settle();
    is.full = false;
    client.send('add', { amount: 6 });
    await settle();
    expect((await storage.load())?.commands.map(([, data]) => data)).toEqual(
      [1, 2, 3, 4, 5, 6].map((amount) => ({ amount })),
    );
    client.send('add', { amount: 7 });
    expect(client.view().unkept).toBe(1);
  });

  test('what the service has is not counted as kept by the page alone', async () => {
    const { storage, is } = fullable();
    await storage.save(stored);
    const { client, socketAt, clock } = startClient({}, { storage });
    greet(socketAt(0));
    is.full = true;
    for (const amount of [1, 2, 3]) client.send('add', { amount });
    await settle();
    expect(await takeAll(socketAt(0), clock)).toEqual([1, 2, 3]);
    expect(client.view()).toMatchObject({ unkept: 0, unaccepted: 0 });
  });

  test('a write that succeeds behind one that failed leaves no hole', async () => {
    const held: (() => void)[] = [];
    const inner = memoryStorage();
    await inner.save(stored);
    let count = 0;
    const storage: SessionStorage = {
      ...inner,
      addCommands: async (incarnation, seq, commands) => {
        count += 1;
        if (count === 1) {
          await new Promise<void>((resolve) => held.push(resolve));
          throw new Error('Full.');
        }
        await inner.addCommands(incarnation, seq, commands).catch(() => {});
      },
    };
    const { client } = startClient({}, { storage });
    client.send('add', { amount: 1 });
    client.send('add', { amount: 2 });
    await settle();
    held[0]?.();
    await settle();
    client.send('add', { amount: 3 });
    await settle();
    expect((await storage.load())?.commands).toHaveLength(3);
  });
});

test('what a browser has thrown away is kept again, from what the page has', async () => {
  let lose = (): void => {};
  let inner = memoryStorage();
  const storage: SessionStorage = {
    load: () => inner.load(),
    save: (session) => inner.save(session),
    addCommands: (...write) => inner.addCommands(...write),
    clear: () => inner.clear(),
    onLost: (lost) => {
      lose = lost;
    },
  };
  await storage.save(stored);
  const { client } = startClient({}, { storage });
  for (const amount of [1, 2, 3]) client.send('add', { amount });
  await settle();
  inner = memoryStorage();
  lose();
  await settle();
  const kept = await storage.load();
  expect(kept?.session.sessionId).toBe(stored.sessionId);
  expect(kept?.commands.map(([, data]) => data)).toEqual([
    { amount: 1 },
    { amount: 2 },
    { amount: 3 },
  ]);
  client.close();
  inner = memoryStorage();
  lose();
  await settle();
  expect(await storage.load()).toBeUndefined();
});

test('a session whose tab was taken over stops with that reason, and closing it lets go of the tab', async () => {
  const storage = memoryStorage();
  await storage.save(stored);
  let lose = (): void => {};
  let releases = 0;
  const hold = {
    lost: new Promise<void>((resolve) => {
      lose = resolve;
    }),
    release: () => {
      releases += 1;
    },
  };
  const { WebSocket, sockets } = scriptedSockets();
  const session = await connect({ session: tally, storage, WebSocket, hold });
  lose();
  await settle();
  expect(session.view()).toMatchObject({ status: 'stopped', stopReason: 'taken-over' });
  expect(sockets.map(({ isClosed }) => isClosed)).toEqual([true]);
  session.close();
  expect(releases).toBe(1);
});

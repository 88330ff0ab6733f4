import { beforeEach, describe, expect, test } from 'vitest';

import { SessionClient } from '../../client/session-client.ts';
import { memoryStorage, type SessionStorage } from '../../client/session-storage.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import { commandHash, genesis } from '../../shared/session/fold.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';
import { scriptedSockets, type ScriptedSocket } from '../support/scripted-socket.ts';
import { tally, type TallyState } from '../support/tally.ts';

const stored = {
  sessionId: 'session',
  clientId: 'client-0000000000000001',
  url: 'http://ride.example/v1/sessions/session/clients/client',
  token: 'token-1',
  incarnation: 'incarnation-0000000001',
  accepted: 0,
  checkpointed: 0,
  snapshot: genesis(tally, { bound: 1_000 }),
};

const welcome = {
  type: 'welcome',
  result: 'new',
  epoch: 'e',
  accepted: 0,
  checkpointed: 0,
  hash_seq: 0,
  hash: '',
  head: 0,
  token: 'token-2',
  heartbeat_ms: 20_000,
  pong_timeout_ms: 10_000,
  retention_ms: 1_000,
  backoff_ms: [200, 20_000],
  limits: defaultLimits,
  release: 'r',
};
const writer = {
  client_id: stored.clientId,
  incarnation: stored.incarnation,
  generation: 1,
  accepted: 0,
  hash_seq: 0,
  hash: '',
  at_ms: 0,
};
const joinedSnapshot = { ...stored.snapshot, offset: 1, writers: [writer] };

describe('a client', () => {
  let clock: ManualClock;
  let sockets: ScriptedSocket[];
  let storage: SessionStorage;
  let client: SessionClient;
  let warnings: unknown[];

  const socketAt = (index: number): ScriptedSocket => {
    const socket = sockets.at(index);
    if (socket === undefined) throw new Error('There is no such socket.');
    return socket;
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  const greet = (
    socket: ScriptedSocket,
    more: object = {},
    snapshot: object = joinedSnapshot,
  ): void => {
    socket.open();
    socket.receive({ ...welcome, ...more });
    socket.receive({ type: 'snapshot', snapshot });
    socket.receive({ type: 'live', offset: 1 });
  };
  const entry = (offset: number, seq: number, amount: number): object => ({
    offset,
    writer: 0,
    seq,
    at_ms: 1,
    events: [['added', { amount, clientId: stored.clientId, atMs: 1 }]],
  });
  const total = (): number => (client.view().state as TallyState).total;

  beforeEach(() => {
    clock = manualClock();
    storage = memoryStorage();
    warnings = [];
    const scripted = scriptedSockets();
    ({ sockets } = scripted);
    let count = 1;
    client = new SessionClient(stored, [], {
      model: tally,
      storage,
      WebSocket: scripted.WebSocket,
      clock,
      random: () => 0.5,
      newId: () => `incarnation-000000000${++count}`,
      warn: (problem) => warnings.push(problem),
    });
    client.start();
  });

  test('says hello with its token, and without a position while it has none', () => {
    socketAt(0).open();
    expect(socketAt(0).url).toBe('ws://ride.example/v1/sessions/session/clients/client');
    expect(socketAt(0).sent).toEqual([
      {
        type: 'hello',
        token: 'token-1',
        incarnation: stored.incarnation,
        kind: 'tally',
        version: 1,
        accepted: 0,
      },
    ]);
  });

  test('shows a command at once, sends it when it is kept, and counts it until it is saved', async () => {
    greet(socketAt(0));
    client.send('add', { amount: 5 });
    expect(total()).toBe(5);
    expect(socketAt(0).sent.length).toBe(1);
    await settle();
    expect(socketAt(0).sent[1]).toMatchObject({ type: 'commands', seq: 1 });
    expect(client.view()).toMatchObject({ unsaved: 1, unaccepted: 1 });
    socketAt(0).receive({
      type: 'entries',
      accepted: 1,
      checkpointed: 0,
      entries: [entry(2, 1, 5)],
    });
    expect(client.view()).toMatchObject({ unsaved: 1, unaccepted: 0 });
    socketAt(0).receive({ type: 'watermarks', accepted: 1, checkpointed: 1 });
    expect(client.view()).toMatchObject({ unsaved: 0, status: 'connected' });
    expect(total()).toBe(5);
  });

  test('sends nothing before it is welcomed', async () => {
    socketAt(0).open();
    client.send('add', { amount: 5 });
    await settle();
    expect(socketAt(0).sent.map(({ type }) => type)).toEqual(['hello']);
  });

  test('gathers what comes while something is in flight for 100 ms', async () => {
    greet(socketAt(0));
    for (const amount of [1, 2, 3]) {
      client.send('add', { amount });
      await settle();
    }
    expect(socketAt(0).sent.length).toBe(2);
    clock.pass(100);
    expect(socketAt(0).sent[2]).toMatchObject({
      seq: 2,
      commands: [
        ['add', { amount: 2 }, 1_000_000],
        ['add', { amount: 3 }, 1_000_000],
      ],
    });
  });

  test('never has more in flight than the server takes', async () => {
    greet(socketAt(0), { limits: { ...defaultLimits, in_flight_max: 2 } });
    for (const amount of [1, 2, 3]) client.send('add', { amount });
    await settle();
    clock.pass(100);
    expect(
      socketAt(0)
        .sent.slice(1)
        .flatMap(({ commands }) => commands as unknown[]).length,
    ).toBe(2);
    socketAt(0).receive({
      type: 'entries',
      accepted: 2,
      checkpointed: 0,
      entries: [entry(2, 1, 1), entry(3, 2, 2)],
    });
    clock.pass(40);
    expect(socketAt(0).sent.at(-1)).toMatchObject({ seq: 3 });
  });

  test('[B5] however quick the server answers, its frames stay within half the bound', async () => {
    greet(socketAt(0));
    for (let seq = 1; seq <= 100; seq++) {
      client.send('add', { amount: 1 });
      await settle();
      socketAt(0).receive({ type: 'watermarks', accepted: seq, checkpointed: 0 });
      clock.pass(10);
    }
    expect(socketAt(0).sent.length).toBeLessThanOrEqual(1 + defaultLimits.frames_per_s_max / 2 + 1);
  });

  test('after a break it comes back within the first bound, with the new token and its position, and sends again what was not accepted', async () => {
    greet(socketAt(0));
    client.send('add', { amount: 5 });
    await settle();
    socketAt(0).end(1006);
    expect(client.view().status).toBe('reconnecting');
    client.send('add', { amount: 6 });
    await settle();
    expect(total()).toBe(11);
    clock.pass(99);
    expect(sockets.length).toBe(1);
    clock.pass(1);
    socketAt(1).open();
    expect(socketAt(1).sent[0]).toMatchObject({
      token: 'token-2',
      position: { epoch: 'e', offset: 1 },
    });
    socketAt(1).receive({ ...welcome, result: 'resumed' });
    socketAt(1).receive({ type: 'live', offset: 1 });
    expect(socketAt(1).sent[1]).toMatchObject({
      seq: 1,
      commands: [
        ['add', { amount: 5 }, 1_000_000],
        ['add', { amount: 6 }, 1_000_000],
      ],
    });
    expect(client.view().receipt).toEqual({
      gapMs: 100,
      replayed: 0,
      resent: 1,
      lost: 0,
      result: 'resumed',
    });
  });

  test('[D2] on goaway it opens the next connection before it leaves the old one, with no gap', async () => {
    greet(socketAt(0));
    socketAt(0).receive({ type: 'goaway', slot_ms: 40, deadline_ms: 1_000 });
    expect(client.view().status).toBe('moving');
    expect(sockets.length).toBe(1);
    clock.pass(40);
    expect(sockets.length).toBe(2);
    expect(socketAt(0).isClosed).toBe(false);
    client.send('add', { amount: 5 });
    await settle();
    expect(socketAt(0).sent.at(-1)).toMatchObject({ type: 'commands', seq: 1 });
    greet(socketAt(1), { result: 'resumed' });
    expect(socketAt(0).isClosed).toBe(true);
    expect(socketAt(1).sent.at(-1)).toMatchObject({ type: 'commands', seq: 1 });
    expect(client.view()).toMatchObject({ status: 'connected', receipt: { gapMs: 0 } });
  });

  test('[D2] when the move fails the old connection goes on serving', () => {
    greet(socketAt(0));
    socketAt(0).receive({ type: 'goaway', slot_ms: 0, deadline_ms: 1_000 });
    clock.pass(0);
    socketAt(1).end(1006);
    socketAt(0).receive({ type: 'watermarks', accepted: 0, checkpointed: 0 });
    expect(socketAt(0).isClosed).toBe(false);
    socketAt(0).end(4200);
    clock.pass(100);
    expect(sockets.length).toBe(3);
  });

  test('[R5] put out by a newer connection it stops, and does not come back by itself', () => {
    greet(socketAt(0));
    socketAt(0).end(4009);
    clock.pass(1_000_000);
    expect(sockets.length).toBe(1);
    expect(client.view()).toMatchObject({ status: 'stopped', stopCode: 4009 });
  });

  test('[R7] when the server knows another command under its seq it numbers anew under a new incarnation', async () => {
    greet(socketAt(0));
    client.send('add', { amount: 5 });
    await settle();
    socketAt(0).end(1006);
    clock.pass(100);
    socketAt(1).open();
    socketAt(1).receive({
      ...welcome,
      accepted: 1,
      hash_seq: 1,
      hash: commandHash(['add', { amount: 9 }, 1]),
    });
    greet(socketAt(2));
    expect(socketAt(2).sent[0]).toMatchObject({
      incarnation: 'incarnation-0000000002',
      accepted: 0,
    });
    expect(socketAt(2).sent[1]).toMatchObject({
      seq: 1,
      commands: [['add', { amount: 5 }, 1_000_000]],
    });
    expect(total()).toBe(5);
  });

  test('[C3] after a gap it goes on from the seq expected', async () => {
    greet(socketAt(0));
    client.send('add', { amount: 5 });
    await settle();
    socketAt(0).receive({ type: 'gap', expected: 1 });
    clock.pass(40);
    expect(socketAt(0).sent.slice(1)).toMatchObject([{ seq: 1 }, { seq: 1 }]);
  });

  test('[E1] entries that do not follow are not applied: it asks for a snapshot', () => {
    greet(socketAt(0));
    socketAt(0).receive({
      type: 'entries',
      accepted: 0,
      checkpointed: 0,
      entries: [entry(7, 1, 5)],
    });
    expect(warnings.length).toBe(1);
    expect(total()).toBe(0);
    socketAt(1).open();
    expect(socketAt(1).sent[0]).not.toHaveProperty('position');
  });

  test('[H5] it answers a ping from the message, and takes silence for a dead connection', () => {
    greet(socketAt(0));
    socketAt(0).receive({ type: 'ping', n: 4 });
    expect(socketAt(0).sent.at(-1)).toEqual({ type: 'pong', n: 4 });
    clock.pass(29_999);
    expect(client.view().status).toBe('connected');
    clock.pass(1);
    expect(client.view().status).toBe('reconnecting');
  });

  test('[H7] frames it does not know mean nothing to it', () => {
    greet(socketAt(0));
    socketAt(0).receive({ type: 'confetti', n: 4 });
    expect(client.view().status).toBe('connected');
  });

  test('woken up it asks for a sign of life, and does not wait long for it', () => {
    greet(socketAt(0));
    client.wake();
    expect(socketAt(0).sent.at(-1)).toMatchObject({ type: 'ping' });
    clock.pass(3_000);
    expect(client.view().status).toBe('reconnecting');
  });

  test('says offline after several tries in vain, and goes on trying', () => {
    for (let attempt = 0; attempt < 6; attempt++) {
      socketAt(-1).end(1006);
      clock.pass(4_500);
    }
    expect(client.view().status).toBe('offline');
    greet(socketAt(-1));
    expect(client.view().status).toBe('connected');
  });

  test('after a refresh the same commands are there and only what is missing is sent', async () => {
    greet(socketAt(0));
    client.send('add', { amount: 5 });
    client.send('add', { amount: 6 });
    await settle();
    socketAt(0).receive({ type: 'watermarks', accepted: 1, checkpointed: 0 });
    const kept = await storage.load();
    expect(kept?.commands.length).toBe(2);
    const scripted = scriptedSockets();
    const again = new SessionClient(kept?.session ?? stored, kept?.commands ?? [], {
      model: tally,
      storage,
      WebSocket: scripted.WebSocket,
      clock,
      random: () => 0.5,
      newId: () => 'unused',
      warn: () => {},
    });
    again.start();
    expect((again.view().state as TallyState).total).toBe(11);
    const [socket] = scripted.sockets;
    if (socket === undefined) throw new Error('It did not connect.');
    greet(
      socket,
      { result: 'resumed', accepted: 1 },
      { ...joinedSnapshot, writers: [{ ...writer, accepted: 1 }] },
    );
    expect(socket.sent[1]).toMatchObject({ type: 'commands', seq: 2 });
  });
});

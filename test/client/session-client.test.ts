import { beforeEach, describe, expect, test } from 'vitest';

import { SessionClient } from '../../client/session-client.ts';
import { decodeClientFrame } from '../../shared/protocol/codec.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import { commandHash } from '../../shared/session/fold.ts';
import {
  entry,
  greet,
  joinedSnapshot,
  settle,
  startClient,
  stored,
  writer,
  type ClientHarness,
} from '../support/client-harness.ts';
import { scriptedSockets } from '../support/scripted-socket.ts';
import { tally, type TallyState } from '../support/tally.ts';

describe('a client', () => {
  let clock: ClientHarness['clock'];
  let storage: ClientHarness['storage'];
  let client: ClientHarness['client'];
  let socketAt: ClientHarness['socketAt'];
  let total: ClientHarness['total'];

  beforeEach(() => {
    ({ clock, storage, client, socketAt, total } = startClient());
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
      proof: 'p',
      accepted: 1,
      checkpointed: 0,
      entries: [entry(2, 1, 5)],
    });
    expect(client.view()).toMatchObject({ unsaved: 1, unaccepted: 0 });
    socketAt(0).receive({ type: 'watermarks', accepted: 1, checkpointed: 1 });
    expect(client.view()).toMatchObject({ unsaved: 0, status: 'connected' });
    expect(total()).toBe(5);
  });

  test('a break is not shorter than nothing when the clock was set back during it', () => {
    greet(socketAt(0));
    socketAt(0).end(1006);
    clock.setForward(-3_600_000);
    clock.pass(100);
    greet(socketAt(1), { result: 'resumed' });
    expect(client.view()).toMatchObject({ status: 'connected', receipt: { gapMs: 0 } });
  });

  test('what is given in one turn goes in one frame', async () => {
    greet(socketAt(0));
    for (const amount of [1, 2, 3]) client.send('add', { amount });
    await settle();
    expect(socketAt(0).sent.slice(1)).toMatchObject([
      { type: 'commands', seq: 1, commands: [{}, {}, {}] },
    ]);
  });

  test('[C8] tells the hash of each command, also of one that JSON writes otherwise than it was given', async () => {
    greet(socketAt(0));
    client.send('add', { amount: 5, when: new Date(0), nothing: undefined });
    client.send('add', { amount: 6 });
    await settle();
    const frame = decodeClientFrame(JSON.stringify(socketAt(0).sent[1]));
    if (frame.type !== 'commands') throw new Error(frame.type);
    expect(frame.hashes?.length).toBe(2);
    // What a server computes of what it read, where it is told none.
    expect(frame.hashes).toEqual(frame.commands.map(commandHash));
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

  test('what finds no room in a frame leaves with the next one, without waiting for an answer', async () => {
    greet(socketAt(0), { limits: { ...defaultLimits, frame_commands_max: 2 } });
    for (const amount of [1, 2, 3, 4, 5]) client.send('add', { amount });
    await settle();
    const firstSeqs = (): unknown[] =>
      socketAt(0)
        .sent.slice(1)
        .map(({ seq }) => seq);
    expect(firstSeqs()).toEqual([1]);
    clock.pass(200);
    expect(firstSeqs()).toEqual([1, 3, 5]);
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
      proof: 'p',
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

  test('a command that could not be kept is kept with the next one, and sent all the same', async () => {
    greet(socketAt(0));
    const { addCommands } = storage;
    storage.addCommands = () => Promise.reject(new Error('The disk is full.'));
    client.send('add', { amount: 1 });
    await settle();
    expect(socketAt(0).sent.at(-1)).toMatchObject({ seq: 1 });
    storage.addCommands = addCommands;
    client.send('add', { amount: 2 });
    await settle();
    expect((await storage.load())?.commands.length).toBe(2);
  });

  test('after its end nothing is put back into a storage that was cleared', async () => {
    greet(socketAt(0));
    client.close();
    await storage.clear();
    socketAt(0).receive({ type: 'watermarks', accepted: 0, checkpointed: 0 });
    expect(await storage.load()).toBeUndefined();
  });

  test('[C3] after a gap it goes on from the seq expected', async () => {
    greet(socketAt(0));
    client.send('add', { amount: 5 });
    await settle();
    socketAt(0).receive({ type: 'gap', expected: 1 });
    clock.pass(40);
    expect(socketAt(0).sent.slice(1)).toMatchObject([{ seq: 1 }, { seq: 1 }]);
  });

  test('[H7] frames it does not know mean nothing to it', () => {
    greet(socketAt(0));
    socketAt(0).receive({ type: 'confetti', n: 4 });
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

import { beforeEach, describe, expect, test } from 'vitest';

import { commandHash } from '../../shared/session/fold.ts';
import {
  entry,
  foreign,
  greet,
  settle,
  startClient,
  welcome,
  type ClientHarness,
} from '../support/client-harness.ts';

describe('a client and its breaks', () => {
  let clock: ClientHarness['clock'];
  let sockets: ClientHarness['sockets'];
  let client: ClientHarness['client'];
  let storage: ClientHarness['storage'];
  let warnings: ClientHarness['warnings'];
  let socketAt: ClientHarness['socketAt'];
  let total: ClientHarness['total'];

  beforeEach(() => {
    ({ clock, sockets, client, storage, warnings, socketAt, total } = startClient());
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

  test('[D2] an old connection that closes while the next one is under way is no break yet', () => {
    greet(socketAt(0));
    socketAt(0).receive({ type: 'goaway', slot_ms: 0, deadline_ms: 1_000 });
    clock.pass(0);
    socketAt(1).open();
    socketAt(0).end(4110);
    expect(client.view().status).toBe('moving');
    clock.pass(30);
    greet(socketAt(1), { result: 'resumed' });
    // Told as long as it was all the same.
    expect(client.view()).toMatchObject({ status: 'connected', receipt: { gapMs: 30 } });
    expect(sockets.length).toBe(2);
  });

  test('[D2] when the next connection of a move fails too, it is a break', () => {
    greet(socketAt(0));
    socketAt(0).receive({ type: 'goaway', slot_ms: 0, deadline_ms: 1_000 });
    clock.pass(0);
    socketAt(0).end(4110);
    clock.pass(20);
    socketAt(1).end(1006);
    expect(client.view().status).toBe('reconnecting');
    clock.pass(100);
    greet(socketAt(2), { result: 'resumed' });
    expect(client.view()).toMatchObject({ status: 'connected', receipt: { gapMs: 120 } });
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

  test('[D2] entries that came over the old connection meanwhile are not applied again', () => {
    greet(socketAt(0));
    socketAt(0).receive({ type: 'goaway', slot_ms: 0, deadline_ms: 1_000 });
    clock.pass(0);
    socketAt(1).open();
    socketAt(0).receive({
      type: 'entries',
      proof: 'p',
      accepted: 0,
      checkpointed: 0,
      entries: [foreign(2), foreign(3)],
    });
    socketAt(1).receive({ ...welcome, result: 'resumed' });
    socketAt(1).receive({
      type: 'entries',
      proof: 'p',
      accepted: 0,
      checkpointed: 0,
      entries: [foreign(2), foreign(3), foreign(4)],
    });
    socketAt(1).receive({ type: 'live', offset: 4 });
    expect(warnings).toEqual([]);
    expect(client.view()).toMatchObject({
      status: 'connected',
      receipt: { gapMs: 0, replayed: 1 },
    });
    expect(total()).toBe(3);
  });

  test('[D2] a move that fails is tried again while the old connection lasts', () => {
    greet(socketAt(0));
    socketAt(0).receive({ type: 'goaway', slot_ms: 0, deadline_ms: 10_000 });
    clock.pass(0);
    socketAt(1).end(1006);
    clock.pass(500);
    greet(socketAt(2), { result: 'resumed' });
    expect(client.view()).toMatchObject({ status: 'connected', receipt: { gapMs: 0 } });
    expect(socketAt(0).isClosed).toBe(true);
  });

  test('[R3] a break between a welcome of a new epoch and its snapshot leaves the old position', () => {
    greet(socketAt(0));
    socketAt(0).end(1006);
    clock.pass(100);
    socketAt(1).open();
    socketAt(1).receive({ ...welcome, epoch: 'next', result: 'rebuilt' });
    socketAt(1).end(1006);
    clock.pass(1_000);
    socketAt(2).open();
    expect(socketAt(2).sent[0]).toMatchObject({ position: { epoch: 'e', offset: 1 } });
  });

  test('[A6] a token is proven only once the storage has it', async () => {
    const { save } = storage;
    storage.save = () => new Promise(() => {});
    greet(socketAt(0));
    await settle();
    socketAt(0).end(1006);
    clock.pass(100);
    socketAt(1).open();
    expect(socketAt(1).sent[0]).toMatchObject({ token: 'token-1' });
    storage.save = save;
    greet(socketAt(1), { token: 'token-3' });
    await settle();
    socketAt(1).end(1006);
    clock.pass(1_000);
    socketAt(2).open();
    expect(socketAt(2).sent[0]).toMatchObject({ token: 'token-3' });
  });

  test('[H2] a break between welcome and live: nothing is sent before the next welcome', async () => {
    socketAt(0).open();
    socketAt(0).receive(welcome);
    socketAt(0).end(1006);
    clock.pass(100);
    socketAt(1).open();
    client.send('add', { amount: 5 });
    await settle();
    clock.pass(100);
    expect(socketAt(1).sent.map(({ type }) => type)).toEqual(['hello']);
  });

  test('[H4] a state that is not the one the server speaks of is not taken for live', () => {
    socketAt(0).open();
    socketAt(0).receive(welcome);
    socketAt(0).receive({ type: 'live', offset: 7 });
    expect(client.view().status).toBe('reconnecting');
    expect(warnings.length).toBe(1);
  });

  test('what cannot be applied again and again is not asked for without a pause', () => {
    for (let round = 0; round < 50; round++) {
      const socket = socketAt(-1);
      greet(socket);
      socket.receive({
        type: 'entries',
        proof: 'p',
        accepted: 0,
        checkpointed: 0,
        entries: [entry(9, 1, 5)],
      });
      clock.pass(20);
    }
    expect(sockets.length).toBeLessThan(8);
  });

  test('[R7] commands of another copy of this storage are told by a watermark it never gave', async () => {
    greet(socketAt(0));
    socketAt(0).receive({ type: 'watermarks', accepted: 3, checkpointed: 0 });
    clock.pass(100);
    socketAt(1).open();
    socketAt(1).receive({ ...welcome, accepted: 3, hashes: ['1', '2', '3'] });
    greet(socketAt(2));
    client.send('add', { amount: 5 });
    await settle();
    expect(socketAt(2).sent[0]).toMatchObject({ incarnation: 'incarnation-0000000002' });
    expect(client.view()).toMatchObject({ unaccepted: 1, unsaved: 1 });
  });

  test('[R5] put out by a newer connection it stops, and does not come back by itself', () => {
    greet(socketAt(0));
    socketAt(0).end(4009);
    clock.pass(1_000_000);
    expect(sockets.length).toBe(1);
    expect(client.view()).toMatchObject({ status: 'stopped', stopReason: 'taken-over' });
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
      hashes: [commandHash(['add', { amount: 9 }, 1])],
    });
    greet(socketAt(2));
    await settle();
    expect(socketAt(2).sent[0]).toMatchObject({
      incarnation: 'incarnation-0000000002',
    });
    expect(socketAt(2).sent[1]).toMatchObject({
      seq: 1,
      commands: [['add', { amount: 5 }, 1_000_000]],
    });
    expect(total()).toBe(5);
  });

  test('[C1] what is numbered anew is kept before the storage takes the new incarnation, and sent only after that', async () => {
    greet(socketAt(0));
    client.send('add', { amount: 5 });
    await settle();
    const kept: string[] = [];
    let known: (() => void) | undefined;
    const { save, addCommands } = storage;
    storage.save = (session) => {
      kept.push(session.incarnation);
      return new Promise((resolve) => {
        known ??= () => void save(session).then(resolve);
      });
    };
    storage.addCommands = (incarnation, seq, commands) => {
      kept.push(`commands of ${incarnation}`);
      return addCommands(incarnation, seq, commands);
    };
    socketAt(0).end(1006);
    clock.pass(100);
    socketAt(1).open();
    const hashes = [commandHash(['add', { amount: 9 }, 1])];
    socketAt(1).receive({ ...welcome, accepted: 1, hashes });
    greet(socketAt(2));
    await settle();
    const life = 'incarnation-0000000002';
    expect(kept.slice(0, 2)).toEqual([`commands of ${life}`, life]);
    expect(socketAt(2).sent.map(({ type }) => type)).toEqual(['hello']);
    known?.();
    await settle();
    expect(socketAt(2).sent.map(({ type }) => type)).toEqual(['hello', 'commands']);
  });

  test('[R7] [C8] while it is not clear where the storages part, it asks for older hashes, and waits when nobody can tell', async () => {
    greet(socketAt(0));
    client.send('add', { amount: 5 });
    client.send('add', { amount: 6 });
    await settle();
    socketAt(0).end(1006);
    clock.pass(100);
    socketAt(1).open();
    socketAt(1).receive({ ...welcome, accepted: 9, hashes: ['8', '9'] });
    expect(sockets.length).toBe(3);
    socketAt(2).open();
    expect(socketAt(2).sent[0]).toMatchObject({ hashes_from: 1 });
    socketAt(2).receive({ ...welcome, accepted: 9, hashes: ['8', '9'] });
    expect(client.view()).toMatchObject({ status: 'reconnecting', unaccepted: 2 });
    expect(sockets.length).toBe(3);
    clock.pass(1_000);
    socketAt(3).open();
    const first = commandHash(['add', { amount: 5 }, 1_000_000]);
    const hashes = [first, '2', '3', '4', '5', '6', '7', '8', '9'];
    socketAt(3).receive({ ...welcome, accepted: 9, hashes });
    greet(socketAt(4));
    await settle();
    const [hello, commands] = socketAt(4).sent;
    expect(hello).toMatchObject({ incarnation: 'incarnation-0000000002' });
    expect(hello).not.toHaveProperty('hashes_from');
    expect(commands).toMatchObject({ seq: 1, commands: [['add', { amount: 6 }, 1_000_000]] });
  });

  test('[R4] it bears witness to the end of the log as it was told last, with its proof', async () => {
    greet(socketAt(0), { proof: 'at 0' });
    const heard = { type: 'entries', accepted: 0, checkpointed: 0, entries: [foreign(2)] };
    socketAt(0).receive({ ...heard, proof: 'at 2' });
    socketAt(0).end(1006);
    clock.pass(100);
    socketAt(1).open();
    const witness = { epoch: 'e', offset: 2, proof: 'at 2' };
    expect(socketAt(1).sent[0]).toMatchObject({ position: { epoch: 'e', offset: 2 }, witness });
    socketAt(1).receive({ ...welcome, epoch: 'f', head: 7, proof: 'at 7' });
    socketAt(1).end(1006);
    clock.pass(1_000);
    socketAt(2).open();
    expect(socketAt(2).sent[0]).toMatchObject({
      position: { epoch: 'e', offset: 2 },
      witness: { epoch: 'f', offset: 7, proof: 'at 7' },
    });
    await settle();
    expect((await storage.load())?.session.witness).toMatchObject({ proof: 'at 7' });
  });

  test('[R12] a server that has forgotten the session is told what it began with, as far as this device knows', () => {
    socketAt(0).open();
    socketAt(0).receive({ type: 'forgotten' });
    expect(socketAt(0).sent.slice(1)).toEqual([{ type: 'remind', input: { bound: 1_000 } }]);
  });

  test('[E1] entries that do not follow are not applied: it asks for a snapshot', () => {
    greet(socketAt(0));
    socketAt(0).receive({
      type: 'entries',
      proof: 'p',
      accepted: 0,
      checkpointed: 0,
      entries: [entry(7, 1, 5)],
    });
    expect(warnings.length).toBe(1);
    expect(total()).toBe(0);
    expect(sockets.length).toBe(1);
    clock.pass(100);
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
});

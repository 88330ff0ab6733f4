import { beforeEach, describe, expect, test } from 'vitest';

import { closeReason } from '../../server/gateway/close-reason.ts';
import type { ConnectionParts } from '../../server/gateway/connection-parts.ts';
import { Connection } from '../../server/gateway/connection.ts';
import type { Socket } from '../../server/gateway/socket.ts';
import { SessionRegistry } from '../../server/session/session-registry.ts';
import {
  defaultLimits,
  heartbeatMs,
  helloTimeoutMs,
  pongTimeoutMs,
} from '../../shared/protocol/limits.ts';
import { genesis } from '../../shared/session/fold.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';
import { memoryJournal } from '../support/memory-journal.ts';
import { tally } from '../support/tally.ts';

interface FakeSocket extends Socket {
  bufferedAmount: number;
  readonly sent: { readonly type: string; readonly n?: number }[];
  readonly closes: string[];
}

function fakeSocket(): FakeSocket {
  const sent: FakeSocket['sent'] = [];
  const closes: string[] = [];
  return {
    bufferedAmount: 0,
    sent,
    closes,
    send: (text) => void sent.push(JSON.parse(text) as { type: string }),
    close: (code, reason) => void closes.push(`${code} ${reason}`),
    terminate: () => void closes.push('terminated'),
  };
}

const hello = {
  type: 'hello',
  token: 'good',
  incarnation: 'incarnation-0000000001',
  kind: 'tally',
  version: 1,
};

describe('one connection', () => {
  let clock: ManualClock;
  let socket: FakeSocket;
  let connection: Connection;
  let registry: SessionRegistry;
  let connectionParts: ConnectionParts;

  const receive = (frame: object): void => connection.receive(JSON.stringify(frame));
  /** The stores answer at once here: a few turns and everything under way is done. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  };

  beforeEach(async () => {
    clock = manualClock();
    socket = fakeSocket();
    const checkpoints = memoryJournal({ keepsAll: true });
    const snapshot = genesis(tally, { bound: 100 });
    await checkpoints.create({ sessionId: 's', epoch: '0', snapshot, retentionMs: 1 });
    let [count, arrivals] = [0, 0];
    const parts = { clock, limits: defaultLimits, reportError: () => {} };
    registry = new SessionRegistry({
      ...parts,
      journals: { checkpoints },
      models: new Map([['tally', tally]]),
      newId: () => `owner-${++count}`,
      release: 'test',
      issueToken: () => 'next',
      signPosition: () => 'p',
      checkpointMs: 1_000,
      detachedGraceMs: 1_000,
    });
    connectionParts = {
      ...parts,
      registry,
      versions: { tally: 1 },
      isTakenBack: () => Promise.resolve(false),
      proveToken: (_sessionId, _clientId, token) => (token === 'good' ? 1 : undefined),
      isProven: (_sessionId, { proof }) => proof === 'p',
      proveOrigin: (_origin, proof) => (proof === 'o' ? 0 : undefined),
      countArrival: () => ++arrivals,
    };
    connection = new Connection(socket, { sessionId: 's', clientId: 'c' }, connectionParts);
  });

  test('[H2] a connection that does not say hello in time is closed with 4108', () => {
    clock.pass(helloTimeoutMs - 1);
    expect(socket.closes).toEqual([]);
    clock.pass(1);
    expect(socket.closes).toEqual(['4108 hello-timeout: no hello came in time']);
  });

  test('[R1] what a client is welcomed with goes out in one write, and what comes later by itself', async () => {
    const writes: number[] = [];
    const inOneWrite = (work: () => void): void => {
      const before = socket.sent.length;
      work();
      writes.push(socket.sent.length - before);
    };
    const ids = { sessionId: 's', clientId: 'c', inOneWrite };
    connection = new Connection(socket, ids, connectionParts);
    receive(hello);
    await settle();
    expect(socket.sent.map(({ type }) => type)).toEqual(['welcome', 'snapshot', 'live']);
    receive({ type: 'commands', seq: 1, commands: [['add', { amount: 1 }, 1]] });
    await settle();
    expect(socket.sent.at(-1)).toMatchObject({ type: 'entries' });
    expect(writes).toEqual([3]);
  });

  test('[H5] a ping goes out every heartbeat, and an answer keeps the connection', async () => {
    receive(hello);
    await settle();
    for (const n of [1, 2, 3]) {
      clock.pass(heartbeatMs - pongTimeoutMs);
      expect(socket.sent.at(-1)).toEqual({ type: 'ping', n });
      receive({ type: 'pong', n });
      clock.pass(pongTimeoutMs);
    }
    expect(socket.closes).toEqual([]);
  });

  test('[H5] a ping without an answer ends the connection with 4108', async () => {
    receive(hello);
    await settle();
    clock.pass(heartbeatMs);
    expect(socket.closes).toEqual(['4108 no answer to a ping']);
  });

  test('[H5] between two frames of the server lies less than a client bears in silence', async () => {
    receive(hello);
    await settle();
    let silentMs = 0;
    for (let second = 0; second < 120; second++) {
      const count = socket.sent.length;
      clock.pass(1_000);
      receive({ type: 'pong', n: 1 });
      silentMs = socket.sent.length === count ? silentMs + 1_000 : 0;
      expect(silentMs).toBeLessThanOrEqual(heartbeatMs);
    }
  });

  test('[P2] whatever a frame holds, the reason of the close fits its frame and repeats nothing', () => {
    for (const text of [
      '{"type":"' + '€'.repeat(45) + '"}',
      JSON.stringify({ ...hello, incarnation: 'ü'.repeat(99) }),
    ]) {
      const other = fakeSocket();
      const stranger = new Connection(other, { sessionId: 's', clientId: 'c' }, connectionParts);
      stranger.receive(text);
      expect(other.closes[0]).toMatch(/^4001 (unknown|bad)-frame: /);
      expect(Buffer.byteLength(other.closes[0] ?? '')).toBeLessThanOrEqual(123 + '4001 '.length);
      expect(other.closes[0]).not.toMatch(/€|ü/);
    }
    expect(Buffer.byteLength(closeReason('€'.repeat(99)))).toBeLessThanOrEqual(123);
  });

  test('[H6] the name of something every object has is no kind of session', async () => {
    receive({ ...hello, kind: 'constructor' });
    await settle();
    expect(socket.closes[0]).toMatch(/^4203 /);
  });

  test('[B2] bytes are counted, not characters', async () => {
    receive(hello);
    await settle();
    receive({ type: 'commands', seq: 1, commands: [['add', '€'.repeat(6_000), 1]] });
    expect(socket.closes[0]).toMatch(/^4001 bad-frame/);
  });

  test('[B6] a single large frame is no sign of a slow reader', async () => {
    receive(hello);
    await settle();
    const before = socket.sent.length;
    socket.bufferedAmount = defaultLimits.send_buffer_bytes_max;
    receive({ type: 'ping', n: 1 });
    expect(socket.sent.length).toBe(before + 1);
    expect(socket.closes).toEqual([]);
  });

  test('[H5] a ping of the client is answered with its number', () => {
    receive({ type: 'ping', n: 7 });
    expect(socket.sent).toEqual([{ type: 'pong', n: 7 }]);
  });

  test('[B5] more frames than the bucket holds end the connection with 4103', () => {
    for (let n = 0; n < 2 * defaultLimits.frames_per_s_max; n++) receive({ type: 'ping', n });
    expect(socket.closes).toEqual([]);
    receive({ type: 'ping', n: 0 });
    expect(socket.closes[0]).toMatch(/^4103 too-many-frames/);
  });

  test('[B5] the bucket fills again with time', () => {
    for (let n = 0; n < 2 * defaultLimits.frames_per_s_max; n++) receive({ type: 'ping', n });
    clock.pass(1_000);
    for (let n = 0; n < defaultLimits.frames_per_s_max; n++) receive({ type: 'ping', n });
    expect(socket.closes).toEqual([]);
  });

  test('[B6] a reader whose buffer exceeds the bound is closed with 4109', async () => {
    receive(hello);
    await settle();
    socket.bufferedAmount = defaultLimits.send_buffer_bytes_max + 1;
    receive({ type: 'ping', n: 1 });
    expect(socket.closes[0]).toMatch(/^4109 /);
  });

  test('[B4] commands beyond those that may wait are answered with 4103', async () => {
    receive(hello);
    await settle();
    const commands = Array.from({ length: 200 }, () => ['add', { amount: 0 }, 1]);
    receive({ type: 'commands', seq: 1, commands });
    receive({ type: 'commands', seq: 201, commands });
    expect(socket.closes[0]).toMatch(/^4103 too-many-in-flight/);
  });

  test('[B4] accepted commands make room for others', async () => {
    receive(hello);
    await settle();
    const commands = Array.from({ length: 200 }, () => ['add', { amount: 0 }, 1]);
    for (const seq of [1, 201, 401]) {
      receive({ type: 'commands', seq, commands });
      await settle();
    }
    expect(socket.closes).toEqual([]);
    expect(registry.hosts.get('s')?.view.snapshot.writers[0]?.accepted).toBe(600);
  });

  test('[C8] the hash a client tells is the one in the log', async () => {
    receive(hello);
    await settle();
    receive({ type: 'commands', seq: 1, commands: [['add', { amount: 1 }, 1]], hashes: ['ab1'] });
    await settle();
    expect(socket.sent.at(-1)).toMatchObject({ entries: [{ seq: 1, hash: 'ab1' }] });
  });

  test('[H4] a socket that went away while it attached is attached to nothing', async () => {
    receive(hello);
    connection.gone();
    await settle();
    expect(registry.hosts.get('s')?.readers.size).toBe(0);
    expect(socket.sent).toEqual([]);
  });

  test('[A2] nothing is opened for a wrong token', async () => {
    receive({ ...hello, token: 'bad' });
    await settle();
    expect(socket.closes[0]).toMatch(/^4003 token-invalid/);
    expect(registry.hosts.size).toBe(0);
  });
});

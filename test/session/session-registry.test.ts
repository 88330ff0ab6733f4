import { beforeEach, describe, expect, test } from 'vitest';

import { SessionRegistry } from '../../server/session/session-registry.ts';
import { StoreUnavailableError, type Batch, type Journal } from '../../server/store/journal.ts';
import { closeCodes } from '../../shared/protocol/close-codes.ts';
import { genesis } from '../../shared/session/fold.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';
import { memoryJournal, type MemoryStore } from '../support/memory-journal.ts';
import { probe } from '../support/probe-reader.ts';
import { tallyRegistryParts } from '../support/tally-registry.ts';
import { tally, type TallyState } from '../support/tally.ts';

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve();
};

describe('the sessions of an instance', () => {
  let clock: ManualClock;
  let postgres: MemoryStore;
  let redis: MemoryStore;
  let registry: SessionRegistry;
  let idCount: number;
  let errors: unknown[];
  /** Stands between the host and Redis, so that a test can hold or break it. */
  let appendToRedis: Journal['append'];
  let takeOverInRedis: Journal['takeOver'];
  let startInRedis: Journal['startEpoch'];
  let peekInRedis: Journal['peek'];

  beforeEach(async () => {
    clock = manualClock();
    postgres = memoryJournal({ keepsAll: true });
    redis = memoryJournal({ keepsAll: false });
    appendToRedis = (batch) => redis.append(batch);
    takeOverInRedis = (claim) => redis.takeOver(claim);
    startInRedis = (start) => redis.startEpoch(start);
    peekInRedis = (sessionId) => redis.peek(sessionId);
    idCount = 0;
    errors = [];
    const snapshot = genesis(tally, { bound: 1_000 });
    await postgres.create({ sessionId: 's', epoch: '0', snapshot, retentionMs: 1 });
    registry = new SessionRegistry(
      tallyRegistryParts({
        journals: {
          checkpoints: postgres,
          log: {
            ...redis,
            append: (batch) => appendToRedis(batch),
            takeOver: (claim) => takeOverInRedis(claim),
            startEpoch: (start) => startInRedis(start),
            peek: (sessionId) => peekInRedis(sessionId),
          },
        },
        newId: () => `id-${++idCount}`,
        clock,
        reportError: (error) => errors.push(error),
      }),
    );
    registry.start();
  });

  async function attached(reader = probe()) {
    const found = await registry.find('s', undefined);
    if (found.kind !== 'host') throw new Error(found.kind);
    found.host.attach(reader);
    await settle();
    return { host: found.host, reader };
  }

  test('[O1] a session is opened once, however many ask at the same time', async () => {
    const found = await Promise.all([1, 2, 3].map(() => registry.find('s', undefined)));
    expect(
      new Set(found.map((found) => (found.kind === 'host' ? found.host : undefined))).size,
    ).toBe(1);
    // An owner and an epoch.
    expect(idCount).toBe(2);
  });

  test('[R9] an unknown session is unknown, and leaves nothing behind', async () => {
    expect(await registry.find('nobody', undefined)).toEqual({ kind: 'unknown' });
    expect(registry.hosts.size).toBe(0);
  });

  test('[C5] nothing is told before the log has it, and inputs do not overtake each other meanwhile', async () => {
    const { host, reader } = await attached();
    const held: (() => void)[] = [];
    const batches: Batch[] = [];
    appendToRedis = (batch) =>
      new Promise((resolve) => {
        batches.push(batch);
        held.push(() => resolve(redis.append(batch)));
      });
    const told = reader.frames.length;
    for (const seq of [1, 2, 3]) host.receive(reader, seq, [['add', { amount: seq }, 1]]);
    await settle();
    expect(reader.frames.length).toBe(told);
    expect(batches.map(({ prev, head }) => [prev, head])).toEqual([[1, 2]]);
    held.shift()?.();
    await settle();
    expect(reader.frames.at(-1)).toMatchObject({ type: 'entries', accepted: 1 });
    expect(batches.map(({ prev, head }) => [prev, head])).toEqual([
      [1, 2],
      [2, 4],
    ]);
    held.shift()?.();
    await settle();
    expect(reader.frames.at(-1)).toMatchObject({ type: 'entries', accepted: 3 });
  });

  test('[O3] an append whose answer is lost is tried again identically', async () => {
    const { host, reader } = await attached();
    const tries: Batch[] = [];
    appendToRedis = async (batch) => {
      tries.push(batch);
      await redis.append(batch);
      if (tries.length === 1) throw new StoreUnavailableError('Redis', 'no answer');
      return redis.append(batch);
    };
    host.receive(reader, 1, [['add', { amount: 5 }, 1]]);
    await settle();
    clock.pass(50);
    await settle();
    expect(tries.length).toBe(2);
    expect(tries[1]).toEqual(tries[0]);
    expect(reader.frames.at(-1)).toMatchObject({ accepted: 1 });
    expect(redis.read('s')?.entries.length).toBe(2);
  });

  test('[R11] a log that does not answer any more: what is accepted goes to Postgres, and the session goes on there under a new epoch', async () => {
    const { host, reader } = await attached();
    host.receive(reader, 1, [['add', { amount: 5 }, 1]]);
    await settle();
    const away = () => Promise.reject(new StoreUnavailableError('Redis', 'away'));
    appendToRedis = away;
    takeOverInRedis = away;
    startInRedis = away;
    host.receive(reader, 2, [['add', { amount: 6 }, 1]]);
    for (let second = 0; second < 10; second++) {
      await settle();
      clock.pass(1_000);
    }
    expect(new Set(reader.closes)).toEqual(new Set([4110]));
    const again = await attached();
    expect(again.reader.frames[0]).toMatchObject({ type: 'welcome', accepted: 1, checkpointed: 1 });
    expect(again.host.view.epoch).not.toBe('0');
    again.host.receive(again.reader, 2, [['add', { amount: 6 }, 1]]);
    await settle();
    expect(again.reader.frames.at(-1)).toMatchObject({ accepted: 2, checkpointed: 2 });
    appendToRedis = (batch) => redis.append(batch);
    takeOverInRedis = (claim) => redis.takeOver(claim);
    startInRedis = (start) => redis.startEpoch(start);
    again.host.receive(again.reader, 3, [['add', { amount: 7 }, 1]]);
    await settle();
    expect(again.reader.frames.at(-1)).toMatchObject({ accepted: 3, checkpointed: 2 });
    expect(redis.read('s')?.entries.length).toBe(1);
  });

  test('[B10] while Postgres is away entries wait within a bound; then commands stay with their client until there is room', async () => {
    const { host, reader } = await attached();
    const append = postgres.append;
    postgres.append = () => Promise.reject(new StoreUnavailableError('Postgres', 'away'));
    for (let seq = 1; seq < 5_200; seq += 100) {
      host.receive(
        reader,
        seq,
        Array.from({ length: 100 }, () => ['add', { amount: 0 }, 1]),
      );
      await settle();
    }
    expect(reader.frames.findLast(({ type }) => type === 'entries')).toMatchObject({
      accepted: 5_000,
    });
    postgres.append = append;
    await host.flush();
    expect(reader.frames.at(-1)).toEqual({ type: 'gap', expected: 5_001 });
    host.receive(reader, 5_001, [['add', { amount: 0 }, 1]]);
    await settle();
    expect(reader.frames.at(-1)).toMatchObject({ accepted: 5_001 });
  });

  test('[R10] a session is read from the store that can be asked, and from none it is not known', async () => {
    const { host, reader } = await attached();
    host.receive(reader, 1, [['add', { amount: 5 }, 1]]);
    await settle();
    await host.flush();
    host.receive(reader, 2, [['add', { amount: 6 }, 1]]);
    await settle();
    host.release(4110, 'test');
    const total = async (): Promise<unknown> => {
      const found = await registry.read('s');
      return found.kind === 'read' ? (found.snapshot.state as TallyState).total : found.kind;
    };
    expect(await total()).toBe(11);
    const away = () => Promise.reject(new StoreUnavailableError('Postgres', 'away'));
    const { peek } = postgres;
    peekInRedis = away;
    expect(await total()).toBe(5);
    postgres.peek = away;
    await expect(total()).rejects.toThrow(StoreUnavailableError);
    peekInRedis = (sessionId) => redis.peek(sessionId);
    expect(await total()).toBe(11);
    postgres.peek = peek;
  });

  test('[R11] a session is opened from Redis while Postgres is away, and checkpointed once it is back', async () => {
    const first = await attached();
    first.host.receive(first.reader, 1, [['add', { amount: 5 }, 1]]);
    await settle();
    await first.host.flush();
    first.host.receive(first.reader, 2, [['add', { amount: 6 }, 1]]);
    await settle();
    first.host.release(4110, 'test');
    const { append, takeOver } = postgres;
    const away = () => Promise.reject(new StoreUnavailableError('Postgres', 'away'));
    postgres.append = away;
    postgres.takeOver = away;
    const second = await attached();
    expect(second.reader.frames[0]).toMatchObject({
      type: 'welcome',
      accepted: 2,
      checkpointed: 1,
    });
    second.host.receive(second.reader, 3, [['add', { amount: 7 }, 1]]);
    await settle();
    await second.host.checkpoint();
    expect(second.reader.frames.at(-1)).toMatchObject({ accepted: 3, checkpointed: 1 });
    postgres.append = append;
    postgres.takeOver = takeOver;
    await second.host.checkpoint();
    expect(second.reader.frames.at(-1)).toEqual({
      type: 'watermarks',
      accepted: 3,
      checkpointed: 3,
    });
    first.host.receive(first.reader, 3, [['add', { amount: 99 }, 1]]);
    await settle();
    expect(postgres.read('s')?.owner).toBe('id-3');
  });

  test('[C6] checkpointed is told when Postgres has it, not before, and never above accepted', async () => {
    const { host, reader } = await attached();
    host.receive(reader, 1, [['add', { amount: 5 }, 1]]);
    await settle();
    expect(reader.frames.at(-1)).toMatchObject({ accepted: 1, checkpointed: 0 });
    clock.pass(1_250);
    await settle();
    expect(reader.frames.at(-1)).toEqual({ type: 'watermarks', accepted: 1, checkpointed: 1 });
    expect(postgres.read('s')?.entries.length ?? 0).toBeLessThanOrEqual(2);
    expect(host.unsavedSinceMs).toBeUndefined();
  });

  test('[O2] a checkpoint that another owner’s claim refuses closes everybody with 4110', async () => {
    const { host, reader } = await attached();
    host.receive(reader, 1, [['add', { amount: 5 }, 1]]);
    await settle();
    await postgres.takeOver({ sessionId: 's', ownerId: 'other', versions: { tally: 1 } });
    await host.checkpoint();
    expect(reader.closes).toEqual([4110]);
    expect(registry.hosts.size).toBe(0);
  });

  test('[D3] what went to another owner keeps nobody waiting who leaves', async () => {
    const { host, reader } = await attached();
    host.receive(reader, 1, [['add', { amount: 5 }, 1]]);
    await settle();
    await postgres.takeOver({ sessionId: 's', ownerId: 'other', versions: { tally: 1 } });
    let hasLeft = false;
    void registry.retireAll(closeCodes.drained, 'leaving').then(() => {
      hasLeft = true;
    });
    await settle();
    expect(hasLeft).toBe(true);
    expect(registry.hosts.size).toBe(0);
  });

  test('[O3] a checkpoint whose answer is lost is tried again identically, and what came since goes with the next', async () => {
    const { host, reader } = await attached();
    const tries: Batch[] = [];
    const { append } = postgres;
    postgres.append = async (batch) => {
      tries.push(batch);
      const result = await append(batch);
      if (tries.length === 1) throw new StoreUnavailableError('Postgres', 'no answer');
      return result;
    };
    host.receive(reader, 1, [['add', { amount: 5 }, 1]]);
    await settle();
    await host.checkpoint();
    host.receive(reader, 2, [['add', { amount: 6 }, 1]]);
    await settle();
    await host.checkpoint();
    await host.checkpoint();
    expect(tries[1]).toEqual(tries[0]);
    expect(tries.map(({ prev, head }) => [prev, head])).toEqual([
      [0, 2],
      [0, 2],
      [2, 3],
    ]);
    expect(reader.frames.at(-1)).toEqual({ type: 'watermarks', accepted: 2, checkpointed: 2 });
  });

  test('[O1] a new term is above the one Redis has seen, also when Postgres has forgotten it', async () => {
    const snapshot = genesis(tally, { bound: 1_000 });
    await redis.startEpoch({ sessionId: 's', ownerId: 'former', term: 9, epoch: '0', snapshot });
    const { reader } = await attached();
    expect(reader.frames[0]).toMatchObject({ type: 'welcome' });
    expect(await postgres.peek('s')).toMatchObject({ term: 10 });
    expect(await redis.peek('s')).toMatchObject({ term: 10 });
  });

  test('[O2] a reader that only listens is closed with 4110 when the session has gone elsewhere', async () => {
    const { reader } = await attached();
    await postgres.takeOver({ sessionId: 's', ownerId: 'other', versions: { tally: 1 } });
    const claim = { sessionId: 's', ownerId: 'other', versions: { tally: 1 } };
    await redis.takeOver(claim);
    for (let second = 0; second < 21; second++) {
      clock.pass(1_000);
      await settle();
    }
    expect(reader.closes).toEqual([4110]);
  });

  test('[R11] Redis seeded and not yet written to is not believed alone: Postgres may be ahead in the same epoch', async () => {
    await registry.find('s', undefined);
    const away = () => Promise.reject(new StoreUnavailableError('Postgres', 'away'));
    const { takeOver } = postgres;
    postgres.takeOver = away;
    for (const host of registry.hosts.values()) host.release(4110, 'test');
    await expect(registry.find('s', undefined)).rejects.toThrow(StoreUnavailableError);
    postgres.takeOver = takeOver;
    await attached();
    for (const host of registry.hosts.values()) host.release(4110, 'test');
    postgres.takeOver = away;
    expect(await registry.find('s', undefined)).toMatchObject({ kind: 'host' });
  });

  test('[C7] a mistake of the model is told to the operator, and costs the session nothing', async () => {
    const { host, reader } = await attached();
    host.receive(reader, 1, [
      ['fail', {}, 1],
      ['add', { amount: 5 }, 1],
    ]);
    await settle();
    expect(errors).toEqual([new Error('The model has a mistake.')]);
    expect(reader.frames.at(-1)).toMatchObject({ accepted: 2 });
  });

  test('[R5] a reader that left while its join was under way is welcomed by nobody', async () => {
    const found = await registry.find('s', undefined);
    if (found.kind !== 'host') throw new Error(found.kind);
    const reader = probe();
    found.host.attach(reader);
    found.host.detach(reader);
    await settle();
    expect(reader.frames).toEqual([]);
    expect(found.host.readers.size).toBe(0);
  });

  test('[D3] a session nobody is attached to is let go once it is saved, and not before', async () => {
    const { host, reader } = await attached();
    host.receive(reader, 1, [['add', { amount: 5 }, 1]]);
    await settle();
    host.detach(reader);
    clock.pass(4_999);
    await settle();
    expect(registry.hosts.size).toBe(1);
    clock.pass(500);
    await settle();
    expect(registry.hosts.size).toBe(0);
    expect(postgres.read('s')?.snapshot.offset).toBeDefined();
  });
});

import { beforeEach, describe, expect, test } from 'vitest';

import { Caretaker } from '../../server/session/caretaker.ts';
import { openSession } from '../../server/session/open-session.ts';
import { SessionRegistry } from '../../server/session/session-registry.ts';
import {
  StoreUnavailableError,
  type EndReason,
  type Housekeeping,
  type Journal,
} from '../../server/store/journal.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import { genesis } from '../../shared/session/fold.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';
import { memoryJournal, type MemoryStore } from '../support/memory-journal.ts';
import { probe, type Probe } from '../support/probe-reader.ts';
import { tally, type TallyState } from '../support/tally.ts';

/** Over at a hundred. */
const model = { ...tally, isEnded: ({ total }: TallyState) => total >= 100 };
const models = new Map([[model.kind, model]]);

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 80; turn++) await Promise.resolve();
};

describe('the caretaker', () => {
  let clock: ManualClock;
  let postgres: MemoryStore;
  let redis: MemoryStore;
  let registry: SessionRegistry;
  let caretaker: Caretaker;
  let due: string[][];
  let touched: string[];
  let archived: [string, EndReason][];
  let errors: unknown[];
  let reader: Probe;
  /** Stand before the stores, so that a test can break or hold them. */
  let archiveInPostgres: Journal['archive'];
  let archiveInRedis: Journal['archive'];
  let appendToPostgres: Journal['append'];

  beforeEach(async () => {
    clock = manualClock();
    postgres = memoryJournal({ keepsAll: true });
    redis = memoryJournal({ keepsAll: false });
    archiveInPostgres = (archiving) => postgres.archive(archiving);
    archiveInRedis = (archiving) => redis.archive(archiving);
    appendToPostgres = (batch) => postgres.append(batch);
    due = [];
    touched = [];
    archived = [];
    errors = [];
    reader = probe();
    let ownerCount = 0;
    const parts = {
      journals: {
        checkpoints: {
          ...postgres,
          append: (batch: Parameters<Journal['append']>[0]) => appendToPostgres(batch),
          archive: (archiving: Parameters<Journal['archive']>[0]) => archiveInPostgres(archiving),
        },
        log: {
          ...redis,
          archive: (archiving: Parameters<Journal['archive']>[0]) => archiveInRedis(archiving),
        },
      },
      models,
      newId: () => `owner-${++ownerCount}`,
      clock,
      reportError: (error: unknown) => errors.push(error),
    };
    const housekeeping: Housekeeping = {
      due: () => Promise.resolve(due.shift() ?? []),
      touch: (ids) => {
        touched.push(...ids);
        return Promise.resolve();
      },
      purge: () => Promise.resolve(0),
    };
    registry = new SessionRegistry({
      ...parts,
      limits: defaultLimits,
      release: 'test',
      issueToken: () => 'next',
      signPosition: () => 'proof',
      checkpointMs: 1_000,
      detachedGraceMs: 5_000,
    });
    caretaker = new Caretaker({
      ...parts,
      housekeeping,
      registry,
      random: () => 0.5,
      settings: { archiveAfterMs: 40_000, abandonedAfterMs: 1_000_000, tombstoneMs: 1 },
      archived: (sessionId, reason) => archived.push([sessionId, reason]),
      buried: () => {},
    });
    const snapshot = genesis(model, { bound: 1_000 });
    for (const sessionId of ['s', 't'])
      await postgres.create({ sessionId, epoch: '0', snapshot, retentionMs: 1 });
  });

  async function attached(sessionId = 's') {
    const found = await registry.find(sessionId, undefined);
    if (found.kind !== 'host') throw new Error(found.kind);
    found.host.attach(reader);
    await settle();
    return found.host;
  }

  test('[L2] what only Redis has is brought into Postgres before Redis forgets it', async () => {
    const host = await attached();
    host.receive(reader, 1, [['add', { amount: 100 }, 5]]);
    await settle();
    // The instance dies here: nothing of it was checkpointed.
    host.release(4200, 'killed');
    due = [['s']];
    await caretaker.tend();
    expect(archived).toEqual([['s', 'finished']]);
    expect(redis.read('s')).toBeUndefined();
    expect(postgres.read('s')?.snapshot).toMatchObject({ offset: 2, state: { total: 100 } });
    expect(await postgres.history('s')).toHaveLength(2);
  });

  test('[L3] a session that has not ended is archived as abandoned', async () => {
    due = [['s', 't']];
    await caretaker.tend();
    expect(archived).toEqual([
      ['s', 'abandoned'],
      ['t', 'abandoned'],
    ]);
  });

  test('[L2] a session somebody is attached to stays, and its time begins anew', async () => {
    const host = await attached();
    due = [['s']];
    await caretaker.tend();
    expect([touched, archived]).toEqual([['s'], []]);
    host.receive(reader, 1, [['add', { amount: 1 }, 5]]);
    await settle();
    expect(redis.read('s')?.entries).toHaveLength(2);
  });

  test('[O1] [L2] whoever takes the session up in the middle of it has all of it, and the archiving does nothing more', async () => {
    const host = await attached();
    host.receive(reader, 1, [['add', { amount: 100 }, 5]]);
    await settle();
    await host.flush();
    host.release(4200, 'left');
    archiveInPostgres = async (archiving) => {
      const journals = { checkpoints: postgres, log: redis };
      const newId = () => 'somebody';
      const opening = await openSession({ journals, models, newId }, 's', undefined);
      expect(opening).toMatchObject({ kind: 'opened', session: { snapshot: { offset: 2 } } });
      return postgres.archive(archiving);
    };
    due = [['s']];
    await caretaker.tend();
    expect(archived).toEqual([]);
    expect([postgres, redis].map((store) => store.read('s')?.owner)).toEqual([
      'somebody',
      'somebody',
    ]);
  });

  test('[L2] while a store is away nothing is archived, and the next round tries again', async () => {
    archiveInRedis = () => Promise.reject(new StoreUnavailableError('Redis', 'away'));
    due = [['s'], [], ['s']];
    await caretaker.tend();
    expect([archived, errors]).toEqual([[], []]);
    archiveInRedis = (archiving) => redis.archive(archiving);
    await caretaker.tend();
    await caretaker.tend();
    expect(archived).toEqual([['s', 'abandoned']]);
  });

  test('[L2] what could not be brought into Postgres stays in Redis', async () => {
    const host = await attached();
    host.receive(reader, 1, [['add', { amount: 100 }, 5]]);
    await settle();
    host.release(4200, 'killed');
    appendToPostgres = () => Promise.reject(new StoreUnavailableError('Postgres', 'away'));
    due = [['s']];
    await caretaker.tend();
    expect(archived).toEqual([]);
    expect(redis.read('s')?.entries).toHaveLength(2);
  });

  test('[L2] once it is told to stop it begins nothing more', async () => {
    archiveInRedis = (archiving) => {
      void caretaker.stop();
      return redis.archive(archiving);
    };
    due = [['s', 't']];
    await caretaker.tend();
    expect(archived).toEqual([['s', 'abandoned']]);
  });

  test('[L2] its rounds come several times in the time after which a session is quiet', async () => {
    caretaker.start();
    await attached();
    clock.pass(10_000);
    await settle();
    clock.pass(10_000);
    await settle();
    expect(touched).toEqual(['s', 's']);
    await caretaker.stop();
    clock.pass(100_000);
    await settle();
    expect(touched).toEqual(['s', 's']);
  });

  test('[L1] the final receipt comes when Postgres has everything, not before', async () => {
    const host = await attached();
    host.receive(reader, 1, [['add', { amount: 100 }, 5]]);
    await settle();
    expect(reader.frames.filter(({ type }) => type === 'final')).toEqual([]);
    await host.flush();
    expect(reader.frames.slice(-2)).toMatchObject([
      { type: 'watermarks' },
      { type: 'final', offset: 2 },
    ]);
  });
});

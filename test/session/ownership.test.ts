/** Whoever is welcomed learns watermarks: only an owner welcomes, and it finds out without keeping anybody else waiting. */
import { beforeEach, describe, expect, test } from 'vitest';

import { FencedError } from '../../server/session/claim-session.ts';
import type { Reader } from '../../server/session/reader.ts';
import type { SessionHost } from '../../server/session/session-host.ts';
import { SessionRegistry } from '../../server/session/session-registry.ts';
import { StoreUnavailableError, type AppendResult } from '../../server/store/journal.ts';
import { genesis } from '../../shared/session/fold.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';
import { memoryJournal, type MemoryStore } from '../support/memory-journal.ts';
import { probe, type Probe } from '../support/probe-reader.ts';
import { tallyRegistryParts } from '../support/tally-registry.ts';
import { tally } from '../support/tally.ts';

let clock: ManualClock;
let postgres: MemoryStore;
let redis: MemoryStore;
let host: SessionHost;
/** Attached from the beginning. */
let first: Probe;
let registry: SessionRegistry;

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
};
const away = (): Promise<never> =>
  Promise.reject(new StoreUnavailableError('Postgres', 'it is away'));
const hanging = (): Promise<AppendResult> => new Promise(() => {});
const next = { sessionId: 's', ownerId: 'next', term: 9, versions: { tally: 1 } };

async function open(log: MemoryStore | undefined): Promise<void> {
  let count = 0;
  registry = new SessionRegistry(
    tallyRegistryParts({
      journals: { checkpoints: postgres, log },
      newId: () => `id-${++count}`,
      clock,
      reportError: (error) => {
        throw error;
      },
    }),
  );
  const found = await registry.find('s', undefined);
  if (found.kind !== 'host') throw new Error(found.kind);
  ({ host } = found);
  first = await joins(probe());
  await host.checkpoint();
}

async function joins(reader: Probe): Promise<Probe> {
  host.attach(reader);
  await settle();
  return reader;
}

/** The same token once more, from another device of the same user: nothing is to be written. */
const again = (): Promise<Probe> => joins(probe());
/** With proof of an epoch that began in a later term. */
const fromLater = (): Reader => ({
  ...probe(),
  sighting: {
    clientId: 'client-0000000000000001',
    generation: 1,
    position: { epoch: '9-later', offset: 0 },
  },
});

beforeEach(async () => {
  clock = manualClock();
  postgres = memoryJournal({ keepsAll: true });
  redis = memoryJournal({ keepsAll: false });
  const snapshot = genesis(tally, { bound: 1_000 });
  await postgres.create({ sessionId: 's', epoch: '0', snapshot, retentionMs: 1 });
});

test.each(['Redis', 'Postgres'])(
  '[O2] [C6] a former owner welcomes nobody, also where nothing is to be written: the log is %s',
  async (name) => {
    await open(name === 'Redis' ? redis : undefined);
    const log = name === 'Redis' ? redis : postgres;
    await log.takeOver(next);
    const { frames, closes } = await again();
    expect([frames, closes, first.closes]).toEqual([[], [4110], [4110]]);
  },
);

test('[O2] [C6] who saw a later epoch than Redis knows is let in by nobody but an owner in Postgres too', async () => {
  await open(redis);
  await registry.prepare(host, fromLater());
  await postgres.takeOver(next);
  await expect(registry.prepare(host, fromLater())).rejects.toThrow(FencedError);
  expect(first.closes).toEqual([4110]);
});

test('[O2] a retired token is no proof of a later epoch', async () => {
  await open(redis);
  await joins({ ...probe(), generation: 2 });
  await postgres.takeOver(next);
  await registry.prepare(host, fromLater());
});

test('[R11] who saw a later epoch comes again when Postgres can be asked, and nobody else notices', async () => {
  await open(redis);
  postgres.confirm = away;
  await expect(registry.prepare(host, fromLater())).rejects.toThrow(StoreUnavailableError);
  expect(first.closes).toEqual([]);
});

describe('an owner that Postgres has not heard of', () => {
  let { takeOver } = memoryJournal({ keepsAll: true });
  beforeEach(async () => {
    ({ takeOver } = postgres);
    const snapshot = genesis(tally, { bound: 1_000 });
    const place = { sessionId: 's', ownerId: 'former', epoch: '0' };
    await redis.startEpoch({ ...place, term: 1, snapshot });
    await redis.append({ ...place, prev: 0, head: 0, entries: [] });
    postgres.takeOver = away;
    await open(redis);
  });

  test('[R11] keeps those it has while Postgres is away, and lets nobody in who saw a later epoch', async () => {
    await expect(registry.prepare(host, fromLater())).rejects.toThrow(StoreUnavailableError);
    expect(first.closes).toEqual([]);
  });

  test('[O1] [O2] claims the session there first', async () => {
    postgres.takeOver = takeOver;
    await registry.prepare(host, fromLater());
    expect(postgres.read('s')?.owner).toBe('id-1');
  });

  test('[O2] learns of a next one, also where everybody only listens', async () => {
    postgres.takeOver = takeOver;
    await takeOver(next);
    host.confirm();
    await settle();
    expect(first.closes).toEqual([4110]);
  });
});

test.each(['lost', 'restored from an older backup'])(
  '[R12] [O4] who only listens learns that Postgres was %s, and the session is opened anew with all of it',
  async (what) => {
    const backup = postgres.backup();
    await open(redis);
    host.receive(first, 1, [['add', { amount: 5 }, 1]]);
    await settle();
    await host.checkpoint();
    if (what === 'lost') postgres.wipe();
    else postgres.restore(backup);
    host.confirm();
    await settle();
    expect(first.closes).toEqual([4110]);
    const found = await registry.find('s', undefined);
    expect(found).toMatchObject({ kind: 'host', host: { view: { snapshot: { offset: 2 } } } });
  },
);

test('[R11] a Postgres that hangs keeps nobody waiting while Redis answers', async () => {
  await open(redis);
  postgres.confirm = hanging;
  postgres.append = hanging;
  host.confirm();
  const other = await again();
  host.receive(other, 1, [['add', { amount: 1 }, 1]]);
  await settle();
  expect(other.frames[0]).toMatchObject({ type: 'welcome' });
  expect(other.frames.at(-1)).toMatchObject({ type: 'entries', accepted: 1 });
});

test('[O2] where only Postgres knows the next owner, a reader that only listens is told by the next look', async () => {
  await open(redis);
  await postgres.takeOver(next);
  host.confirm();
  await settle();
  expect(first.closes).toEqual([4110]);
});

test('[R11] without Redis, who shows a token again while Postgres is away tries once more, and who is there stays', async () => {
  await open(undefined);
  const { confirm } = postgres;
  postgres.confirm = away;
  const listener = probe('client-0000000000000002');
  await joins(listener);
  const early = probe();
  host.attach(early);
  // The tries of the log.
  for (let tries = 0; tries < 5; tries++) {
    await settle();
    clock.pass(1_000);
  }
  await settle();
  expect(early.closes).toEqual([4101]);
  expect(listener.closes).toEqual([]);
  postgres.confirm = confirm;
  expect((await again()).frames[0]).toMatchObject({ type: 'welcome' });
});

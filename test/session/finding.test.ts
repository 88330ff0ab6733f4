/** What a client has seen decides which owner it is led to: one that the session has passed makes way at once. */
import { beforeEach, expect, test } from 'vitest';

import type { Sighting } from '../../server/session/reader.ts';
import type { SessionHost } from '../../server/session/session-host.ts';
import { SessionRegistry } from '../../server/session/session-registry.ts';
import type { Batch } from '../../server/store/journal.ts';
import { closeCodes } from '../../shared/protocol/close-codes.ts';
import { genesis } from '../../shared/session/fold.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryJournal, type MemoryStore } from '../support/memory-journal.ts';
import { probe, type Probe } from '../support/probe-reader.ts';
import { tallyRegistryParts } from '../support/tally-registry.ts';
import { tally } from '../support/tally.ts';

const [one, other] = ['client-0000000000000001', 'client-0000000000000002'];

let postgres: MemoryStore;
let here: SessionRegistry;
let elsewhere: SessionRegistry;
let idCount: number;
/** In which the session was begun elsewhere. */
let epoch: string;

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
};

beforeEach(async () => {
  idCount = 0;
  postgres = memoryJournal({ keepsAll: true });
  const snapshot = genesis(tally, { bound: 1_000 });
  await postgres.create({ sessionId: 's', epoch: '0', snapshot, retentionMs: 1 });
  const journals = { checkpoints: postgres, log: memoryJournal({ keepsAll: false }) };
  const instance = (): SessionRegistry =>
    new SessionRegistry(
      tallyRegistryParts({
        journals,
        clock: manualClock(),
        newId: () => `id-${++idCount}`,
        reportError: (error) => {
          throw error;
        },
      }),
    );
  [here, elsewhere] = [instance(), instance()];
  const host = await hostAt(elsewhere);
  await joins(host, other);
  ({ epoch } = host.view);
});

async function hostAt(registry: SessionRegistry, sighting?: Sighting): Promise<SessionHost> {
  const found = await registry.find('s', sighting);
  if (found.kind !== 'host') throw new Error(found.kind);
  return found.host;
}

async function joins(host: SessionHost, clientId: string): Promise<Probe> {
  const reader = probe(clientId);
  host.attach(reader);
  await settle();
  return reader;
}

test('[R8] who moves while Redis has all is served without a look at what Postgres has, and is told the same', async () => {
  const { takeOver } = postgres;
  const unread = (): never => {
    throw new Error('It was read.');
  };
  postgres.takeOver = async (claim) => {
    const taken = await takeOver(claim);
    if (taken.kind !== 'taken') return taken;
    return Object.defineProperties(taken, { snapshot: { get: unread }, entries: { get: unread } });
  };
  const former = await hostAt(elsewhere);
  const { epoch: went, snapshot, saved } = former.view;
  expect((await hostAt(here)).view).toMatchObject({ epoch: went, snapshot, saved });
});

/** Proof of having seen the log up to there. */
const seen = (offset: number, generation = 1): Sighting => ({
  clientId: one,
  generation,
  position: { epoch, offset },
});

test('[O1] [R5] who went on elsewhere and comes back is led to a new owner; its older connection is put out, others resume', async () => {
  const former = await hostAt(here);
  const [own, listener] = [await joins(former, one), await joins(former, other)];
  const { reader, host } = await goneOnElsewhere();
  const back = await hostAt(here, seen(host.view.snapshot.offset));
  expect(back).not.toBe(former);
  expect(back.view).toMatchObject({ epoch, snapshot: host.view.snapshot });
  expect([own.closes, listener.closes]).toEqual([[4009], [4110]]);
  host.receive(reader, 2, [['add', { amount: 1 }, 1]]);
  await settle();
  expect(new Set(reader.closes)).toEqual(new Set([4110]));
});

async function goneOnElsewhere(): Promise<{ reader: Probe; host: SessionHost }> {
  // It was put out by now, and opens the session again.
  for (const stale of elsewhere.hosts.values()) stale.release(closeCodes.fenced, 'test');
  const host = await hostAt(elsewhere);
  const reader = await joins(host, one);
  host.receive(reader, 1, [['add', { amount: 5 }, 1]]);
  await settle();
  return { reader, host };
}

test('[R4] a session of which more was seen than its owner has begins a new epoch, once', async () => {
  const former = await hostAt(here);
  const first = await joins(former, other);
  const anew = await hostAt(here, seen(99));
  expect(anew.view.epoch).not.toBe(epoch);
  expect(first.closes).toEqual([4110]);
  expect(await hostAt(here, seen(99))).toBe(anew);
});

test('[R4] a token that is retired raises nothing', async () => {
  const host = await hostAt(here);
  const reader = { ...probe(one), generation: 7 };
  host.attach(reader);
  await settle();
  expect(await hostAt(here, seen(99, 6))).toBe(host);
  expect(reader.closes).toEqual([]);
});

test('[R4] who comes while a session is opened for somebody who saw less has it opened anew', async () => {
  const [former, anew] = await Promise.all([hostAt(here), hostAt(here, seen(99))]);
  expect(former.view.epoch).toBe(epoch);
  expect(anew.view.epoch).not.toBe(epoch);
  expect(here.hosts.get('s')).toBe(anew);
});

test('[D3] who leaves does not take back what went on elsewhere', async () => {
  const former = await hostAt(here);
  await joins(former, one);
  const { reader, host } = await goneOnElsewhere();
  let end = (): void => {};
  const { append } = postgres;
  postgres.append = (batch: Batch) =>
    new Promise((resolve) => {
      end = () => resolve(append(batch));
    });
  const leaving = here.retireAll(closeCodes.drained, 'leaving');
  await settle();
  expect(await hostAt(here, seen(host.view.snapshot.offset))).toBe(former);
  postgres.append = append;
  end();
  await leaving;
  host.receive(reader, 2, [['add', { amount: 1 }, 1]]);
  await settle();
  expect(reader.closes).toEqual([]);
});

test('[D3] who leaves waits for what is on its way to Postgres, also of a session that was let go before', async () => {
  const host = await hostAt(here);
  await joins(host, one);
  const { append } = postgres;
  let arrive = (): void => {};
  postgres.append = (batch: Batch) =>
    new Promise((resolve) => {
      arrive = () => resolve(append(batch));
    });
  void host.checkpoint();
  await settle();
  host.release(closeCodes.fenced, 'test');
  let hasLeft = false;
  void here.retireAll(closeCodes.drained, 'leaving').then(() => {
    hasLeft = true;
  });
  await settle();
  expect(hasLeft).toBe(false);
  arrive();
  await settle();
  expect(hasLeft).toBe(true);
});

import { expect, test } from 'vitest';

import { SessionRegistry } from '../../server/session/session-registry.ts';
import { StoreUnavailableError } from '../../server/store/journal.ts';
import { genesis } from '../../shared/session/fold.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryJournal } from '../support/memory-journal.ts';
import { probe } from '../support/probe-reader.ts';
import { tallyRegistryParts } from '../support/tally-registry.ts';
import { tally } from '../support/tally.ts';

/** Its registry writes checkpoints every second, and looks for due ones every 250 ms. */
test('[C6] sessions that came together, or waited together, are not saved together from then on, and none waits longer than it may', async () => {
  const clock = manualClock();
  const postgres = memoryJournal({ keepsAll: true });
  let isAway = false;
  const checkpoints: typeof postgres = {
    ...postgres,
    append: async (batch) => {
      if (isAway) throw new StoreUnavailableError('Postgres', 'away');
      return postgres.append(batch);
    },
  };
  const log = memoryJournal({ keepsAll: false });
  let idCount = 0;
  const errors: unknown[] = [];
  const registry = new SessionRegistry(
    tallyRegistryParts({
      journals: { checkpoints, log },
      newId: () => `id-${++idCount}`,
      clock,
      reportError: (error) => errors.push(error),
    }),
  );
  registry.start();
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 60; turn++) await Promise.resolve();
  };
  const riders = await Promise.all(
    ['hana', 'gil'].map(async (sessionId) => {
      const snapshot = genesis(tally, { bound: 1_000 });
      await postgres.create({ sessionId, epoch: '0', snapshot, retentionMs: 1 });
      const found = await registry.find(sessionId, undefined);
      if (found.kind !== 'host') throw new Error(found.kind);
      const reader = probe();
      found.host.attach(reader);
      await settle();
      return { host: found.host, reader };
    }),
  );
  let seq = 0;
  const give = async (): Promise<void> => {
    seq++;
    for (const { host, reader } of riders) host.receive(reader, seq, [['add', { amount: 1 }, seq]]);
    await settle();
  };
  const areUnsaved = async (ms: number): Promise<boolean[]> => {
    clock.pass(ms);
    await settle();
    return riders.map(({ host }) => host.unsavedSinceMs !== undefined);
  };
  await give();
  expect(await areUnsaved(750)).toEqual([false, true]);
  await give();
  expect(await areUnsaved(250)).toEqual([true, false]);
  await give();
  expect(await areUnsaved(750)).toEqual([false, true]);
  expect(await areUnsaved(250)).toEqual([false, false]);

  // Who waited together for a store is saved together once.
  isAway = true;
  await give();
  expect(await areUnsaved(1_250)).toEqual([true, true]);
  isAway = false;
  expect(await areUnsaved(250)).toEqual([false, false]);
  await give();
  expect(await areUnsaved(750)).toEqual([false, true]);
  expect(errors).toEqual([]);
});

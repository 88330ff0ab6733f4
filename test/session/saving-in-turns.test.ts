import { beforeEach, describe, expect, test } from 'vitest';

import { SessionRegistry } from '../../server/session/session-registry.ts';
import { genesis } from '../../shared/session/fold.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';
import { memoryJournal } from '../support/memory-journal.ts';
import { probe } from '../support/probe-reader.ts';
import { tallyRegistryParts } from '../support/tally-registry.ts';
import { tally } from '../support/tally.ts';

const ids = Array.from({ length: 120 }, (_, index) => `s${index}`);
/** After which a checkpoint is due, which is the moment of a sweep. */
const dueMs = 1_000;

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve();
};

describe('sessions that are due together', () => {
  let clock: ManualClock;
  let registry: SessionRegistry;

  const pass = async (ms: number): Promise<void> => {
    clock.pass(ms);
    await settle();
  };
  const savedCount = (): number =>
    ids.filter((id) => registry.hosts.get(id)?.unsavedSinceMs === undefined).length;

  beforeEach(async () => {
    clock = manualClock();
    const checkpoints = memoryJournal({ keepsAll: true });
    const journals = { checkpoints, log: memoryJournal({ keepsAll: false }) };
    let idCount = 0;
    const newId = (): string => `id-${++idCount}`;
    registry = new SessionRegistry(
      tallyRegistryParts({ journals, newId, clock, reportError: () => {} }),
    );
    const snapshot = genesis(tally, { bound: 1_000 });
    for (const sessionId of ids) {
      await checkpoints.create({ sessionId, epoch: '0', snapshot, retentionMs: 1 });
      const found = await registry.find(sessionId, undefined);
      if (found.kind === 'host') found.host.attach(probe());
    }
    registry.start();
    await settle();
  });

  test('[C6] fifty are saved in one turn and the others a moment later, before the next sweep', async () => {
    expect(savedCount()).toBe(0);
    const counts: number[] = [];
    for (const ms of [dueMs, 5, 5]) {
      await pass(ms);
      counts.push(savedCount());
    }
    expect(counts).toEqual([50, 100, 120]);
  });

  test('[C6] what comes next is saved by a sweep that follows', async () => {
    await pass(dueMs);
    const host = registry.hosts.get('s0');
    const [reader = probe()] = host?.readers ?? [];
    host?.receive(reader, 1, [['add', { amount: 1 }, 1]]);
    await settle();
    expect(savedCount()).toBe(49);
    for (const ms of [5, 5, dueMs]) await pass(ms);
    expect(savedCount()).toBe(120);
  });

  test('[D3] who leaves saves no more in turns', async () => {
    await pass(dueMs);
    registry.stop();
    await pass(dueMs);
    expect(savedCount()).toBe(50);
  });
});

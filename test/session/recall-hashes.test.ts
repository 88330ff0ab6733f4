import { expect, test } from 'vitest';

import { SessionRegistry } from '../../server/session/session-registry.ts';
import type { WireCommand } from '../../shared/protocol/frames.ts';
import { defaultLimits, hashesMax } from '../../shared/protocol/limits.ts';
import { commandHash, genesis } from '../../shared/session/fold.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryJournal } from '../support/memory-journal.ts';
import { probe } from '../support/probe-reader.ts';
import { tally } from '../support/tally.ts';

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
};

test.each([
  { where: 'in Postgres', log: undefined },
  { where: 'in the log, and nothing is saved yet', log: memoryJournal({ keepsAll: false }) },
])(
  '[C8] [R7] a client that asks is told the hashes of its commands from there on, others the latest ones; they are $where',
  async ({ log }) => {
    const checkpoints = memoryJournal({ keepsAll: true });
    const snapshot = genesis(tally, { bound: 1_000 });
    await checkpoints.create({ sessionId: 's', epoch: '0', snapshot, retentionMs: 1 });
    const registry = new SessionRegistry({
      journals: { checkpoints, log },
      models: new Map([['tally', tally]]),
      newId: () => 'owner',
      clock: manualClock(),
      limits: defaultLimits,
      release: 'test',
      issueToken: () => 'next',
      signPosition: () => 'p',
      reportError: () => {},
      checkpointMs: 1_000,
      detachedGraceMs: 1_000,
    });
    const found = await registry.find('s', undefined);
    if (found.kind !== 'host') throw new Error(found.kind);
    const { host } = found;
    const commands = Array.from({ length: 100 }, (_, amount): WireCommand => [
      'add',
      { amount },
      1,
    ]);
    const hashes = commands.map(commandHash);
    const first = probe();
    host.attach(first);
    host.receive(first, 1, commands);
    await settle();
    for (const from of [undefined, 100, 101 - hashesMax, 40, 1]) {
      const asking = probe();
      const hello = { ...asking.hello, ...(from !== undefined && { hashes_from: from }) };
      const recalled = await host.recall({ ...asking, hello });
      host.attach({ ...asking, hello, recalled });
      await settle();
      const atHand = 100 - hashesMax;
      expect(asking.frames[0]).toMatchObject({
        type: 'welcome',
        hashes: hashes.slice(Math.min((from ?? 101) - 1, atHand)),
      });
    }
  },
);

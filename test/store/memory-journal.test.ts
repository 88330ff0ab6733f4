import { memoryJournal } from '../support/memory-journal.ts';
import { describeJournal } from './journal-contract.ts';

for (const keepsAll of [true, false])
  describeJournal(keepsAll ? 'memory like Postgres' : 'memory like Redis', () => {
    const journal = memoryJournal({ keepsAll });
    return Promise.resolve({
      journal,
      isLasting: keepsAll,
      seed: (sessionId, epoch, snapshot) =>
        journal.create({ sessionId, epoch, snapshot, retentionMs: 60_000 }),
    });
  });

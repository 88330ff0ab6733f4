import { expect, test } from 'vitest';

import type { OpenedSession } from '../../server/session/open-session.ts';
import { SessionSaver } from '../../server/session/session-saver.ts';
import { Tail } from '../../server/session/tail.ts';
import { StoreUnavailableError, type Batch } from '../../server/store/journal.ts';
import { encodeEntries } from '../../shared/protocol/codec.ts';
import type { Entry, Snapshot } from '../../shared/protocol/frames.ts';
import { memoryJournal } from '../support/memory-journal.ts';
import { tally } from '../support/tally.ts';

const at = (offset: number): Snapshot => ({
  kind: 'tally',
  version: 1,
  offset,
  writers: [],
  state: { bound: 1, total: 0 },
});
const entry = (offset: number): Entry => ({ offset, writer: 0, seq: offset, at_ms: 1, hash: 'x' });
const run = (first: number, last: number) => ({
  first,
  last,
  text: encodeEntries(Array.from({ length: last - first + 1 }, (_, index) => entry(first + index))),
});
const session: OpenedSession = {
  sessionId: 'session',
  model: tally,
  ownerId: 'owner',
  term: 1,
  epoch: 'e',
  snapshot: at(6),
  recent: [],
  saved: at(2),
  isLogged: true,
  isClaimed: false,
  isRebuilt: false,
};

test('[C6] a checkpoint holds what there was when it began: not what came in while it claimed the session, and a repeat is identical', async () => {
  const tail = new Tail([run(1, 3), run(4, 6)]);
  const batches: Batch[] = [];
  let failuresLeft = 1;
  const postgres = memoryJournal({ keepsAll: true });
  const checkpoints: typeof postgres = {
    ...postgres,
    takeOver: () => {
      tail.push(run(7, 9));
      const stored = { head: 2, snapshot: at(2), entries: [], isContinuous: true, isLog: true };
      return Promise.resolve({ kind: 'taken', term: 1, epoch: 'e', ...stored });
    },
    append: (batch) => {
      batches.push(batch);
      if (failuresLeft-- > 0) return Promise.reject(new StoreUnavailableError('Postgres', 'away'));
      return Promise.resolve('appended');
    },
  };
  const saver = new SessionSaver(session, { checkpoints });
  expect(await saver.save(at(6), tail)).toBe('unavailable');
  tail.push(run(10, 11));
  await saver.save(at(11), tail);
  await saver.save(at(11), tail);
  const offsets = ({ entries }: Batch): number[] =>
    (JSON.parse(`[${entries.join(',')}]`) as Entry[]).map(({ offset }) => offset);
  expect(batches.map(({ prev, head }) => [prev, head])).toEqual([
    [2, 6],
    [2, 6],
    [6, 11],
  ]);
  expect(batches.map(offsets)).toEqual([
    [3, 4, 5, 6],
    [3, 4, 5, 6],
    [7, 8, 9, 10, 11],
  ]);
  expect(batches[1]).toEqual(batches[0]);
});

test('[C6] a snapshot is due with the first checkpoint, after fifteen without one, and after a thousand entries', () => {
  const saver = new SessionSaver(session, { checkpoints: memoryJournal({ keepsAll: true }) });
  const due = (offsets: readonly number[]): number[] =>
    offsets.filter((offset) => saver.dueSnapshot(at(offset)) !== undefined);
  expect(due(Array.from({ length: 33 }, (_, place) => place))).toEqual([0, 16, 32]);
  expect(due([600, 1_031, 1_032, 1_033, 2_031, 9_000])).toEqual([1_032, 9_000]);
});

import { expect, test } from 'vitest';

import { groupCommit } from '../../server/store/group-commit.ts';
import { StoreUnavailableError } from '../../server/store/journal.ts';

interface Item {
  readonly sessionId: string;
  readonly value: number;
}

/** A write whose answers the test gives. */
function heldWrites(charsOf: (item: Item) => number = () => 0) {
  const writes: { items: readonly Item[]; answer: () => void; fail: (error: Error) => void }[] = [];
  const write = groupCommit<Item, number>(
    (items) =>
      new Promise((resolve, reject) => {
        writes.push({
          items,
          answer: () => resolve(items.map(({ value }) => value * 10)),
          fail: reject,
        });
      }),
    { countMax: 500, charsMax: 4_000_000, charsOf },
  );
  return { writes, write };
}

/** Of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what waits while a write is under way goes out in one, each with its own result', async () => {
  const { writes, write } = heldWrites();
  const first = write({ sessionId: 'a', value: 1 });
  await turn();
  const others = ['b', 'c'].map((sessionId, index) => write({ sessionId, value: index + 2 }));
  await turn();
  expect(writes.map(({ items }) => items.length)).toEqual([1]);
  writes[0]?.answer();
  await turn();
  expect(writes.map(({ items }) => items.length)).toEqual([1, 2]);
  writes[1]?.answer();
  expect(await Promise.all([first, ...others])).toEqual([10, 20, 30]);
});

test('sessions that are due together share even the first write', async () => {
  const { writes, write } = heldWrites();
  void write({ sessionId: 'a', value: 1 });
  void write({ sessionId: 'b', value: 1 });
  await turn();
  expect(writes.map(({ items }) => items.length)).toEqual([2]);
});

test('a session’s second write waits for its first, in order', async () => {
  const { writes, write } = heldWrites();
  void write({ sessionId: 'a', value: 1 });
  void write({ sessionId: 'a', value: 2 });
  void write({ sessionId: 'a', value: 3 });
  for (const index of [0, 1, 2]) {
    await turn();
    expect(writes[index]?.items).toEqual([{ sessionId: 'a', value: index + 1 }]);
    writes[index]?.answer();
  }
});

test('a write that fails fails for all of its group, and the next goes on', async () => {
  const { writes, write } = heldWrites();
  const lost = [write({ sessionId: 'a', value: 1 }), write({ sessionId: 'b', value: 2 })];
  await turn();
  writes[0]?.fail(new Error('away'));
  expect((await Promise.allSettled(lost)).map(({ status }) => status)).toEqual([
    'rejected',
    'rejected',
  ]);
  const next = write({ sessionId: 'a', value: 1 });
  await turn();
  writes[1]?.answer();
  expect(await next).toBe(10);
});

test('what waits for a store that is away fails with the first write, and not one time-out after the other', async () => {
  const { writes, write } = heldWrites();
  const failed: string[] = [];
  const give = (sessionId: string): void =>
    void write({ sessionId, value: 2 }).catch(() => failed.push(sessionId));
  give('first');
  await turn();
  for (const sessionId of ['first', 'b', 'c']) give(sessionId);
  await turn();
  writes[0]?.fail(new StoreUnavailableError('Redis', 'Command timed out'));
  await turn();
  expect(failed).toEqual(['first', 'first', 'b', 'c']);
  expect(writes).toHaveLength(1);
  const next = write({ sessionId: 'a', value: 1 });
  await turn();
  writes[1]?.answer();
  expect(await next).toBe(10);
});

test.each([
  ['is a mistake of ours', new Error('a batch that cannot be encoded')],
  ['is about one session', new StoreUnavailableError('Redis', 'moved', { isAboutSession: true })],
])('what waits goes out all the same when what went wrong %s', async (_what, error) => {
  const { writes, write } = heldWrites();
  const first = write({ sessionId: 'a', value: 1 });
  await turn();
  const other = write({ sessionId: 'b', value: 2 });
  await turn();
  writes[0]?.fail(error);
  await expect(first).rejects.toBe(error);
  await turn();
  writes[1]?.answer();
  expect(await other).toBe(20);
});

test('what is much goes out in several, in the order it came; what alone is too much goes alone', async () => {
  const { writes, write } = heldWrites(({ value }) => value);
  const values = [1_500_000, 2_000_000, 1_000_000, 9_000_000, 1_000_000];
  const all = values.map((value, index) => write({ sessionId: `session ${index}`, value }));
  for (let count = 1; count <= 3; count++) {
    await turn();
    expect(writes).toHaveLength(count);
    writes.at(-1)?.answer();
  }
  expect(await Promise.all(all)).toEqual(values.map((value) => value * 10));
  expect(writes.map(({ items }) => items.map(({ value }) => value))).toEqual([
    [1_500_000, 2_000_000],
    [1_000_000, 1_000_000],
    [9_000_000],
  ]);
});

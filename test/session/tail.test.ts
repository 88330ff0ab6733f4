import { describe, expect, test } from 'vitest';

import { Tail } from '../../server/session/tail.ts';
import { encodeEntries } from '../../shared/protocol/codec.ts';
import type { Entry } from '../../shared/protocol/frames.ts';

const entry = (offset: number): Entry => ({
  offset,
  writer: 0,
  seq: offset,
  at_ms: 1_000,
  hash: 'x',
  events: [['added', { text: `"${offset}",[}` }]],
});
const entries = (first: number, last: number): Entry[] =>
  Array.from({ length: last - first + 1 }, (_, index) => entry(first + index));
const run = (first: number, last: number) => ({
  first,
  last,
  text: encodeEntries(entries(first, last)),
});
const textOf = (texts: readonly string[] | undefined): string | undefined => texts?.join(',');

describe('the latest entries', () => {
  const tail = new Tail([run(11, 11), run(12, 15), run(16, 20)]);

  test('[R1] from any place on they are exactly those after it, also in the middle of what came in one go', () => {
    for (let offset = 10; offset <= 20; offset++)
      expect(textOf(tail.after(offset))).toBe(encodeEntries(entries(offset + 1, 20)));
    expect(tail.after(20)).toEqual([]);
  });

  test('[R1] where some of them are gone there is no answer, rather than a part', () => {
    expect(tail.after(9)).toBeUndefined();
    expect(new Tail([]).after(0)).toBeUndefined();
  });

  test('[C6] up to a place there are none behind it', () => {
    expect(textOf(tail.after(10, 15))).toBe(encodeEntries(entries(11, 15)));
    expect(textOf(tail.after(13, 18))).toBe(encodeEntries(entries(14, 18)));
    expect(tail.after(15, 15)).toEqual([]);
  });

  test('[R1] keeps as many as it is told to, and forgets whole runs only', () => {
    const kept = new Tail([run(1, 4), run(5, 6)]);
    for (let first = 7; first < 100; first += 3) {
      kept.push(run(first, first + 2));
      kept.keepLatest(10);
      expect(kept.after(Math.max(0, first - 8))).toBeDefined();
    }
    expect(kept.after(60)).toBeUndefined();
    expect(kept.entries().length).toBeLessThan(25);
    expect(kept.entries().at(-1)).toEqual(entry(99));
  });
});

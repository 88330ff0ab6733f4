import { expect, test } from 'vitest';

import { textArray } from '../../server/store/postgres/text-array.ts';

/** As `array_recv` of Postgres reads it. */
function read(bytes: Buffer): (string | null)[] {
  const [dimensions, hasNull, oid, count = 0, lowerBound] = [0, 4, 8, 12, 16].map((place) =>
    bytes.readInt32BE(place),
  );
  expect([dimensions, oid, lowerBound]).toEqual([1, 25, 1]);
  const texts: (string | null)[] = [];
  let place = 20;
  for (let index = 0; index < count; index++) {
    const length = bytes.readInt32BE(place);
    place += 4;
    texts.push(length === -1 ? null : bytes.toString('utf8', place, place + length));
    place += Math.max(length, 0);
  }
  expect(place).toBe(bytes.length);
  expect(hasNull).toBe(texts.includes(null) ? 1 : 0);
  return texts;
}

test('texts of any kind are written as Postgres reads them, and none is not the text NULL', () => {
  const texts = ['', 'NULL', null, '{"a":"\\"b\\""},{}', 'Größe 🚲', 'x'.repeat(70_000)];
  expect(read(textArray(texts))).toEqual(texts);
  expect(read(textArray(['all', 'there']))).toEqual(['all', 'there']);
});

test('a text that comes in parts is written as one, with a comma between two of them', () => {
  const parts = ['{"a":1},{"a":2}', '{"ö":"🚲"}', '{"a":3}'];
  expect(read(textArray([parts, null, ['alone'], []]))).toEqual([
    '{"a":1},{"a":2},{"ö":"🚲"},{"a":3}',
    null,
    'alone',
    '',
  ]);
});

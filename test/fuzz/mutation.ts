/** Makes almost right of right: values with one thing wrong, and texts with a few bytes wrong. */
import fc, { type Arbitrary } from 'fast-check';

const deep = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

/** What has made programs like this one stumble before. */
const awkward: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  -0.5,
  2 ** 53,
  1e308,
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\u2028',
  '../..',
  'constructor',
  '__proto__',
  '’'.repeat(64),
  'x'.repeat(20_000),
  {},
  [],
  { __proto__: null, toString: 1, constructor: { prototype: 1 } },
  deep(2_000),
];

/** The value with one place of it replaced, removed, doubled or added to. */
export function mutated(values: Arbitrary<unknown>): Arbitrary<unknown> {
  return fc
    .tuple(values, fc.nat(), fc.nat(3), fc.oneof(fc.constantFrom(...awkward), fc.jsonValue()))
    .map(([value, place, way, other]) => {
      const copy = structuredClone({ root: value }) as Container;
      const places = placesIn(copy, 'root');
      const [owner, key] = places[place % places.length] ?? [copy, 'root'];
      change(owner, key, way, other);
      return copy['root'];
    });
}

type Container = Record<string, unknown>;

function placesIn(owner: Container, key: string): [Container, string][] {
  const value = owner[key];
  const below =
    typeof value === 'object' && value !== null
      ? Object.keys(value).flatMap((inner) => placesIn(value as Container, inner))
      : [];
  return [[owner, key], ...below];
}

function change(owner: Container, key: string, way: number, other: unknown): void {
  const value = owner[key];
  if (way === 0) {
    if (Array.isArray(owner)) owner.splice(Number(key), 1);
    else delete owner[key];
  } else if (way === 1 && Array.isArray(value)) {
    owner[key] = Array.from({ length: 300 }, () => value[0] as unknown);
  } else if (way === 2 && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    (value as Container)['nobody-knows'] = other;
  } else owner[key] = other;
}

/** A text with a few of its bytes changed, lost, doubled or put in. May be no UTF-8 any more. */
export function bytesMutated(texts: Arbitrary<string>): Arbitrary<Buffer> {
  const edit = fc.tuple(
    fc.nat(3),
    fc.nat(),
    fc.nat(16),
    fc.uint8Array({ minLength: 1, maxLength: 8 }),
  );
  return fc.tuple(texts, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([text, edits]) => {
    let bytes = Buffer.from(text, 'utf8');
    for (const [way, place, length, added] of edits) {
      const at = bytes.length === 0 ? 0 : place % bytes.length;
      const [head, cut, tail] = [
        bytes.subarray(0, at),
        bytes.subarray(at, at + length),
        bytes.subarray(at + length),
      ];
      const kept = { 0: [added], 1: [], 2: [cut, cut], 3: [added, cut] }[way] ?? [];
      bytes = Buffer.concat([head, ...kept, tail]);
    }
    return bytes;
  });
}

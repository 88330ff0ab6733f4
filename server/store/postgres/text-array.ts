/** Texts for Postgres in its binary form of an array, as `array_recv` reads it. */

/** What `text` is numbered in every Postgres. */
const textOid = 25;
const lengthBytes = 4;

/** One of the texts: as it is, or in parts with a comma between two; null for none. */
type ArrayText = string | readonly string[] | null;

/**
 * A parameter for `$n::text[]`. As a literal, which `pg` makes of an array, each quote of the JSON in it would be escaped here and
 * unescaped there: that took more time and memory than all the rest of a checkpoint. Parts are written where they belong: joined
 * before, those of a busy session are a large object of V8's, for which the kernel clears new pages each time.
 */
export function textArray(texts: readonly ArrayText[]): Buffer {
  const header = [1, texts.includes(null) ? 1 : 0, textOid, texts.length, 1];
  const lengths = texts.map(lengthOf);
  const contentBytes = lengths.reduce((sum, length) => sum + lengthBytes + Math.max(length, 0), 0);
  const bytes = Buffer.allocUnsafe(header.length * lengthBytes + contentBytes);
  let place = 0;
  const writeNumber = (value: number): void => void (place = bytes.writeInt32BE(value, place));
  header.forEach(writeNumber);
  texts.forEach((text, index) => {
    writeNumber(lengths[index] ?? -1);
    partsOf(text).forEach((part, number) => {
      if (number > 0) place += bytes.write(',', place);
      place += bytes.write(part, place);
    });
  });
  return bytes;
}

function partsOf(text: ArrayText): readonly string[] {
  if (text === null) return [];
  return typeof text === 'string' ? [text] : text;
}

/** In bytes; -1 for none, as Postgres has it. */
function lengthOf(text: ArrayText): number {
  if (text === null) return -1;
  const parts = partsOf(text);
  const commas = Math.max(parts.length - 1, 0);
  return parts.reduce((sum, part) => sum + Buffer.byteLength(part), commas);
}

/** Texts for Postgres in its binary form of an array, as `array_recv` reads it. */

/** What `text` is numbered in every Postgres. */
const textOid = 25;
const lengthBytes = 4;

/**
 * A parameter for `$n::text[]`. As a literal, which `pg` makes of an array, each quote of the JSON in it would be escaped here and
 * unescaped there: that took more time and memory than all the rest of a checkpoint.
 */
export function textArray(values: readonly (string | null)[]): Buffer {
  const header = [1, values.includes(null) ? 1 : 0, textOid, values.length, 1];
  const lengths = values.map((value) => (value === null ? -1 : Buffer.byteLength(value)));
  const contentBytes = lengths.reduce((sum, length) => sum + lengthBytes + Math.max(length, 0), 0);
  const bytes = Buffer.allocUnsafe(header.length * lengthBytes + contentBytes);
  let place = 0;
  const writeNumber = (value: number): void => void (place = bytes.writeInt32BE(value, place));
  header.forEach(writeNumber);
  values.forEach((value, index) => {
    writeNumber(lengths[index] ?? -1);
    if (value !== null) place += bytes.write(value, place);
  });
  return bytes;
}

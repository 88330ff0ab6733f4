/** Entries of sessions that are over: compressed on threads of the runtime, never on the one that serves. */
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';

/** Higher ones take several times as long for a few percent: 1 MB in some 20 ms. */
const quality = 5;

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

/** A row of the log: the entries after `prev`, encoded. */
export interface LogRow {
  readonly prev: number;
  readonly entries: string;
}

/** All rows as one, compressed; undefined when there are none. */
export async function packRows(
  rows: readonly LogRow[],
): Promise<{ readonly prev: number; readonly bytes: Buffer } | undefined> {
  const [first] = rows;
  if (first === undefined) return undefined;
  const text = rows.map(({ entries }) => entries).join(',');
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: quality,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
  };
  return { prev: first.prev, bytes: await compress(text, { params }) };
}

/** What was packed, encoded. Throws when the bytes are not that. */
export async function unpack(bytes: Buffer): Promise<string> {
  return (await decompress(bytes)).toString('utf8');
}

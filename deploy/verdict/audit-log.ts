/** What was done to the service, by whom and when: one JSON object a line, each holding the hash of the line before. */
import { createHash } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';

const genesis = '0'.repeat(64);

const hashOf = (line: string): string => createHash('sha256').update(line).digest('hex');

/** Only one writer at a time: the deploy lock. Instances may read it, for the operators' page; there is no secret in it. */
export async function appendAudit(
  file: string,
  entry: Readonly<Record<string, string>>,
): Promise<void> {
  const last = (await linesOf(file)).at(-1);
  const previous = last === undefined ? genesis : hashOf(last);
  await appendFile(file, `${JSON.stringify({ ...entry, previous })}\n`, { mode: 0o644 });
}

/** The number of the first line that does not follow from the one before, from 1; undefined when all do. */
export async function firstBrokenLine(file: string): Promise<number | undefined> {
  let expected = genesis;
  for (const [index, line] of (await linesOf(file)).entries()) {
    if (previousOf(line) !== expected) return index + 1;
    expected = hashOf(line);
  }
  return undefined;
}

export async function lastAudits(file: string, count: number): Promise<unknown[]> {
  const lines = (await linesOf(file)).slice(-count);
  return lines.map((line): unknown => parse(line));
}

async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').filter((line) => line !== '');
}

function previousOf(line: string): unknown {
  return (parse(line) as { readonly previous?: unknown } | undefined)?.previous;
}

/** A line cut off by a full disk or a crash is no JSON. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

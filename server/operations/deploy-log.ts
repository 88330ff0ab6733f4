/** The latest lines of rolling.sh's audit log, for operators who look at the page. */
import { open } from 'node:fs/promises';

import * as v from 'valibot';

const line = v.object({
  at: v.pipe(v.string(), v.isoTimestamp()),
  action: v.string(),
  release: v.optional(v.string()),
  from: v.optional(v.string()),
  by: v.optional(v.string()),
  host: v.optional(v.string()),
  why: v.optional(v.string()),
  moved: v.optional(v.string()),
  seconds: v.optional(v.string()),
});

export type DeployNote = v.InferOutput<typeof line>;

/** Bytes of its end that are read: hundreds of lines. */
const tailBytesMax = 65_536;

/** Newest first; none where there is no such file, or it may not be read: the service goes on without. */
export async function lastDeployNotes(path: string, countMax: number): Promise<DeployNote[]> {
  const text = await readTail(path).catch(() => '');
  return text
    .split('\n')
    .map(parse)
    .filter((note) => note !== undefined)
    .slice(-countMax)
    .toReversed();
}

async function readTail(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - tailBytesMax);
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(Math.min(size, tailBytesMax)),
      position: start,
    });
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await file.close();
  }
}

/** A line that is cut off, or none of rolling.sh's, is passed over. */
function parse(text: string): DeployNote | undefined {
  try {
    const parsed = v.safeParse(line, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/**
 * One process at a time may use a folder. The lock is a Unix socket its holder listens on, so the system releases it
 * however the holder ends, and a pid that was given to somebody else can fool nobody.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { link, readdir, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

const lockName = /^lock\.(\d+)$/;

/** A folder that is ours until `release` or the end of this process. */
export interface FolderLock {
  release(): void;
}

/**
 * Takes the folder, or returns undefined when another process has it. Works across containers that share the folder on
 * one kernel. Throws when the folder cannot hold sockets.
 *
 * Locks are numbered and only ever go up. A contender creates the number above the highest, and only when nobody
 * answers at the highest; creating is exclusive. Whoever then sees a number above its own has lost. So two holders are
 * impossible: the later one found the earlier one answering, or the earlier one sees the later one's number.
 */
export async function lockFolder(folder: string): Promise<FolderLock | undefined> {
  // Listening first, under a name nobody looks for: a lock that can be seen must already answer.
  const draft = join(folder, `.lock-${randomBytes(6).toString('hex')}`);
  const server = createServer((socket) => socket.destroy());
  server.listen(draft);
  await once(server, 'listening');
  server.unref();
  try {
    const number = await claimNumber(folder, draft);
    if (number === undefined || (await highestNumber(folder)) !== number) {
      server.close();
      return undefined;
    }
    await removeBelow(folder, number);
  } finally {
    await rm(draft, { force: true });
  }
  // The file stays: were its number free again, a slow contender could take it beside the next holder.
  return { release: () => void server.close() };
}

/** The number that is now ours, or undefined when somebody answers at a lock. */
async function claimNumber(folder: string, draft: string): Promise<number | undefined> {
  for (;;) {
    const highest = await highestNumber(folder);
    if (highest > 0 && (await isAnswering(join(folder, `lock.${highest}`)))) return undefined;
    try {
      await link(draft, join(folder, `lock.${highest + 1}`));
      return highest + 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

async function lockNumbers(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => lockName.exec(name)?.[1] ?? []).map(Number);
}

async function highestNumber(folder: string): Promise<number> {
  return Math.max(0, ...(await lockNumbers(folder)));
}

async function removeBelow(folder: string, number: number): Promise<void> {
  const old = (await lockNumbers(folder)).filter((other) => other < number);
  await Promise.all(old.map((other) => rm(join(folder, `lock.${other}`), { force: true })));
}

async function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // Anything but "nobody listens here" may be a holder we cannot reach, for one of another user.
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

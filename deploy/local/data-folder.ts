/** The folder where the embedded default keeps everything: recognised, locked, with its secret. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { CannotStart } from './cannot-start.ts';
import { lockFolder, type FolderLock } from './folder-lock.ts';
import { checkSocketPath } from './socket-path.ts';

/** Content of the file `format`, by which a folder is known as ours. */
const format = 'trackstand data 1\n';

/** Names that say nothing about whose folder it is. */
const bystanders = new Set(['.DS_Store', 'lost+found', '.gitkeep']);

/** A data folder that is ours alone. */
export interface DataFolder {
  readonly path: string;
  /** The folder of PGlite's process. */
  readonly postgres: string;
  /** The working folder of Redis, which keeps nothing there. */
  readonly redis: string;
  /** The key that signs resume tokens, made with the folder and kept for its life. */
  readonly secret: string;
  readonly lock: FolderLock;
}

/** Opens the folder, or makes it. Throws CannotStart when it is somebody else's or in use, and has then changed nothing in it. */
export async function openDataFolder(path: string): Promise<DataFolder> {
  const postgres = join(path, 'postgres');
  checkSocketPath(postgres);
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await checkFormat(path);
    const lock = await lockFolder(path);
    if (lock === undefined) {
      throw new CannotStart(
        `Trackstand already runs with the data in ${path}: stop it, or set TRACKSTAND_DATA to another folder.`,
      );
    }
    const redis = join(path, 'redis');
    await mkdir(redis, { recursive: true, mode: 0o700 });
    return { path, postgres, redis, secret: await openSecret(path), lock };
  } catch (error) {
    if (error instanceof CannotStart) throw error;
    const { message } = error as Error;
    throw new CannotStart(`The data folder ${path} cannot be used (${message}).`, { cause: error });
  }
}

async function checkFormat(path: string): Promise<void> {
  const names = (await readdir(path)).filter((name) => !bystanders.has(name));
  const found = await readOptional(join(path, 'format'));
  if (found === format) return;
  const advice = 'Set TRACKSTAND_DATA to another folder; nothing was changed.';
  if (found?.startsWith('trackstand data ') === true) {
    throw new CannotStart(`${path} was made by a newer release of Trackstand. ${advice}`);
  }
  if (names.some((name) => !name.endsWith('.draft'))) {
    throw new CannotStart(`${path} holds something that is not Trackstand's. ${advice}`);
  }
  await writeWhole(join(path, 'format'), format);
}

async function openSecret(path: string): Promise<string> {
  const file = join(path, 'secret');
  const kept = await readOptional(file);
  if (kept !== undefined && kept.trim().length >= 32) return kept.trim();
  const secret = randomBytes(32).toString('base64url');
  await writeWhole(file, `${secret}\n`);
  return secret;
}

async function readOptional(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** A process killed half way leaves the old file or none, never a part. */
async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.draft`;
  await writeFile(draft, text, { mode: 0o600, flush: true });
  await rename(draft, path);
}

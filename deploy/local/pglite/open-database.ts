/** The data folder of the embedded database: made whole or not at all, checked, opened. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { PGlite } from '@electric-sql/pglite';

import { CannotStart } from '../cannot-start.ts';
import { durableFiles, durableStartParams } from './durable-files.ts';

/** Major version of the Postgres inside PGlite. Data of another one is refused, because it cannot be read. */
const postgresMajor = '18';

/** With this exit code PGlite's main loop says that a statement has failed. */
const errorExit = 100;

/**
 * Opens `<folder>/data`, making it first when it is absent. The caller holds the folder's lock. `onDeath` is told when
 * an open database has died: nothing it says counts any more. Throws CannotStart when the folder holds something else, which is then untouched.
 */
export async function openDatabase(
  folder: string,
  onDeath: (reason: string) => void,
): Promise<PGlite> {
  const data = join(folder, 'data');
  if (!(await exists(data))) await createData(folder, data);
  await checkVersion(data);
  let lastComplaint: string | undefined;
  try {
    const database = await PGlite.create({
      fs: durableFiles(data),
      startParams: [...durableStartParams],
      onStderr: (line) => {
        lastComplaint = /(?:FATAL|PANIC): *(.*)/.exec(line)?.[1] ?? lastComplaint;
        return false;
      },
    });
    watchDeath(database, (reason) => onDeath(lastComplaint ?? reason));
    return database;
  } catch (error) {
    const reason = lastComplaint ?? String(error);
    throw new CannotStart(`The database in ${data} does not open: ${reason}`, { cause: error });
  }
}

/** PGlite goes on after whatever ends a step of its main loop, even a panic; only an ordinary error may do that. */
function watchDeath(database: PGlite, onDeath: (reason: string) => void): void {
  const module = database.Module;
  const step = module._PostgresMainLoopOnce;
  module._PostgresMainLoopOnce = () => {
    try {
      step();
    } catch (error) {
      if ((error as { status?: number }).status !== errorExit) onDeath(String(error));
      throw error;
    }
  };
}

async function checkVersion(data: string): Promise<void> {
  const version = await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => '');
  const hasControl = await exists(join(data, 'global', 'pg_control'));
  if (version.trim() === postgresMajor && hasControl) return;
  const elsewhere = 'Set TRACKSTAND_DATA to another folder; nothing was changed.';
  throw new CannotStart(
    /^\d+\s*$/.test(version) && hasControl
      ? `${data} holds data of Postgres ${version.trim()}, this release reads ${postgresMajor}. ${elsewhere}`
      : `${data} is not a folder of Postgres data. ${elsewhere}`,
  );
}

/** Under another name until it is complete and on the disk, so that a process killed meanwhile leaves nothing half made. */
async function createData(folder: string, data: string): Promise<void> {
  const draft = join(folder, 'data.new');
  await rm(draft, { recursive: true, force: true });
  const database = await PGlite.create(draft);
  await database.close();
  const entries = await readdir(draft, { recursive: true, withFileTypes: true });
  for (const entry of entries) syncToDisk(join(entry.parentPath, entry.name));
  await rename(draft, data);
  syncToDisk(folder);
}

function syncToDisk(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

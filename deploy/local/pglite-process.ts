/**
 * The embedded database as a process: `node pglite-process.js <folder>`. Keeps its data, its socket and its lock in the
 * folder, prints `ready <url>` when it serves, and ends on SIGTERM. Exit codes: 1 cannot start, 70 the database died.
 */
import { mkdir, rm } from 'node:fs/promises';
import { resolve } from 'node:path';

import { CannotStart } from './cannot-start.ts';
import { lockFolder } from './folder-lock.ts';
import { openDatabase } from './pglite/open-database.ts';
import { startUpkeep } from './pglite/upkeep.ts';
import { startWireServer } from './pglite/wire-server.ts';
import { checkSocketPath, postgresSocket, postgresUrl } from './socket-path.ts';

async function main(folder: string): Promise<void> {
  checkSocketPath(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(folder);
  if (lock === undefined) throw new CannotStart(`Another process uses the database in ${folder}.`);
  const database = await openDatabase(folder, (reason) => {
    // What the dead backend still says must not reach a client: no clean-up, not even the socket's buffers.
    console.error(`The database died: ${reason}`);
    process.exit(70);
  });
  // Left by a process that was killed; ours alone now, by the lock.
  const socketPath = postgresSocket(folder);
  await rm(socketPath, { force: true });
  const server = await startWireServer(database, socketPath);
  const upkeep = startUpkeep(server.backend, (error) => console.error(error));
  const stop = async () => {
    await upkeep.stop();
    await server.close();
    await database.close();
    lock.release();
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
  console.log(`ready ${postgresUrl(folder)}`);
}

main(resolve(process.argv[2] ?? '.')).catch((error: unknown) => {
  console.error(error instanceof CannotStart ? error.message : error);
  process.exit(1);
});

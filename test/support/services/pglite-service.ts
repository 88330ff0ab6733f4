/** A private PGlite for tests: the very process the embedded default runs. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { makePrivateFolder } from './private-folder.ts';
import { startServer, type PrivateServer } from './private-server.ts';

/** A PGlite of this test alone, behind a Unix socket. Its URL stays the same over restarts. */
export interface PgliteService {
  /** Of its one database; `postgres:///postgres?host=<folder>&user=postgres`. */
  readonly url: string;
  /** Holds the data folder `data`, the socket and the lock. */
  readonly folder: string;
  /** Of the process that runs now. */
  pid(): number;
  /** Ends it for good and removes its folder. */
  stop(): Promise<void>;
  /** `kill -9`, which leaves everything as it was at that moment. */
  kill(): Promise<void>;
  /** Ends what runs by SIGTERM and starts a new process on the same data: after `kill`, by crash recovery. */
  restart(): Promise<void>;
}

/** Starts the built `local/pglite-process.js`, whose path `builtFile` gives, on an empty folder; takes a second or two. */
export async function startPglite(processFile: string): Promise<PgliteService> {
  const parent = await makePrivateFolder('pglite');
  const folder = join(parent.path, 'postgres');
  await mkdir(folder, { mode: 0o700 });
  const launch = () =>
    startServer({ file: process.execPath, args: [processFile, folder], ready: /^ready / }, parent);
  const first = await launch().catch(async (error: unknown) => {
    await parent.remove();
    throw error;
  });
  let server: PrivateServer = first;
  return {
    url: first.readyLine.slice('ready '.length),
    folder,
    pid: () => server.pid,
    stop: async () => {
      await server.end('SIGKILL');
      await parent.remove();
    },
    kill: () => server.end('SIGKILL'),
    restart: async () => {
      await server.end('SIGTERM');
      server = await launch();
    },
  };
}

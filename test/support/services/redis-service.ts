/** A private Redis for tests. */
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { Redis } from 'ioredis';

import { freePort } from './free-port.ts';
import { makePrivateFolder, type PrivateFolder } from './private-folder.ts';
import { startServer, type PrivateServer } from './private-server.ts';

const startAttempts = 5;

/** A Redis of this test alone. Its port and so its URL stay the same over restarts. */
export interface RedisService {
  /** `redis://127.0.0.1:<port>`; append `/<number>` for one of 4096 databases. */
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now; for SIGSTOP and SIGCONT. */
  pid(): number;
  /** Ends it for good and removes its folder. */
  stop(): Promise<void>;
  /** `kill -9`. What was never saved is gone; `restart` brings it back. */
  kill(): Promise<void>;
  /** A new process, with a new `run_id`, with all of its data or with none. After `kill`, `keepData` finds the last saved state. */
  restart(options: { readonly keepData: boolean }): Promise<void>;
  /** Keeps the state of now for `rollBack`. */
  backUp(): Promise<void>;
  /** A new process with the state of the last `backUp`. */
  rollBack(): Promise<void>;
}

/** Starts `redis-server` on a free port of 127.0.0.1, `noeviction`, saving nothing unless told. `settings` are further arguments. */
export async function startRedis(settings: readonly string[] = []): Promise<RedisService> {
  const folder = await makePrivateFolder('redis');
  const place = { folder, settings };
  const started = await startOnFreePort(place);
  const { port } = started;
  let server: PrivateServer = started.server;
  const url = `redis://127.0.0.1:${port}`;
  const dump = join(folder.path, 'dump.rdb');
  const backup = join(folder.path, 'backup.rdb');
  const again = async () => {
    server = await launch(place, port);
  };
  return {
    url,
    port,
    pid: () => server.pid,
    stop: async () => {
      await server.end('SIGKILL');
      await folder.remove();
    },
    kill: () => server.end('SIGKILL'),
    restart: async ({ keepData }) => {
      if (keepData) await save(url).catch(() => {});
      await server.end('SIGKILL');
      if (!keepData) await rm(dump, { force: true });
      await again();
    },
    backUp: async () => {
      await save(url);
      await copyFile(dump, backup);
    },
    rollBack: async () => {
      await server.end('SIGKILL');
      await copyFile(backup, dump);
      await again();
    },
  };
}

interface Place {
  readonly folder: PrivateFolder;
  readonly settings: readonly string[];
}

async function startOnFreePort(
  place: Place,
): Promise<{ readonly port: number; readonly server: PrivateServer }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    try {
      return { port, server: await launch(place, port) };
    } catch (error) {
      if (attempt < startAttempts && /in use/i.test(String(error))) continue;
      await place.folder.remove();
      throw error;
    }
  }
}

async function launch({ folder, settings }: Place, port: number): Promise<PrivateServer> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.path];
  const memory = ['--save', '', '--maxmemory-policy', 'noeviction', '--databases', '4096'];
  return startServer(
    {
      file: 'redis-server',
      args: [...args, ...memory, ...settings],
      ready: /Ready to accept connections/,
    },
    folder,
  );
}

async function save(url: string): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    await redis.save();
  } finally {
    redis.disconnect();
  }
}

/** The three programs of the embedded default: database, log, server. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { CannotStart } from './cannot-start.ts';
import { startChild, untilServing, type ChildCommand } from './child.ts';
import type { DataFolder } from './data-folder.ts';
import type { OrphanGuard } from './orphan-guard.ts';
import { postgresUrl } from './socket-path.ts';
import type { Program } from './supervise.ts';

/** What all programs of a data folder share. */
export interface Surroundings {
  readonly folder: DataFolder;
  readonly guard: OrphanGuard;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A program others reach by a URL. */
export interface Store {
  readonly program: Program;
  readonly url: string;
}

const readyTimeoutMs = 1000;

/** PGlite in a process of its own, behind a Unix socket in the data folder. */
export function databaseProgram({ folder, guard, env }: Surroundings): Store {
  const command = {
    file: process.execPath,
    args: [builtFile('../local/pglite-process.js'), folder.postgres],
    env,
    cwd: folder.path,
    logFile: join(folder.path, 'postgres.log'),
  };
  const program: Program = {
    name: 'The database',
    graceMs: 15_000,
    start: (stopping) => startUntilLogged({ command, guard, ready: /^ready /m, stopping }),
  };
  return { program, url: postgresUrl(folder.postgres) };
}

/** A private Redis that keeps nothing on disk, or undefined when there is no `redis-server` in PATH. */
export async function redisProgram({
  folder,
  guard,
  env,
}: Surroundings): Promise<Store | undefined> {
  const file = findInPath('redis-server', env['PATH'] ?? '');
  if (file === undefined) return undefined;
  const port = await findPort();
  // Any user of this machine could reach the port, so it asks for a password; on standard input nobody else sees it.
  const password = randomBytes(24).toString('base64url');
  const input = [
    `port ${port}`,
    'bind 127.0.0.1',
    `requirepass ${password}`,
    `dir "${folder.redis}"`,
    'save ""',
    'appendonly no',
    'maxmemory 512mb',
    'maxmemory-policy noeviction',
    '',
  ].join('\n');
  const logFile = join(folder.path, 'redis.log');
  const command = { file, args: ['-'], env, cwd: folder.redis, logFile, input };
  const program: Program = {
    name: 'Redis',
    graceMs: 5000,
    start: (stopping) => startUntilLogged({ command, guard, ready: /Ready to accept/, stopping }),
  };
  return { program, url: `redis://:${password}@127.0.0.1:${port}` };
}

/** The server of this repository. Without `redisUrl` it keeps its log in Postgres too. */
export function serverProgram(
  { folder, guard, env }: Surroundings,
  port: number,
  stores: { readonly databaseUrl: string; readonly redisUrl: string | undefined },
): Program {
  const file = builtFile('../server/main.js');
  if (!existsSync(file))
    throw new CannotStart('dist/server/main.js is missing: run deploy/build.mjs.');
  const command = {
    file: process.execPath,
    args: [file],
    env: {
      ...env,
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: stores.databaseUrl,
      // Empty rather than absent, which would let through what the shell happens to have.
      REDIS_URL: stores.redisUrl ?? '',
      TRACKSTAND_SECRET: folder.secret,
      // On one's own machine nobody else reads the log.
      MAIL_URL: 'log:',
    },
    cwd: folder.path,
    logFile: join(folder.path, 'server.log'),
  };
  return {
    name: 'The server',
    graceMs: 30_000,
    start: async (stopping) => {
      const child = startChild(command, guard);
      await untilServing(child, () => isReady(port), stopping);
      return child;
    },
  };
}

/** A TCP port of 127.0.0.1 nobody listens on; throws CannotStart when the wished one (0 for any) cannot be had. */
export async function findPort(wished = 0): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', ({ code }: NodeJS.ErrnoException) => {
      const why = code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${code})`;
      reject(
        new CannotStart(`Port ${wished} ${why}: set PORT to another one, for example PORT=3001.`),
      );
    });
    server.listen(wished, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' ? (address?.port ?? wished) : wished;
      server.close(() => resolve(port));
    });
  });
}

async function startUntilLogged(start: {
  readonly command: ChildCommand;
  readonly guard: OrphanGuard;
  readonly ready: RegExp;
  readonly stopping: AbortSignal;
}) {
  const child = startChild(start.command, start.guard);
  const isServing = async () => start.ready.test(await child.output());
  await untilServing(child, isServing, start.stopping);
  return child;
}

async function isReady(port: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(readyTimeoutMs);
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Not listening yet, or busy starting: asked again soon.
    return false;
  }
}

/** This module is bundled into `dist/local/main.js`. */
function builtFile(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

function findInPath(name: string, path: string): string | undefined {
  const files = path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name));
  return files.find((file) => existsSync(file));
}

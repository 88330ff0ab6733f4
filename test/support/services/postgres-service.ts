/** A private, real Postgres for tests. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { freePort } from './free-port.ts';
import { makePrivateFolder, type PrivateFolder } from './private-folder.ts';
import { startServer, type PrivateServer } from './private-server.ts';

const startAttempts = 5;
const debianBinaries = '/usr/lib/postgresql';

/** A Postgres of this test alone. Its port and so its URL stay the same over restarts. */
export interface PostgresService {
  /** Of the database `postgres` as superuser; `create database` gives others. */
  readonly url: string;
  readonly port: number;
  /** Of the postmaster that runs now. */
  pid(): number;
  /** Ends it for good and removes its folder. */
  stop(): Promise<void>;
  /** `kill -9` of the postmaster; its backends end themselves. */
  kill(): Promise<void>;
  /** Ends what runs, connections too, and starts a new postmaster on the same data: after `kill`, by crash recovery. */
  restart(): Promise<void>;
}

interface Cluster {
  readonly binaries: string;
  readonly folder: PrivateFolder;
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * Makes a cluster and starts it on a free port of 127.0.0.1. Nothing is synced to disk, commits are written before they
 * are answered all the same, so they survive `kill`. As root, Postgres runs as the system user `postgres`.
 */
export async function startPostgres(): Promise<PostgresService> {
  const folder = await makePrivateFolder('postgres');
  const cluster = { binaries: findBinaries(), folder, user: findUser() };
  const started = await startOnFreePort(cluster);
  const { port } = started;
  let server: PrivateServer = started.server;
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    pid: () => server.pid,
    stop: async () => {
      await server.end('SIGQUIT');
      await folder.remove();
    },
    kill: () => server.end('SIGKILL'),
    restart: async () => {
      await server.end('SIGQUIT');
      server = await launch(cluster, port);
    },
  };
}

async function startOnFreePort(
  cluster: Cluster,
): Promise<{ readonly port: number; readonly server: PrivateServer }> {
  try {
    await initialise(cluster);
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort();
      try {
        return { port, server: await launch(cluster, port) };
      } catch (error) {
        if (attempt === startAttempts || !/in use/i.test(String(error))) throw error;
      }
    }
  } catch (error) {
    await cluster.folder.remove();
    throw error;
  }
}

async function initialise({ binaries, folder, user }: Cluster): Promise<void> {
  if (user !== undefined) await chown(folder.path, user.uid, user.gid);
  const args = ['--pgdata', 'cluster', '--username', 'postgres', '--auth', 'trust'];
  const locale = ['--encoding', 'UTF8', '--locale', 'C', '--no-sync'];
  const options = { cwd: folder.path, ...user };
  await promisify(execFile)(join(binaries, 'initdb'), [...args, ...locale], options);
}

async function launch({ binaries, folder, user }: Cluster, port: number): Promise<PrivateServer> {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    fsync: 'off',
    full_page_writes: 'off',
    max_connections: 300,
    shared_buffers: '64MB',
    // A crash leaves shared memory behind that only the next start of the same cluster removes.
    dynamic_shared_memory_type: 'mmap',
    lc_messages: 'C',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return startServer(
    {
      file: join(binaries, 'postgres'),
      args: ['-D', 'cluster', ...flags],
      ready: /database system is ready to accept connections/,
      ...(user && { user }),
    },
    folder,
  );
}

/** Debian keeps the server's programs out of PATH, one folder per major version; the newest wins. */
function findBinaries(): string {
  const versions = existsSync(debianBinaries) ? readdirSync(debianBinaries) : [];
  const debian = versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(debianBinaries, version, 'bin'));
  const folders = [...debian, ...(process.env['PATH'] ?? '').split(':')];
  const found = folders.find((folder) =>
    ['initdb', 'postgres'].every((program) => existsSync(join(folder, program))),
  );
  if (found === undefined) throw new Error('No initdb and postgres: install postgresql');
  return found;
}

/** Postgres refuses to run as root. */
function findUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return { uid: idOf('-u'), gid: idOf('-g') };
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
}

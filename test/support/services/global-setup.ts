/**
 * vitest's global set-up: services one test run shares. Each is started, and each bundle built, when a test file first
 * asks; a run of pure tests starts nothing. The files ask over HTTP because vitest runs them in processes of their own.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { TestProject } from 'vitest/node';

import { startDockerEngine } from './docker-engine.ts';
import { startPglite } from './pglite-service.ts';
import { startPostgres } from './postgres-service.ts';
import { startRedis } from './redis-service.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where `shared-services.ts` asks. */
    readonly sharedServicesUrl: string;
  }
}

interface Shared {
  readonly answer: string;
  readonly stop?: () => Promise<void>;
}

/** Provides `sharedServicesUrl`; the function it returns ends what was started. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = project.vitest.config.root;
  const shared = new Map<string, Promise<Shared>>();
  const openOnce = (name: string): Promise<Shared> => {
    const open = shared.get(name) ?? openShared(name, root, openOnce);
    shared.set(name, open);
    return open;
  };
  const server = createServer((request, response) => void answer(request, response, openOnce));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  project.provide(
    'sharedServicesUrl',
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  );
  return async () => {
    server.close();
    server.closeAllConnections();
    for (const opening of shared.values()) {
      const opened = await opening.catch(() => undefined);
      await opened?.stop?.();
    }
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  openOnce: (name: string) => Promise<Shared>,
): Promise<void> {
  try {
    response.end((await openOnce((request.url ?? '').slice(1))).answer);
  } catch (error) {
    response.writeHead(500).end(error instanceof Error ? error.message : String(error));
  }
}

/** Names are `redis`, `postgres`, `pglite`, `docker`, and `dist/<name>` for what `deploy/build.mjs` builds. */
async function openShared(
  name: string,
  root: string,
  openOnce: (name: string) => Promise<Shared>,
): Promise<Shared> {
  switch (name) {
    case 'redis':
      return asShared(await startRedis());
    case 'postgres':
      return asShared(await startPostgres());
    case 'pglite':
      return asShared(await startPglite((await openOnce('dist/local/pglite-process')).answer));
    case 'docker':
      return asShared(await startDockerEngine());
    default: {
      const built = name.replace(/^dist\//, '');
      await promisify(execFile)(process.execPath, [join(root, 'deploy/build.mjs'), built]);
      return { answer: join(root, 'dist', built === 'app' ? built : `${built}.js`) };
    }
  }
}

function asShared(service: { readonly url: string; stop(): Promise<void> }): Shared {
  return { answer: service.url, stop: () => service.stop() };
}

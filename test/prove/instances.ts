/** The built server on ports of its own, for proxies that know addresses. */
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

import { freePort } from '../support/services/free-port.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';
import { startServer, type PrivateServer } from '../support/services/private-server.ts';
import { slowPage } from './slow-page.ts';

export interface Pair {
  readonly ports: readonly [number, number];
  start(index: 0 | 1): Promise<void>;
  /** SIGTERM: it drains, and ends. */
  leave(index: 0 | 1): Promise<void>;
  kill(index: 0 | 1): Promise<void>;
  stop(): Promise<void>;
}

export interface PairParts {
  readonly serverFile: string;
  readonly postgres: string;
  readonly redis: string;
  readonly settings?: Readonly<Record<string, string>>;
}

const slowModule = `data:text/javascript,${encodeURIComponent(slowPage)}`;

export async function startPair(parts: PairParts): Promise<Pair> {
  const ports = [await freePort(), await freePort()] as const;
  const folders = [await makePrivateFolder('slot'), await makePrivateFolder('slot')] as const;
  const running: [PrivateServer?, PrivateServer?] = [];
  const env = {
    HOST: '127.0.0.1',
    DATABASE_URL: parts.postgres,
    REDIS_URL: parts.redis,
    TRACKSTAND_SECRET: 'a secret of thirty-two characters or more',
    LOG_LEVEL: 'info',
    CHECKPOINT_MS: '1000',
    DRAIN_MOVES_PER_S: '100',
    DRAIN_GRACE_MS: '10000',
    SESSIONS_PER_HOUR_MAX: '1000000',
    CONNECTIONS_PER_ADDRESS_MAX: '10000',
    ...parts.settings,
  };
  const pair: Pair = {
    ports,
    start: async (index) => {
      running[index] = await startServer(
        {
          file: process.execPath,
          args: ['--import', slowModule, parts.serverFile],
          ready: /listening/i,
          env: { ...env, PORT: String(ports[index]) },
        },
        folders[index],
      );
    },
    leave: async (index) => running[index]?.end('SIGTERM'),
    kill: async (index) => running[index]?.end('SIGKILL'),
    stop: async () => {
      for (const folder of folders) await folder.remove();
    },
  };
  await pair.start(0);
  await pair.start(1);
  return pair;
}

/** As the scripts of others wait: until a health page has answered 200 for that long. */
export async function untilHealthy(port: number, forMs: number): Promise<void> {
  let sinceMs: number | undefined;
  while (sinceMs === undefined || performance.now() - sinceMs < forMs) {
    const status = await statusOf(port);
    sinceMs = status === 200 ? (sinceMs ?? performance.now()) : undefined;
    await delay(200);
  }
}

function statusOf(port: number): Promise<number> {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path: '/readyz', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.once('error', () => resolve(0));
    sent.end();
  });
}

/**
 * The built server in a process of its own, as it is run in production. What it keeps in memory is asked of Node's inspector, so the
 * product needs no switch for it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { WebSocket } from 'ws';

import { delay, systemClock } from '../../shared/clock.ts';
import { startIntervalsStandIn } from '../support/intervals-stand-in.ts';
import { freePort } from '../support/services/free-port.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';

export interface FuzzServer {
  readonly url: string;
  /** Lines that tell of a fault: errors in its log, and whatever it wrote to stderr. */
  readonly complaints: readonly string[];
  /** The token in the next mail to that address. */
  mailedTo(email: string): Promise<string>;
  /** Why it ended, once it has. */
  ending(): string | undefined;
  /** Bytes in use after a collection, when nobody is connected and no session is in memory any more. */
  heapAtRestBytes(): Promise<number>;
  stop(): Promise<void>;
}

interface LogLine {
  readonly level?: number;
  readonly msg?: string;
  readonly mail?: { readonly to: string; readonly text: string };
}

/** Pino's number for errors. */
const errorLevel = 50;

const settings = {
  HOST: '127.0.0.1',
  TRACKSTAND_SECRET: 'a secret of thirty-two characters or more',
  SESSIONS_PER_HOUR_MAX: '1000000000',
  CONNECTIONS_PER_ADDRESS_MAX: '1000',
  // Soon, so that a session does not stay in memory and be taken for a leak.
  DETACHED_GRACE_MS: '1000',
  CHECKPOINT_MS: '200',
  // What is tried is the way there and back, not bcrypt.
  HASH_COST: '4',
  MAIL_URL: 'log:',
};

export async function startFuzzServer(
  serverFile: string,
  stores: { readonly postgres: string; readonly redis: string },
): Promise<FuzzServer> {
  const folder = await makePrivateFolder('fuzz');
  const port = await freePort();
  const intervals = await startIntervalsStandIn();
  const child = spawn(process.execPath, ['--inspect=127.0.0.1:0', serverFile], {
    cwd: folder.path,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: {
      ...process.env,
      ...settings,
      PORT: String(port),
      DATABASE_URL: stores.postgres,
      REDIS_URL: stores.redis,
      INTERVALS_URL: intervals.url,
    },
  });
  folder.guard(child.pid);
  const complaints: string[] = [];
  const awaited = new Map<string, (token: string) => void>();
  let end: string | undefined;
  const ended = once(child, 'exit').then(([code, signal]) => {
    end = `the server ended with ${String(signal ?? code)}`;
  });
  const inspector = new Promise<string>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const url = /^Debugger listening on (ws:\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
      else if (!/^(For help, see|Debugger (attached|ending))/.test(line)) complaints.push(line);
    });
  });
  const listening = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { level, msg = '', mail } = JSON.parse(line) as LogLine;
      const [, token] = /#password=([\w-]{43})/.exec(mail?.text ?? '') ?? [];
      if (mail !== undefined && token !== undefined) awaited.get(mail.to)?.(token);
      if (/listening/i.test(msg)) resolve();
      if ((level ?? 0) >= errorLevel) complaints.push(line);
    });
  });
  await Promise.race([listening, ended]);
  if (end !== undefined) throw new Error(`${end}: ${complaints.join('\n')}`);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    complaints,
    mailedTo: (email) =>
      new Promise((resolve) => {
        awaited.set(email, (token) => {
          awaited.delete(email);
          resolve(token);
        });
      }),
    ending: () => end,
    heapAtRestBytes: async () => {
      await untilAtRest(url);
      return heapBytes(await inspector);
    },
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      await intervals.stop();
      await folder.remove();
    },
  };
}

const pollMs = 100;
const pollsMax = 600;

async function untilAtRest(url: string): Promise<void> {
  for (let polls = 0; polls < pollsMax; polls++) {
    const response = await fetch(`${url}/readyz`);
    const { sessions, connections } = (await response.json()) as Record<string, number>;
    if (sessions === 0 && connections === 0) return;
    await delay(systemClock, pollMs);
  }
  throw new Error('Sessions or connections stay although everybody has left.');
}

/** Two collections: what the first one's finalizers let go goes with the second. */
async function heapBytes(inspectorUrl: string): Promise<number> {
  const socket = new WebSocket(inspectorUrl);
  await once(socket, 'open');
  let count = 0;
  const ask = async (method: string): Promise<Record<string, unknown>> => {
    const id = ++count;
    socket.send(JSON.stringify({ id, method }));
    for (;;) {
      const [bytes] = (await once(socket, 'message')) as [Buffer];
      const answer = JSON.parse(bytes.toString('utf8')) as { id?: number; result?: object };
      if (answer.id === id) return (answer.result ?? {}) as Record<string, unknown>;
    }
  };
  await ask('HeapProfiler.collectGarbage');
  await ask('HeapProfiler.collectGarbage');
  const { usedSize } = await ask('Runtime.getHeapUsage');
  socket.terminate();
  return Number(usedSize);
}

/** The process of a subject. */
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { Session } from 'node:inspector/promises';
import type { AddressInfo } from 'node:net';

import Fastify from 'fastify';
import { WebSocketServer } from 'ws';

import { listenBacklog, serverOptions, trackstand } from '../../server/trackstand.ts';
import { answerParent } from './child.ts';
import { floors } from './floors.ts';
import { hashingRate } from './hashing-floor.ts';
import { mailedAccounts, openMailbox } from './mailbox.ts';
import { reading } from './reading.ts';
import type { SubjectName, SubjectQuestion, SubjectStart } from './subjects.ts';
import { ownUsage } from './usage.ts';

/** Nothing of it is secret: the service lives for a measurement. */
const secret = 'measured on the loopback, for a minute';
const manyMax = 1_000_000;

const mailbox = openMailbox();

async function startDurable({
  postgres,
  redis,
  checkpointMs,
  hasAccounts = false,
  socketPath,
}: SubjectStart): Promise<number> {
  const logger = hasAccounts && { level: 'warn', stream: mailbox.stream };
  const app = Fastify({ ...serverOptions({ hasSchemas: false }), logger });
  await app.register(trackstand, {
    sessions: [reading],
    postgres,
    redis,
    secret,
    checkpointMs,
    socketPath,
    owners: hasAccounts ? mailedAccounts({ postgres, secret }) : undefined,
    bounds: {
      connectionsMax: manyMax,
      connectionsPerAddressMax: manyMax,
      sessionsPerHourMax: manyMax,
    },
  });
  if (socketPath !== undefined) {
    // Of one that was killed.
    await rm(socketPath, { force: true });
    await app.listen({ path: socketPath, backlog: listenBacklog });
    return 0;
  }
  await app.listen({ host: '127.0.0.1', port: 0, backlog: listenBacklog });
  return (app.server.address() as AddressInfo).port;
}

async function startFloor(name: Exclude<SubjectName, 'durable'>, start: SubjectStart) {
  const { take, heartbeatMs } = floors[name](start);
  const { socketPath } = start;
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  server.on('connection', (socket) => {
    if (heartbeatMs !== undefined) {
      const beating = setInterval(() => socket.ping(), heartbeatMs);
      socket.on('close', () => clearInterval(beating));
    }
    socket.on('message', (data: Buffer) => {
      // As a server would that does anything with it.
      const text = JSON.stringify(JSON.parse(data.toString()));
      take(text, (answered) => socket.send(answered));
    });
  });
  if (socketPath !== undefined) await rm(socketPath, { force: true });
  const place = socketPath === undefined ? { host: '127.0.0.1', port: 0 } : { path: socketPath };
  http.listen({ ...place, backlog: listenBacklog });
  await once(http, 'listening');
  return socketPath === undefined ? (http.address() as AddressInfo).port : 0;
}

let profiling: Session | undefined;

async function profile(file: string | undefined): Promise<void> {
  if (file === undefined) {
    profiling = new Session();
    profiling.connect();
    await profiling.post('Profiler.enable');
    await profiling.post('Profiler.start');
    return;
  }
  const { profile: taken } = (await profiling?.post('Profiler.stop')) ?? { profile: {} };
  await writeFile(file, JSON.stringify(taken));
}

answerParent((question: SubjectQuestion) => {
  switch (question.kind) {
    case 'start':
      return question.name === 'durable'
        ? startDurable(question)
        : startFloor(question.name, question);
    case 'usage':
      return ownUsage();
    case 'memory':
      globalThis.gc?.();
      return ownUsage();
    case 'profile':
      return profile(question.file);
    case 'mails':
      return mailbox.take();
    case 'hash':
      return hashingRate(question.seconds);
  }
});

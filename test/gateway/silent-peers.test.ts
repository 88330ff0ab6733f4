/** Who stops reading, and who answers no more, over real sockets: what fake ones say of themselves, a kernel's buffers may not. */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';

import Fastify from 'fastify';
import * as v from 'valibot';
import { expect, onTestFinished, test } from 'vitest';
import type { WebSocket } from 'ws';

import { countConnections } from '../../server/admission/connection-counts.ts';
import { resumeTokens } from '../../server/auth/resume-tokens.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';
import type { Connection } from '../../server/gateway/connection.ts';
import { installUpgrade, installWebSockets } from '../../server/gateway/upgrade.ts';
import { sessionPath } from '../../server/http/session-routes.ts';
import { SessionRegistry } from '../../server/session/session-registry.ts';
import {
  defaultLimits,
  heartbeatMs,
  helloTimeoutMs,
  pongTimeoutMs,
} from '../../shared/protocol/limits.ts';
import { genesis } from '../../shared/session/fold.ts';
import { defineSession } from '../../shared/session/session-model.ts';
import { startServer, testSecret } from '../support/live-server.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryJournal } from '../support/memory-journal.ts';
import { attach, createSession, openSocket, type Created } from '../support/raw-client.ts';
import { tally } from '../support/tally.ts';

const tokens = resumeTokens(signingKeys([testSecret]));

/** Says again what it is told, which is as much as a command may hold, and keeps nothing. */
const megaphone = defineSession({
  kind: 'megaphone',
  version: 1,
  input: v.object({}),
  commands: { say: v.object({ text: v.string() }) },
  events: { said: v.object({ text: v.string() }) },
  initial: () => ({}),
  decide: (_state, { data }) => [{ type: 'said', data }],
  evolve: (state) => state,
});

const { command_bytes_max: commandBytesMax, send_buffer_bytes_max: bufferMax } = defaultLimits;

/** Commands of a frame that is nearly as large as one may be. */
const perFrame = 15;

/** Far more than the kernel takes for somebody who does not read. */
const framesMax = 300;

/** Another client of the session. */
function seatOf(created: Created, name: string): Created {
  const clientId = `client-of-the-${name}`.padEnd(22, '-');
  const token = tokens.issue(created.session_id, clientId, 1);
  const [place = ''] = created.resume_url.split('#');
  const resumeUrl = `${place.replace(created.client_id, clientId)}#${token}`;
  return { ...created, client_id: clientId, resume_url: resumeUrl };
}

test('[B6] who stops reading is told 4109 or cut, whatever the kernel keeps for them, and holds up nobody', async () => {
  // The rate of frames is another bound.
  const limits = { ...defaultLimits, frames_per_s_max: 10_000 };
  const server = await startServer({ sessions: [megaphone], limits });
  onTestFinished(() => server.stop());
  const created = await createSession(server.url, { kind: 'megaphone', input: {} });
  const sockets: Socket[] = [];
  server.app.server.on('upgrade', (_request, socket: Socket) => sockets.push(socket));
  const enter = (name: string) => attach(seatOf(created, name), { kind: 'megaphone' });
  const late = await enter('late');
  const never = await enter('never');
  const rider = await enter('rider');
  const slow = sockets.slice(0, 2);
  const cut = once(slow[1] as Socket, 'close');
  for (const { socket } of [late, never]) socket.pause();
  const say = ['say', { text: 'x'.repeat(commandBytesMax - 100) }, 1_000];
  let seq = 1;
  const speak = async (): Promise<void> => {
    rider.send({ type: 'commands', seq, commands: Array.from({ length: perFrame }, () => say) });
    seq += perFrame;
    await rider.nextOf('entries');
  };
  const isWaitedFor = ({ writableLength }: Socket): boolean => writableLength > bufferMax;
  for (let count = 0; !slow.every(isWaitedFor) && count < framesMax; count++) await speak();
  expect(slow.map(isWaitedFor)).toEqual([true, true]);
  await speak();
  late.socket.resume();
  expect(await late.closed).toMatchObject({ code: 4109 });
  for (let count = 0; count < 10; count++) await speak();
  for (const { writableLength } of slow)
    expect(writableLength).toBeLessThan(bufferMax + 2 * perFrame * commandBytesMax);
  await cut;
  never.socket.terminate();
  rider.send({ type: 'ping', n: 1 });
  expect(await rider.nextOf('pong')).toEqual({ type: 'pong', n: 1 });
});

const created: Created = {
  session_id: 'session-0000000000000001',
  client_id: 'client-00000000000000001',
  resume_url: '',
  origin: '',
  expires_at: '',
};

/** The front door alone, on a port, with a session in memory and time in hand. */
async function openDoor() {
  const clock = manualClock();
  const journal = memoryJournal({ keepsAll: true });
  const snapshot = genesis(tally, { bound: 100 });
  const { session_id: sessionId, client_id: clientId } = created;
  await journal.create({ sessionId, epoch: '0', snapshot, retentionMs: 1 });
  let [ownerCount, arrivals] = [0, 0];
  const parts = { clock, limits: defaultLimits, reportError: () => {} };
  const registry = new SessionRegistry({
    ...parts,
    journals: { checkpoints: journal },
    models: new Map([['tally', tally]]),
    newId: () => `owner-${++ownerCount}`,
    release: 'test',
    issueToken: () => 'next',
    signPosition: () => 'p',
    checkpointMs: 1_000,
    detachedGraceMs: 1_000,
  });
  const connections = new Set<Connection>();
  const app = Fastify();
  await installWebSockets(app, defaultLimits);
  installUpgrade(app, {
    ...parts,
    registry,
    versions: { tally: 1 },
    isTakenBack: () => Promise.resolve(false),
    proveToken: tokens.prove,
    isProven: () => false,
    proveOrigin: () => undefined,
    countArrival: () => ++arrivals,
    connections,
    closed: () => {},
    path: sessionPath,
    refusal: () => undefined,
    counts: countConnections({ connectionsMax: 10, connectionsPerAddressMax: 10 }),
    refuseUpgrade: () => {},
    read: (_request, reply) => Promise.reject(new Error(`Nobody reads: ${reply.statusCode}`)),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    for (const socket of app.websocketServer.clients) socket.terminate();
    await app.close();
  });
  const { port } = app.server.address() as AddressInfo;
  const path = `/v1/sessions/${sessionId}/clients/${clientId}`;
  const url = `http://127.0.0.1:${port}${path}`;
  return { clock, connections, app, own: { ...created, resume_url: url } };
}

test('[H5] who answers no ping is told 4108, and who does not hear that either is cut', async () => {
  const { clock, connections, app, own } = await openDoor();
  const deaf = await attach(seatOf(own, 'deaf'));
  const [served] = app.websocketServer.clients;
  const quiet = await attach(seatOf(own, 'quiet'));
  const alive = await attach(seatOf(own, 'alive'));
  deaf.socket.pause();
  clock.pass(heartbeatMs - pongTimeoutMs);
  const { n } = await alive.nextOf('ping');
  alive.send({ type: 'pong', n });
  // Answers come in the order of the questions: with this one, the server has that one too.
  alive.send({ type: 'ping', n: 7 });
  await alive.nextOf('pong');
  clock.pass(pongTimeoutMs - 1);
  expect(connections.size).toBe(3);
  clock.pass(1);
  expect(await quiet.closed).toEqual({ code: 4108, reason: 'no answer to a ping' });
  expect([...app.websocketServer.clients].includes(served as WebSocket)).toBe(true);
  const cut = once(served as WebSocket, 'close');
  clock.pass(5_000);
  await cut;
  expect(connections.size).toBe(1);
  alive.send({ type: 'ping', n: 8 });
  expect(await alive.nextOf('pong')).toEqual({ type: 'pong', n: 8 });
  deaf.socket.terminate();
});

test('[H2] who opens a WebSocket and says nothing is told 4108', async () => {
  const { clock, own } = await openDoor();
  const mute = await openSocket(own.resume_url);
  clock.pass(helloTimeoutMs);
  expect((await mute.closed).code).toBe(4108);
});

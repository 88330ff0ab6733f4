/** Riders of the floors: a bare WebSocket, an event a frame, or 16. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';

import { WebSocket } from 'ws';

import { watchLatency } from './latencies.ts';
import { sendPaced } from './paced.ts';
import { readingAt } from './reading.ts';
import { untilBack } from './recovery.ts';
import type { Break, Fleet, Recovery, Ride, RideResult } from './riders.ts';
import type { SubjectName } from './subjects.ts';
import { watchOwnShare } from './usage.ts';

interface Rider {
  readonly url: string;
  /** Another one after each break. */
  socket: WebSocket;
  readonly dueMs: number[];
  /** Events under way when a connection broke, or due when there was none: nobody sends them again. */
  lostCount: number;
  /** Something came. */
  heard: () => void;
  /** The connection is gone. */
  broken: () => void;
}

/** Milliseconds over which riders spread their return, as those of the real client do. */
const spreadMs = 200;

/** Milliseconds between two tries. */
const againMs = 100;

const connectingMax = 50;
const batchSize = 16;
const answerMsMax = 10_000;

const nothing = (): void => {};

export function floorFleet(subject: SubjectName): Fleet {
  const riders: Rider[] = [];
  const perFrame = subject.endsWith('-16') ? batchSize : 1;
  return {
    connect: async ({ port, count }) => {
      for (let left = count; left > 0; left -= connectingMax) {
        const some = Array.from({ length: Math.min(connectingMax, left) }, () => begin(port));
        riders.push(...(await Promise.all(some)));
      }
    },
    ride: (ride) => rideAll(riders, ride, perFrame),
    recover: (broken) => recoverAll(riders, broken),
  };
}

/** At a URL as sessions have: nginx routes by it. */
async function begin(port: number): Promise<Rider> {
  const url = `ws://127.0.0.1:${port}/v1/sessions/${randomUUID()}/clients/${randomUUID()}`;
  const socket = await dial(url);
  const rider: Rider = { url, socket, dueMs: [], lostCount: 0, heard: nothing, broken: nothing };
  listen(rider);
  return rider;
}

async function dial(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}

function listen(rider: Rider): void {
  rider.socket.on('message', () => rider.heard());
  rider.socket.on('error', nothing);
  rider.socket.on('close', () => {
    rider.lostCount += rider.dueMs.length;
    rider.dueMs.length = 0;
    rider.broken();
  });
}

/** Who lost the connection is back with another one: nobody is greeted, and nothing is sent again. */
async function recoverAll(riders: readonly Rider[], { isOwn }: Break): Promise<Recovery> {
  const startMs = performance.now();
  const away = new Set<Rider>();
  const backMs: number[] = [];
  let dialCount = 0;
  let isOver = false;
  const comeBack = async (rider: Rider, afterMs: number): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    dialCount++;
    const socket = await dial(rider.url).catch(() => undefined);
    if (socket === undefined) return isOver ? undefined : comeBack(rider, againMs);
    rider.socket = socket;
    listen(rider);
    away.delete(rider);
    backMs.push(performance.now() - startMs);
  };
  riders.forEach((rider, place) => {
    rider.broken = () => {
      away.add(rider);
      void comeBack(rider, (spreadMs * place) / riders.length);
    };
  });
  if (isOwn) for (const { socket } of riders) socket.terminate();
  await untilBack(away, startMs);
  isOver = true;
  for (const rider of riders) rider.broken = nothing;
  const missing = riders.filter(({ socket }) => socket.readyState !== WebSocket.OPEN).length;
  return { backMs, dialCount, missing };
}

async function rideAll(
  riders: readonly Rider[],
  { seconds, settleS, load }: Ride,
  perFrame: number,
): Promise<RideResult> {
  const latency = watchLatency({ isOverTime: 'hz' in load, settleS });
  const lateness = watchLatency({ settleS });
  let number = 0;
  const event = () => ['read', readingAt(number++), Date.now()];
  const give = (rider: Rider, atMs: number): void => {
    const { socket, dueMs } = rider;
    if (socket.readyState !== WebSocket.OPEN) {
      rider.lostCount += perFrame;
      return;
    }
    const events = Array.from({ length: perFrame }, event);
    for (let count = 0; count < perFrame; count++) dueMs.push(atMs);
    socket.send(JSON.stringify(perFrame === 1 ? events[0] : events));
  };
  let isOver = false;
  for (const rider of riders) {
    rider.lostCount = 0;
    rider.heard = () => {
      const nowMs = performance.now();
      for (let count = 0; count < perFrame; count++)
        latency.record(nowMs - (rider.dueMs.shift() ?? nowMs));
      if ('inFlight' in load && !isOver) give(rider, nowMs);
    };
  }
  const share = watchOwnShare();
  if ('hz' in load) {
    const send = (place: number, atMs: number): void => give(riders[place] as Rider, atMs);
    await sendPaced({ riderCount: riders.length, hz: load.hz, seconds, lateness, send });
  } else {
    for (const rider of riders)
      for (let count = 0; count < load.inFlight; count += perFrame) give(rider, performance.now());
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  }
  const own = share();
  isOver = true;
  const events = latency.all().count;
  const endMs = performance.now() + answerMsMax;
  const isWaiting = (): boolean => riders.some(({ dueMs }) => dueMs.length > 0);
  while (isWaiting() && performance.now() < endMs)
    await new Promise((resolve) => setTimeout(resolve, 10));
  for (const rider of riders) rider.heard = nothing;
  const missing = riders.reduce((sum, { dueMs, lostCount }) => sum + dueMs.length + lostCount, 0);
  for (const { dueMs } of riders) dueMs.length = 0;
  return {
    events: 'hz' in load ? latency.all().count : events,
    latencies: latency.all(),
    overTime: latency.overTime(),
    lateness: lateness.all(),
    saving: watchLatency().all(),
    missing,
    unsaved: 0,
    own,
  };
}

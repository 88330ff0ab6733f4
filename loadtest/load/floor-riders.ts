/** Riders of the floors: a bare WebSocket, an event a frame, or 16. */
import { once } from 'node:events';

import { WebSocket } from 'ws';

import { watchLatency } from './latencies.ts';
import { sendPaced } from './paced.ts';
import { readingAt } from './reading.ts';
import type { Fleet, Recovery, Ride, RideResult } from './riders.ts';
import type { SubjectName } from './subjects.ts';
import { watchOwnShare } from './usage.ts';

interface Rider {
  /** Another one after each break. */
  socket: WebSocket;
  readonly dueMs: number[];
}

/** Milliseconds over which riders spread their return, as those of the real client do. */
const spreadMs = 200;

const connectingMax = 50;
const batchSize = 16;
const answerMsMax = 10_000;

export function floorFleet(subject: SubjectName): Fleet {
  const riders: Rider[] = [];
  const perFrame = subject === 'echo-16' ? batchSize : 1;
  return {
    connect: async ({ port, count }) => {
      for (let left = count; left > 0; left -= connectingMax) {
        const some = Array.from({ length: Math.min(connectingMax, left) }, () => begin(port));
        riders.push(...(await Promise.all(some)).map((socket) => ({ socket, dueMs: [] })));
      }
    },
    ride: (ride) => rideAll(riders, ride, perFrame),
    recover: () => recoverAll(riders),
  };
}

const begin = (port: number): Promise<WebSocket> => dial(`ws://127.0.0.1:${port}`);

async function dial(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}

/** Everybody's connection is cut, and they are back when they have another one: nobody is greeted, and nothing is sent again. */
async function recoverAll(riders: readonly Rider[]): Promise<Recovery> {
  const startMs = performance.now();
  for (const { socket } of riders) socket.terminate();
  const back = await Promise.allSettled(
    riders.map(async (rider, place) => {
      await new Promise((resolve) => setTimeout(resolve, (spreadMs * place) / riders.length));
      rider.socket = await dial(rider.socket.url);
      return performance.now() - startMs;
    }),
  );
  const backMs = back.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  return { backMs, dialCount: riders.length, missing: riders.length - backMs.length };
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
  const give = ({ socket, dueMs }: Rider, atMs: number): void => {
    const events = Array.from({ length: perFrame }, event);
    for (let count = 0; count < perFrame; count++) dueMs.push(atMs);
    socket.send(JSON.stringify(perFrame === 1 ? events[0] : events));
  };
  let isOver = false;
  const listeners = riders.map((rider) => {
    const listener = (): void => {
      const nowMs = performance.now();
      for (let count = 0; count < perFrame; count++)
        latency.record(nowMs - (rider.dueMs.shift() ?? nowMs));
      if ('inFlight' in load && !isOver) give(rider, nowMs);
    };
    rider.socket.on('message', listener);
    return () => rider.socket.off('message', listener);
  });
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
  for (const stop of listeners) stop();
  const missing = riders.reduce((sum, { dueMs }) => sum + dueMs.length, 0);
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

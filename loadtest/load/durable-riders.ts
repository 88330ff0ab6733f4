/** Riders with the real client library. */
import { createHistogram } from 'node:perf_hooks';

import { begin, type Live, type Rider } from './durable-rider.ts';
import { sendPaced } from './paced.ts';
import { readingAt } from './reading.ts';
import { recoverAll } from './recovery.ts';
import { latenciesOf, record, type Fleet, type Ride, type RideResult } from './riders.ts';

/** How many begin their session at the same time. */
const beginnersMax = 50;

export function durableFleet(): Fleet {
  const riders: Rider[] = [];
  return {
    connect: async ({ port, count }) => {
      for (let left = count; left > 0; left -= beginnersMax) {
        const some = Array.from({ length: Math.min(beginnersMax, left) }, () => begin(port));
        riders.push(...(await Promise.all(some)));
      }
    },
    ride: (ride) => rideAll(riders, ride),
    recover: (broken) => recoverAll(riders, broken),
  };
}

async function rideAll(riders: readonly Rider[], { seconds, load }: Ride): Promise<RideResult> {
  const [latencies, lateness] = [createHistogram(), createHistogram()];
  let number = 0;
  const give = ({ session, dueMs }: Rider, atMs: number): void => {
    dueMs.push(atMs);
    session.send('read', readingAt(number++));
  };
  let isOver = false;
  const stops = riders.map((rider) => {
    let isFilling = false;
    return rider.session.subscribe(({ unaccepted }) => {
      const nowMs = performance.now();
      while (rider.dueMs.length > unaccepted) record(latencies, nowMs - (rider.dueMs.shift() ?? 0));
      if (!('inFlight' in load) || isOver || isFilling) return;
      // Each `send` calls back at once.
      isFilling = true;
      while (rider.dueMs.length < load.inFlight) give(rider, performance.now());
      isFilling = false;
    });
  });
  if ('hz' in load) {
    const send = (place: number, atMs: number): void => give(riders[place] as Rider, atMs);
    await sendPaced({ riderCount: riders.length, hz: load.hz, seconds, lateness, send });
  } else await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  isOver = true;
  const events = latencies.count;
  await Promise.race([
    Promise.all(riders.map(({ session }) => accepted(session))),
    new Promise((resolve) => setTimeout(resolve, answerMsMax)),
  ]);
  for (const stop of stops) stop();
  const missing = riders.reduce((sum, { dueMs }) => sum + dueMs.length, 0);
  for (const { dueMs } of riders) dueMs.length = 0;
  return {
    events: 'hz' in load ? latencies.count : events,
    latencies: latenciesOf(latencies),
    lateness: latenciesOf(lateness),
    missing,
  };
}

/** What is not answered by then is missing. */
const answerMsMax = 10_000;

function accepted(session: Live): Promise<void> {
  return new Promise((resolve) => {
    const stop = session.subscribe(({ unaccepted }) => {
      if (unaccepted > 0) return;
      resolve();
      queueMicrotask(() => stop());
    });
  });
}

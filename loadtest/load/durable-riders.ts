/** Riders with the real client library. */
import { accountOf } from './accounting.ts';
import { begin, until, type Rider } from './durable-rider.ts';
import { watchLatency } from './latencies.ts';
import { sendPaced } from './paced.ts';
import { after, readingAt } from './reading.ts';
import { recoverAll } from './recovery.ts';
import type { Fleet, Ride, RideResult } from './riders.ts';
import { watchOwnShare } from './usage.ts';

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
    account: () => accountOf(riders),
  };
}

async function rideAll(
  riders: readonly Rider[],
  { seconds, settleS, load }: Ride,
): Promise<RideResult> {
  const latency = watchLatency({ isOverTime: 'hz' in load, settleS });
  const [lateness, saving] = [watchLatency({ settleS }), watchLatency()];
  let number = 0;
  const give = (rider: Rider, atMs: number): void => {
    const data = readingAt(number++);
    rider.dueMs.push(atMs);
    rider.givenCount++;
    rider.expected = after(rider.expected, data);
    rider.followed ??= { count: rider.givenCount, sentMs: performance.now() };
    rider.session.send('read', data);
  };
  let isOver = false;
  const stops = riders.map((rider) => {
    let isFilling = false;
    return rider.session.subscribe(({ unaccepted, unsaved }) => {
      const nowMs = performance.now();
      while (rider.dueMs.length > unaccepted) latency.record(nowMs - (rider.dueMs.shift() ?? 0));
      if (rider.followed !== undefined && rider.givenCount - unsaved >= rider.followed.count) {
        saving.record(nowMs - rider.followed.sentMs);
        rider.followed = undefined;
      }
      if (!('inFlight' in load) || isOver || isFilling) return;
      // Each `send` calls back at once.
      isFilling = true;
      while (rider.dueMs.length < load.inFlight) give(rider, performance.now());
      isFilling = false;
    });
  });
  const share = watchOwnShare();
  if ('hz' in load) {
    const send = (place: number, atMs: number): void => give(riders[place] as Rider, atMs);
    await sendPaced({ riderCount: riders.length, hz: load.hz, seconds, lateness, send });
  } else await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const own = share();
  isOver = true;
  const events = latency.all().count;
  await allWithin(riders, answerMsMax, ({ unaccepted }) => unaccepted === 0);
  const missing = riders.reduce((sum, { dueMs }) => sum + dueMs.length, 0);
  // What is saved later belongs to what it costs, and must not weigh on who has the next turn.
  await allWithin(riders, saveMsMax, ({ unsaved }) => unsaved === 0);
  for (const stop of stops) stop();
  const unsaved = riders.reduce((sum, { session }) => sum + session.view().unsaved, 0);
  for (const { dueMs } of riders) dueMs.length = 0;
  return {
    events: 'hz' in load ? latency.all().count : events,
    latencies: latency.all(),
    overTime: latency.overTime(),
    lateness: lateness.all(),
    saving: saving.all(),
    missing,
    unsaved,
    own,
  };
}

/** What is not answered, or not saved, by then is missing. */
const answerMsMax = 10_000;
const saveMsMax = 20_000;

async function allWithin(
  riders: readonly Rider[],
  ms: number,
  is: Parameters<typeof until>[1],
): Promise<void> {
  await Promise.race([
    Promise.all(riders.map(({ session }) => until(session, is))),
    new Promise((resolve) => setTimeout(resolve, ms)),
  ]);
}

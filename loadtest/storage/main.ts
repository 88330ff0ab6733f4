/** `npm run storage`: rides two hours at one sample a second through a service of its own, and says what that takes where. */
import { WebSocket } from 'ws';

import { connect } from '../../client/connect.ts';
import { memoryStorage } from '../../client/session-storage.ts';
import { delay, systemClock } from '../../shared/clock.ts';
import { workout } from '../../shared/workout/workout.ts';
import { startOwnService } from '../ride/own-service.ts';
import { rideClock } from '../ride/ride-clock.ts';
import { freeRide } from '../ride/ride-plan.ts';
import { deviceBytes, openScales, type Scales } from './measure.ts';

const rideS = 7_200;

/** Seconds of the ride in a second: the server looks for checkpoints every 250 ms, which is every 5 s of the ride. */
const speed = 20;
const tickMs = 1_000 / speed;

const settings = { CHECKPOINT_MS: '10', ARCHIVE_AFTER_MS: '2000', DETACHED_GRACE_MS: '0' };

/** Somewhat like a person: values that wander, so that nothing compresses better than life. */
function sampleAt(second: number): { powerW: number; cadenceRpm: number; heartRateBpm: number } {
  const noise = (seed: number): number => {
    const value = Math.sin(second * 12.9898 + seed * 78.233) * 43_758.5453;
    return value - Math.floor(value);
  };
  return {
    powerW: Math.round(205 + 45 * Math.sin(second / 180) + 60 * (noise(1) - 0.5)),
    cadenceRpm: Math.round(88 + 8 * (noise(2) - 0.5)),
    heartRateBpm: Math.round(142 + 12 * Math.sin(second / 600) + 2 * noise(3)),
  };
}

async function measure(): Promise<void> {
  const stopping = new AbortController();
  const tell = (sentence: string): void => void process.stderr.write(`${sentence}\n`);
  const service = await startOwnService({ env: process.env, tell, stopping, settings });
  try {
    await rideAndWeigh(service);
  } finally {
    await service.remove();
  }
}

async function rideAndWeigh({ url, stores }: Awaited<ReturnType<typeof startOwnService>>) {
  const storage = memoryStorage();
  const clock = rideClock(systemClock.nowMs());
  const startMs = clock.nowMs();
  const input = { plan: freeRide(rideS), ftpW: 250 };
  const session = await connect({ url, session: workout, input, storage, clock, WebSocket });
  const scales = openScales(stores, session.sessionId);
  try {
    session.send('start', {});
    let redisPeak = 0;
    for (let second = 1; second <= rideS; second++) {
      clock.moveTo(startMs + second * 1_000);
      session.send('sample', sampleAt(second));
      const dueMs = startMs + second * tickMs;
      await delay(systemClock, Math.max(0, dueMs - systemClock.nowMs()));
      if (second % 10 === 0) redisPeak = Math.max(redisPeak, await scales.redisBytes());
      if (second % 600 === 0) process.stderr.write(`${second / 60} minutes ridden\n`);
    }
    await until(() => Promise.resolve(session.view().unsaved === 0));
    const full = await deviceBytes(storage);
    const live = await scales.postgres();
    session.send('finish', {});
    await until(() => Promise.resolve(session.view().isFinal));
    session.close();
    const final = await deviceBytes(storage);
    await until(async () => (await scales.postgres()).isArchived);
    const archived = await scales.postgres();
    await report(scales, { redisPeak, full, live, final, archived });
  } finally {
    session.close();
    await scales.close();
  }
}

interface Weights {
  readonly redisPeak: number;
  readonly full: number;
  readonly final: number;
  readonly live: Awaited<ReturnType<Scales['postgres']>>;
  readonly archived: Awaited<ReturnType<Scales['postgres']>>;
}

async function report(scales: Scales, weights: Weights): Promise<void> {
  const { redisPeak, full, live, final, archived } = weights;
  const lines: [string, number, string?][] = [
    ['Redis, at its fullest', redisPeak],
    ['Redis, once archived', await scales.redisBytes()],
    [
      'Postgres, live',
      live.logBytes,
      `${live.logRows} rows; ${kilobytes(live.tableBytes)} with indexes`,
    ],
    [
      'Postgres, archived',
      archived.archiveBytes + archived.logBytes,
      `of it ${kilobytes(archived.archiveBytes)} entries`,
    ],
    ['device, before the final receipt', full],
    ['device, after it', final],
  ];
  process.stdout.write(`Two hours at one sample a second:\n`);
  for (const [place, bytes, remark] of lines)
    process.stdout.write(
      `  ${place.padEnd(34)}${kilobytes(bytes).padStart(10)}${remark === undefined ? '' : `  (${remark})`}\n`,
    );
}

const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;

/** How often it is asked. */
const pollMs = 100;

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await delay(systemClock, pollMs);
}

await measure();
process.exit(0);

/** One whole ride on the ride's time, with what befalls it, and the files that come of it. */
import { setImmediate } from 'node:timers/promises';

import { Client } from 'pg';

import { fitFile } from '../../client/app/export/fit-file.ts';
import { recordEvents, recordRide, type KeptCommand } from '../../client/app/export/ride-record.ts';
import { memoryStorage } from '../../client/session-storage.ts';
import { delay, systemClock } from '../../shared/clock.ts';
import { planDurationS } from '../../shared/workout/plan.ts';
import type { WorkoutEvent, WorkoutInput } from '../../shared/workout/workout-schemas.ts';
import { planPositionS } from '../../shared/workout/workout-view.ts';
import { rideClock } from '../ride/ride-clock.ts';
import { openRidePage, type RidePage, type RidePageParts } from './ride-page.ts';
import type { Trouble } from './trouble.ts';

export interface RideOnceParts {
  readonly input: WorkoutInput;
  readonly trouble: Trouble;
  readonly service: {
    readonly url: string;
    readonly databaseUrl: string;
    readonly killServer: () => Promise<boolean>;
  };
  /** Of the ride's time, ms since the Unix epoch. */
  readonly startMs: number;
  readonly speed: number;
  readonly progress: (wallS: number, kills: number) => void;
}

export interface RiddenOnce {
  /** From what this device recorded, and from the service's log in Postgres. */
  readonly ofDevice: Uint8Array;
  readonly ofService: Uint8Array;
  /** Everything the trainers of all pages were told. */
  readonly told: readonly string[];
  readonly kills: number;
  readonly riddenS: number;
}

const tickMs = 250;
/** Of real time, for everything to be saved at the end. */
const savedMaxMs = 120_000;
/** What the rider does on the way, by share of the ride: so that pauses, laps and steps are in the file. */
const deeds = [
  { at: 0.2, type: 'lap', data: {} },
  { at: 0.3, type: 'adjust', data: { intensity: 1.05 } },
  { at: 0.5, type: 'pause', data: {} },
  { at: 0.51, type: 'resume', data: {} },
  { at: 0.7, type: 'lap', data: {} },
  { at: 0.8, type: 'adjust', data: { intensity: 0.97 } },
] as const;

export async function rideOnce(parts: RideOnceParts): Promise<RiddenOnce> {
  const { input, trouble, service, startMs, speed, progress } = parts;
  const clock = rideClock(startMs);
  const storage = memoryStorage();
  const problems: unknown[] = [];
  const pageParts: RidePageParts = {
    url: service.url,
    input,
    storage,
    clock,
    warn: (problem) => problems.push(problem),
  };
  let page = await openRidePage(pageParts);
  const told: string[] = [];
  const leave = (): void => {
    told.push(...page.device.writes);
    page.close();
  };
  page.ride.send('start', {});
  const endS = planDurationS(input.plan);
  const due = [
    ...trouble.drops.map(({ atS, awayS }) => ({ atS, act: () => page.device.drop(awayS * 1000) })),
    ...deeds.map(({ at, type, data }) => ({
      atS: at * endS,
      act: () => page.ride.send(type, data),
    })),
  ].toSorted((a, b) => a.atS - b.atS);
  const killing = startKilling(trouble.killsS, service.killServer);
  const beganMs = systemClock.nowMs();
  let awayUntilMs = 0;
  let reloads = 0;
  for (let step = 1; ; step += 1) {
    const wallMs = step * tickMs;
    clock.moveTo(startMs + wallMs);
    killing.look(wallMs / 1000);
    const reload = trouble.reloads[reloads];
    if (reload !== undefined && wallMs >= reload.atS * 1000) {
      reloads += 1;
      awayUntilMs = wallMs + reload.awayS * 1000;
      leave();
      page = await reopened(pageParts, clock, startMs + awayUntilMs);
      step = awayUntilMs / tickMs;
      continue;
    }
    while (due[0] !== undefined && wallMs >= due[0].atS * 1000) due.shift()?.act();
    page.tick();
    // What the machine and the page say to each other is done before the clock goes on.
    await setImmediate();
    const { state } = page.ride.view();
    if (planPositionS(state, clock.nowMs()) >= endS) break;
    progress(wallMs / 1000, killing.count());
    const earlyMs = beganMs + wallMs / speed - systemClock.nowMs();
    if (earlyMs > 1) await delay(systemClock, earlyMs);
  }
  page.ride.send('finish', {});
  await killing.done();
  await untilSaved(page);
  const { state } = page.ride.view();
  const { sessionId } = page.ride;
  leave();
  if (problems.length > 0) throw new Error(`The page complained: ${String(problems[0])}`);
  const commands = (await storage.load())?.commands as readonly KeptCommand[];
  const ofDevice = recordRide(state, commands);
  const ofService = recordEvents(state, await loggedEvents(service.databaseUrl, sessionId));
  if (ofDevice === null || ofService === null) throw new Error('Nothing was ridden.');
  const options = { serial: 1, offsetMinutes: 0 };
  return {
    ofDevice: fitFile(ofDevice, options),
    ofService: fitFile(ofService, options),
    told,
    kills: killing.count(),
    riddenS: state.riddenMs / 1000,
  };
}

/** The page comes up again when the ride's time has gone on by what it was away. */
async function reopened(
  parts: RidePageParts,
  clock: ReturnType<typeof rideClock>,
  atMs: number,
): Promise<RidePage> {
  clock.moveTo(atMs);
  return openRidePage(parts);
}

function startKilling(killsS: readonly number[], kill: () => Promise<boolean>) {
  let count = 0;
  let begun = 0;
  // A server that is still coming up is killed when it is there.
  let chain = Promise.resolve();
  return {
    look: (wallS: number): void => {
      for (; begun < killsS.length && wallS >= (killsS[begun] ?? 0); begun += 1)
        chain = chain.then(async () => {
          if (await kill()) count += 1;
        });
    },
    count: () => count,
    done: () => chain,
  };
}

async function untilSaved({ ride }: RidePage): Promise<void> {
  const deadlineMs = systemClock.nowMs() + savedMaxMs;
  for (;;) {
    const { unsaved, status } = ride.view();
    if (unsaved === 0) return;
    if (status === 'stopped' || systemClock.nowMs() > deadlineMs)
      throw new Error(`The service has not saved ${unsaved} commands (${status}).`);
    await delay(systemClock, 50);
  }
}

/** What the service holds of the ride, in order. */
async function loggedEvents(
  connectionString: string,
  sessionId: string,
): Promise<readonly WorkoutEvent[]> {
  const client = new Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ entries: string }>(
    'select entries from trackstand.session_log where session_id = $1 order by head',
    [sessionId],
  );
  await client.end();
  type Logged = { readonly events?: readonly (readonly [WorkoutEvent['type'], unknown])[] };
  return rows
    .flatMap(({ entries }) => JSON.parse(`[${entries}]`) as Logged[])
    .flatMap(({ events = [] }) => events.map(([type, data]) => ({ type, data }) as WorkoutEvent));
}

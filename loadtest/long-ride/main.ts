/** `npm run ride:long`: the same ride twice, once while the server is killed again and again; the files must be the same bytes. */
import { createHash } from 'node:crypto';

import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { planDurationS, type Plan } from '../../shared/workout/plan.ts';
import { startOwnService } from '../ride/own-service.ts';
import { readArguments, usage, type LongRideOptions } from './arguments.ts';
import { rideOnce, type RiddenOnce } from './ride-once.ts';
import { planTrouble, type Trouble } from './trouble.ts';

const exitDifferent = 1;
const exitUsage = 64;
/** A morning in winter; the same in every run, as it stands in the file. */
const startMs = 1_767_600_000_000;

async function main(): Promise<number> {
  const options = readArguments(process.argv.slice(2));
  if (typeof options === 'string') {
    process.stdout.write(`${options}\n`);
    return options === usage ? 0 : exitUsage;
  }
  const plan = planOf(options.minutes);
  const trouble = planTrouble({ ...options, durationS: planDurationS(plan) });
  const quiet = await rideAlone(plan, { ...trouble, killsS: [] }, options, 'undisturbed');
  const killed = await rideAlone(plan, trouble, options, 'killed');
  return compare(quiet, killed, options.kills) ? 0 : exitDifferent;
}

/** The long endurance workout, shortened evenly. */
function planOf(minutes: number): Plan {
  const whole = builtInPlans.find(({ id }) => id === 'long-endurance')?.plan;
  if (whole === undefined) throw new Error('The long workout is gone.');
  const share = (minutes * 60) / planDurationS(whole);
  const segments = whole.segments.map((segment) => ({
    ...segment,
    durationS: Math.max(1, Math.round(segment.durationS * share)),
    texts: [],
  }));
  return { ...whole, segments };
}

async function rideAlone(
  plan: Plan,
  trouble: Trouble,
  { speed }: LongRideOptions,
  name: string,
): Promise<RiddenOnce> {
  const stopping = new AbortController();
  const tell = (sentence: string): void => void process.stderr.write(`${sentence}\n`);
  const service = await startOwnService({ env: process.env, tell, stopping });
  let toldS = 0;
  const progress = (wallS: number, kills: number): void => {
    if (wallS < toldS + 600) return;
    toldS = wallS;
    process.stdout.write(`${name}: ${Math.round(wallS / 60)} min, ${kills} kills\n`);
  };
  try {
    const { url, stores, killServer } = service;
    const own = { url, databaseUrl: stores.databaseUrl, killServer };
    const input = { plan, ftpW: 250 };
    const ridden = await rideOnce({ input, trouble, service: own, startMs, speed, progress });
    const hash = sha256(ridden.ofDevice);
    process.stdout.write(
      `${name}: ${Math.round(ridden.riddenS)} s ridden, ${ridden.kills} kills, ${ridden.told.length} writes to the trainer, ${ridden.ofDevice.length} bytes, sha256 ${hash}\n`,
    );
    return ridden;
  } finally {
    await service.remove();
  }
}

function compare(quiet: RiddenOnce, killed: RiddenOnce, kills: number): boolean {
  const findings = [
    [sha256(killed.ofDevice) === sha256(quiet.ofDevice), 'the file of the device'],
    [sha256(killed.ofService) === sha256(quiet.ofService), 'the file made from the service’s log'],
    [sha256(killed.ofService) === sha256(killed.ofDevice), 'the device’s file and the service’s'],
    [
      killed.told.join('\n') === quiet.told.join('\n'),
      'every byte written to the trainer, and when',
    ],
    [killed.kills === kills, `the number of kills, which is ${kills}`],
  ] as const;
  for (const [isSame, what] of findings)
    process.stdout.write(`${isSame ? 'same' : 'DIFFERENT'}: ${what}\n`);
  return findings.every(([isSame]) => isSame);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    process.stderr.write(`${String((error as Error).stack ?? error)}\n`);
    process.exit(exitDifferent);
  },
);

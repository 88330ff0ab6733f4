/** The process of `npm run ride`: reads what to ride, has a service, rides, and leaves nothing behind. */
import { basename, resolve } from 'node:path';

import { readArguments, usage, type RideOptions } from './arguments.ts';
import { CannotRide } from './cannot-ride.ts';
import { startOwnService } from './own-service.ts';
import { readText } from './read-text.ts';
import { rideAndReport, type PlannedRide, type RiddenService } from './ride-and-report.ts';
import { parseRide, rideDurationS } from './ride-file.ts';
import { freeRide, parsePlan } from './ride-plan.ts';

const exitNotArrived = 1;
/** What shells say of a process that Ctrl-C ended. */
const exitInterrupted = 130;

async function main(): Promise<number> {
  const options = readArguments(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  const planned = await planRide(options);
  const perform = async (service: RiddenService): Promise<number> =>
    (await rideAndReport(planned, service, process.stdout)) ? 0 : exitNotArrived;
  return options.url === undefined
    ? withOwnService(perform)
    : perform({ url: options.url, description: options.url });
}

async function planRide(options: RideOptions): Promise<PlannedRide> {
  const { ftpW, speed, killCount } = options;
  const name = basename(options.file);
  const text = await readText(fromHere(options.file), options.file);
  const rows = parseRide(text, name);
  const ride = { name, text, rows, speed, killCount };
  if (options.workout === undefined)
    return { ...ride, input: { plan: freeRide(rideDurationS(rows)), ftpW } };
  const zwo = await readText(fromHere(options.workout), options.workout);
  const { plan, warnings } = parsePlan(zwo, basename(options.workout));
  for (const warning of warnings) warn(warning);
  return { ...ride, input: { plan, ftpW } };
}

/** Performs with a service that is there for it alone, and removes it afterwards, after Ctrl-C too. */
async function withOwnService(
  perform: (service: RiddenService) => Promise<number>,
): Promise<number> {
  const stopping = new AbortController();
  const interrupted = new Promise<number>((resolve) => {
    const stop = (): void => {
      // Again: what takes its time ends with this process.
      if (stopping.signal.aborted) process.exit(exitInterrupted);
      stopping.abort();
      resolve(exitInterrupted);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  });
  try {
    const service = await startOwnService({ env: process.env, tell: warn, stopping });
    try {
      return await Promise.race([perform(service), interrupted]);
    } finally {
      await service.remove();
    }
  } catch (error) {
    // A stop makes what is starting fail.
    if (stopping.signal.aborted && !(error instanceof CannotRide)) return exitInterrupted;
    throw error;
  }
}

/** Paths are meant from where the person is, which npm tells when it has gone to the repository's root. */
function fromHere(path: string): string {
  const isNpmRun = process.env['npm_lifecycle_event'] === 'ride';
  return resolve((isNpmRun ? process.env['INIT_CWD'] : undefined) ?? '.', path);
}

function warn(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    warn(error instanceof CannotRide ? error.message : String((error as Error).stack ?? error));
    process.exit(error instanceof CannotRide ? error.exitCode : 1);
  },
);

/** Command line → options. The first mistake is told in one sentence. */
import { parseArgs, type ParseArgsConfig } from 'node:util';

import { CannotRide, exitCodes } from './cannot-ride.ts';

export interface RideOptions {
  /** Path of the recorded ride. */
  readonly file: string;
  readonly ftpW: number;
  /** Path of a .zwo file; without it the ride is free. */
  readonly workout: string | undefined;
  /** Seconds of the ride in a second of real time. */
  readonly speed: number;
  /** How often the server is killed; 0 without --chaos. */
  readonly killCount: number;
  /** A service that runs already; without it one is started for the ride. */
  readonly url: string | undefined;
}

export const usage = `Rides a recorded ride through a live session, and proves that every second of it arrived once.

  npm run ride -- --file ride.csv --ftp 250 [options]

  --file <csv>       the ride: columns elapsed_s, power_w, cadence_rpm, heart_rate_bpm; an empty cell is a sensor that said nothing
  --ftp <watts>      the rider's FTP, 30 to 800
  --workout <zwo>    a workout file that sets the targets; without it the ride is free
  --speed <times>    seconds of the ride in a second, 1 to 10000; 60 by default
  --chaos            kills the server with -9 again and again during the ride
  --kills <count>    how often, 1 to 100; 10 by default
  --url <url>        a service that runs already; without it a private one is started and removed afterwards
  --help             this text

Exit code 0: all is saved, nothing lost, nothing doubled. 1: not so. 64, 65, 66: the command line, a file's content, or a
missing file is at fault. 69: there is no service to ride with.
`;

const defaultKillCount = 10;

const options = {
  file: { type: 'string' },
  ftp: { type: 'string' },
  workout: { type: 'string' },
  speed: { type: 'string', default: '60' },
  chaos: { type: 'boolean', default: false },
  kills: { type: 'string' },
  url: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options'];

/** Throws CannotRide. */
export function readArguments(args: readonly string[]): RideOptions | 'help' {
  const given = parse(args);
  if (given.help) return 'help';
  const { file, ftp, workout, speed, chaos, kills, url } = given;
  if (file === undefined) throw wrong('Say which ride to ride: --file ride.csv.');
  if (ftp === undefined) throw wrong("Say the rider's FTP in watts: --ftp 250.");
  if (kills !== undefined && !chaos) throw wrong('--kills counts for --chaos only.');
  if (url !== undefined && chaos)
    throw wrong('--chaos kills a server of its own; it does not go with --url.');
  if (url !== undefined && !isHttpUrl(url))
    throw wrong(`--url is an http or https URL, not "${url}".`);
  return {
    file,
    ftpW: number('--ftp', ftp, [30, 800]),
    workout,
    speed: number('--speed', speed, [1, 10_000]),
    killCount: chaos ? wholeNumber('--kills', kills ?? String(defaultKillCount), [1, 100]) : 0,
    url,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    // Node's explanations are several sentences long; the first one names the mistake.
    const [sentence = ''] = String(error instanceof Error ? error.message : error).split(/\. |\n/);
    throw wrong(`${sentence.replace(/\.$/, '')}. See --help.`);
  }
}

function number(option: string, text: string, [min, max]: readonly [number, number]): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= min && value <= max) return value;
  throw wrong(`${option} is a number from ${min} to ${max}, not "${text}".`);
}

function wholeNumber(option: string, text: string, range: readonly [number, number]): number {
  const value = number(option, text, range);
  if (Number.isInteger(value)) return value;
  throw wrong(`${option} is a whole number, not "${text}".`);
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function wrong(sentence: string): CannotRide {
  return new CannotRide(exitCodes.usage, sentence);
}

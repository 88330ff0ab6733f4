/** Command line → options. The first mistake is told in one sentence. */
import { parseArgs } from 'node:util';

export interface LongRideOptions {
  readonly minutes: number;
  /** Seconds of the ride in a second. */
  readonly speed: number;
  readonly kills: number;
  readonly drops: number;
  readonly reloads: number;
  readonly seed: number;
}

/** What `--help` says. */
export const usage = `Rides the same ride twice through page, client and server: once undisturbed, once while the server is killed.
Both lose the trainer and load the page anew at the same moments; both must end in the same file, byte for byte.

  npm run ride:long -- [options]

  --minutes <n>   length of the ride, 1 to 600; 135 by default
  --speed <n>     seconds of the ride in a second, 1 to 100; 60 by default
  --kills <n>     kill -9 of the server in the second ride; 20 by default
  --drops <n>     how often the trainer is lost; 5 by default
  --reloads <n>   how often the page is loaded anew; 2 by default
  --seed <n>      when all of that happens; 1 by default

Exit code 0: the same bytes. 1: not so. 64: the command line is at fault.
`;

const options = {
  minutes: { type: 'string', default: '135' },
  speed: { type: 'string', default: '60' },
  kills: { type: 'string', default: '20' },
  drops: { type: 'string', default: '5' },
  reloads: { type: 'string', default: '2' },
  seed: { type: 'string', default: '1' },
  help: { type: 'boolean', default: false },
} as const;

/** A text is for the person at the command line: the usage, or a sentence for what is wrong. */
export function readArguments(args: readonly string[]): LongRideOptions | string {
  let given: ReturnType<typeof parse>;
  try {
    given = parse(args);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (given.help) return usage;
  const bounds = {
    minutes: [1, 600],
    speed: [1, 100],
    kills: [0, 100],
    drops: [0, 20],
    reloads: [0, 20],
    seed: [0, 1e9],
  } as const;
  const numbers = Object.entries(bounds).map(([name, [min, max]]) => {
    const value = Number(given[name as keyof typeof bounds]);
    const isFit = Number.isInteger(value) && value >= min && value <= max;
    return {
      name,
      value,
      problem: isFit ? null : `--${name} is a whole number from ${min} to ${max}.`,
    };
  });
  const wrong = numbers.find(({ problem }) => problem !== null);
  if (wrong?.problem) return wrong.problem;
  // `fromEntries` forgets the names: they are those of the bounds, which are the options'.
  return Object.fromEntries(
    numbers.map(({ name, value }) => [name, value]),
  ) as unknown as LongRideOptions;
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options, strict: true }).values;
}

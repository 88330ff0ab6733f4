/** Command line → options. The first mistake is told in one sentence. */
import { parseArgs, type ParseArgsConfig } from 'node:util';

export interface ChaosArguments {
  readonly minutes: number;
  readonly seed: number;
  readonly riderCount: number;
  readonly withRedis: boolean;
  /** Each store is away once for a quarter of the run, and a device for most of it. */
  readonly withLongOutages: boolean;
  /** Path of the report; markdown when it ends in .md, else JSON. */
  readonly report: string | undefined;
  /** Path of the story of the first finding. */
  readonly story: string | undefined;
}

export const usage = `Runs two real instances on a real Redis and Postgres, breaks everything again and again while riders ride,
and proves that every command arrived once and in order.

  npm run chaos -- [options]

  --minutes <n>     how long to break things, 0.1 to 1440; 10 by default
  --seed <n>        which faults come when; a new one each time by default
  --riders <n>      sessions, 1 to 9; 6 by default. Every third is ridden with two devices; each device is a process
                    and takes about 80 MB
  --without-redis   sessions in Postgres alone
  --long-outages    Redis, and later Postgres, are away for a quarter of the run each, and one device for most of it;
                    the run goes on until all of that has been
  --report <file>   the figures, as markdown when the file ends in .md, else as JSON
  --story <file>    what was done when, and what the session of the first finding went through; chaos-story.txt by
                    default, when there is a finding
  --help            this text

Exit code 0: everything arrived once, in order, and healed. 1: not so. 64: the command line is at fault.
`;

/** The command line is wrong, for the reason told. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const options = {
  minutes: { type: 'string', default: '10' },
  seed: { type: 'string' },
  riders: { type: 'string', default: '6' },
  'without-redis': { type: 'boolean', default: false },
  'long-outages': { type: 'boolean', default: false },
  report: { type: 'string' },
  story: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options'];

const seedMax = 1_000_000;

/** `randomSeed` is asked when no seed is given. Throws UsageError. */
export function readArguments(
  args: readonly string[],
  randomSeed: () => number,
): ChaosArguments | 'help' {
  const given = parse(args);
  if (given.help) return 'help';
  const { minutes, seed, riders, report, story } = given;
  return {
    minutes: number('--minutes', minutes, [0.1, 1440]),
    seed: seed === undefined ? randomSeed() : wholeNumber('--seed', seed, [0, seedMax]),
    riderCount: wholeNumber('--riders', riders, [1, 9]),
    withRedis: !given['without-redis'],
    withLongOutages: given['long-outages'],
    report,
    story,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    // Node's explanations are several sentences long; the first one names the mistake.
    const [sentence = ''] = String(error instanceof Error ? error.message : error).split(/\. |\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')}. See --help.`);
  }
}

function number(option: string, text: string, [min, max]: readonly [number, number]): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option} is a number from ${min} to ${max}, not "${text}".`);
}

function wholeNumber(option: string, text: string, range: readonly [number, number]): number {
  const value = number(option, text, range);
  if (Number.isInteger(value)) return value;
  throw new UsageError(`${option} is a whole number, not "${text}".`);
}

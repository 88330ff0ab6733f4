/** What the command line of the simulator means, or one sentence that says what is wrong with it. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

export interface SimOptions {
  readonly mode: 'seeds' | 'seed' | 'mutants' | 'help';
  readonly from: number;
  readonly seeds: number;
  /** Worker processes. */
  readonly jobs: number;
  /** The one seed of mode `seed`. */
  readonly seed: number;
  /** Numbers of the steps that are taken; undefined for all. */
  readonly steps: ReadonlySet<number> | undefined;
  readonly variant: number;
  /** A planted bug, by name. */
  readonly mutant: string | undefined;
  /** Goes on after a seed that fails. */
  readonly isPatient: boolean;
  readonly isRisky: boolean;
  /** Only seeds in which a store is away for minutes or a device for hours. */
  readonly isLong: boolean;
}

export const help = `Runs the real server and the real client on a virtual clock, with everything around them made up and going wrong.

npm run sim -- [options]
  --seeds N      how many seeds (10000)
  --from S       the first one (1)
  --seed S       one seed, with all that happened
  --steps LIST   of that seed only these steps, like 3,17,22-25
  --luck N       that seed with other luck (0)
  --mutants      planted bugs: each must be noticed
  --mutant NAME  one planted bug, with --seed or --seeds
  --long         of these seeds only those in which a store is away for minutes, or a device for hours
  --all          goes on after a seed that fails, and counts what was wrong
  --risky        faults may come together that are known not to be survived yet
  --jobs N       worker processes (as many as cores)
  --help         this

Exit code: 0 all is well, 1 something is wrong, 2 the options are.`;

/** Throws an Error with one sentence when the arguments make no sense. */
export function readOptions(args: readonly string[], mutants: readonly string[]): SimOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '10000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      steps: { type: 'string' },
      luck: { type: 'string', default: '0' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      mutants: { type: 'boolean', default: false },
      mutant: { type: 'string' },
      risky: { type: 'boolean', default: false },
      long: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.mutants && values.seed !== undefined)
    throw new Error('--mutants runs seeds of its own: leave --seed away.');
  if (values.steps !== undefined && values.seed === undefined)
    throw new Error('--steps needs --seed: steps are those of one seed.');
  if (values.long && (values.mutants || values.seed !== undefined))
    throw new Error('--long chooses among many seeds: it goes with --seeds and --from alone.');
  if (values.mutant !== undefined && !mutants.includes(values.mutant))
    throw new Error(`There is no planted bug "${values.mutant}"; --mutants lists them.`);
  const { seed } = values;
  const run = seed === undefined ? 'seeds' : 'seed';
  return {
    mode: values.help ? 'help' : values.mutants ? 'mutants' : run,
    from: integer('--from', values.from, 0),
    seeds: integer('--seeds', values.seeds, 1),
    jobs: integer('--jobs', values.jobs, 1),
    seed: integer('--seed', seed ?? '0', 0),
    steps: values.steps === undefined ? undefined : stepNumbers(values.steps),
    variant: integer('--luck', values.luck, 0),
    mutant: values.mutant,
    isPatient: values.all,
    isRisky: values.risky,
    isLong: values.long,
  };
}

const integerMax = 2 ** 31;

function integer(name: string, text: string, min: number): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || value < min || value > integerMax)
    throw new Error(`${name} is a whole number from ${min}, not "${text}".`);
  return value;
}

/** `3,17,22-25`; empty for none. */
function stepNumbers(text: string): Set<number> {
  const parts = text.split(',').filter((part) => part !== '');
  return new Set(
    parts.flatMap((part) => {
      const [, first, last = first] = /^([0-9]+)(?:-([0-9]+))?$/.exec(part) ?? [];
      if (first === undefined) throw new Error(`--steps is a list like 3,17,22-25, not "${text}".`);
      const from = Number(first);
      return Array.from({ length: Math.max(0, Number(last) - from + 1) }, (_, at) => from + at);
    }),
  );
}

/** The inverse: `3,17,22-25`. */
export function stepList(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

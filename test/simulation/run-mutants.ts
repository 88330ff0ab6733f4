/** Every planted bug against one seed after another, until it is noticed. */
import { guardedElsewhere } from './guarded-elsewhere.ts';
import { mutants } from './mutants.ts';
import type { SeedPool } from './seed-pool.ts';
import type { Invariant } from './tampering.ts';

/** Seeds a worker takes at a time. */
const rangeLength = 8;

interface Caught {
  readonly name: string;
  readonly seeds: number;
  readonly seen: string | undefined;
}

/** What DESIGN.md §4 asks for, in a few words, and that sessions are served again once nothing goes wrong any more. */
const invariants: readonly (readonly [Invariant, string])[] = [
  [1, 'every command has effect once'],
  [2, 'what is told as saved is saved; watermarks do not fall within an epoch'],
  [3, 'offsets have no gap; a replay is complete'],
  [4, "one owner's writes land, and no time of day decides whose"],
  [5, 'the order of owners does not go back'],
  [6, 'what Redis lost begins a new epoch'],
  [7, 'an append is tried until its outcome is known, and lands once'],
  [8, 'a refused command is in the log'],
  [9, 'accepted without an outbox means saved'],
  [10, "a client's data is not thrown away"],
  [11, 'nobody owns a state of a schema it does not know'],
  [12, 'the token is proven first, and a retired one is not served'],
  ['liveness', 'everybody is served again once nothing goes wrong any more'],
];

/** Prints a table of all, by invariant. Returns whether each was noticed within so many seeds, and no invariant goes without a bug. */
export async function runMutants(
  pool: SeedPool,
  seedsMax: number,
  isStopped: () => boolean,
): Promise<boolean> {
  const names = Object.keys(mutants);
  const caught = await Promise.all(names.map((name) => hunt(pool, name, seedsMax, isStopped)));
  for (const [invariant, words] of invariants) {
    console.log(`\n${invariant}: ${words}`);
    for (const one of caught) if (breaks(one.name, invariant)) console.log(row(one));
    for (const one of guardedElsewhere)
      if (one.invariant === invariant)
        console.log(`  guarded elsewhere: ${one.clause}\n    test/${one.file}: ${one.title}`);
  }
  const missed = caught.filter(({ seen }) => seen === undefined);
  const bare = invariants.filter(([invariant]) => !names.some((name) => breaks(name, invariant)));
  const sentence = missed.length === 0 ? 'each was noticed' : `${missed.length} were NOT noticed`;
  console.log(`\n${names.length} planted bugs: ${sentence}`);
  for (const { name } of missed) console.log(`  not noticed: ${name}`);
  for (const [invariant] of bare) console.log(`  no bug breaks ${invariant}`);
  return missed.length === 0 && bare.length === 0;
}

async function hunt(
  pool: SeedPool,
  name: string,
  seedsMax: number,
  isStopped: () => boolean,
): Promise<Caught> {
  const { firstSeed = 1 } = mutants[name] ?? {};
  const lastSeed = firstSeed + seedsMax - 1;
  for (let from = firstSeed; from <= lastSeed && !isStopped(); from += rangeLength) {
    const count = Math.min(rangeLength, lastSeed - from + 1);
    const {
      done,
      failures: [failure],
    } = await pool.run({ from, count, mutant: name });
    if (failure === undefined) continue;
    const seeds = from + done - firstSeed;
    const begin = firstSeed === 1 ? '' : ` from ${firstSeed}`;
    console.log(`after ${seeds} seeds${begin} noticed: ${name}`);
    return { name, seeds, seen: failure.violation };
  }
  console.log(`NOT noticed in ${seedsMax} seeds: ${name}`);
  return { name, seeds: seedsMax, seen: undefined };
}

const breaks = (name: string, invariant: Invariant): boolean =>
  mutants[name]?.invariants.includes(invariant) === true;

function row({ name, seeds, seen }: Caught): string {
  const [line = ''] = (seen ?? 'NOTHING').split('\n');
  return `  ${name.padEnd(76)} ${String(seeds).padStart(5)}  ${line.replaceAll(/_+/g, '').slice(0, 120)}`;
}

/** Every planted bug against one seed after another, until it is noticed. */
import { mutants } from './mutants.ts';
import type { SeedPool } from './seed-pool.ts';

/** Seeds a worker takes at a time. */
const rangeLength = 8;

interface Caught {
  readonly name: string;
  readonly seeds: number;
  readonly seen: string | undefined;
}

/** Prints a table of all. Returns whether each was noticed within so many seeds. */
export async function runMutants(
  pool: SeedPool,
  seedsMax: number,
  isStopped: () => boolean,
): Promise<boolean> {
  const names = Object.keys(mutants);
  const caught = await Promise.all(names.map((name) => hunt(pool, name, seedsMax, isStopped)));
  const missed = caught.filter(({ seen }) => seen === undefined);
  console.log('');
  const sentence = missed.length === 0 ? 'each was noticed' : `${missed.length} were NOT noticed`;
  console.log(`${caught.length} planted bugs: ${sentence}`);
  for (const { name } of missed) console.log(`  not noticed: ${name}`);
  return missed.length === 0;
}

async function hunt(
  pool: SeedPool,
  name: string,
  seedsMax: number,
  isStopped: () => boolean,
): Promise<Caught> {
  for (let from = 1; from <= seedsMax && !isStopped(); from += rangeLength) {
    const count = Math.min(rangeLength, seedsMax - from + 1);
    const {
      done,
      failures: [failure],
    } = await pool.run({ from, count, mutant: name });
    if (failure === undefined) continue;
    const seeds = from + done - 1;
    console.log(row(name, String(seeds), failure.violation));
    return { name, seeds, seen: failure.violation };
  }
  console.log(row(name, `> ${seedsMax}`, 'NOTHING'));
  return { name, seeds: seedsMax, seen: undefined };
}

function row(name: string, seeds: string, seen: string): string {
  const [line = ''] = seen.split('\n');
  const invariants = mutants[name]?.invariants.join(' ') ?? '';
  return `${name.padEnd(62)} ${invariants.padEnd(8)} ${seeds.padStart(6)}  ${line.slice(0, 150)}`;
}

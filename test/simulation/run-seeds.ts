/** Many seeds on all cores, up to the first that fails. */
import { ProgressLine } from './progress.ts';
import { noCounts, summed, type Failure, type JobResult } from './seed-job.ts';
import type { SeedPool } from './seed-pool.ts';
import { absenceOf } from './setup.ts';
import type { Counts } from './simulate.ts';

export interface SeedsResult {
  readonly done: number;
  readonly counts: Counts;
  readonly faultsMin: number;
  readonly faults: Readonly<Record<string, number>>;
  /** By seed; the first one is the lowest there is, however many workers there are. */
  readonly failures: readonly Failure[];
}

/** Seeds a worker takes at a time: some tenths of a second. */
const rangeLength = 10;

export interface SeedsAsked {
  readonly from: number;
  readonly seeds: number;
  readonly mutant: string | undefined;
  /** Goes on after a seed that fails. */
  readonly isPatient: boolean;
  readonly isRisky: boolean;
  /** Only those seeds in which something is away for minutes or hours. */
  readonly isLong: boolean;
}

/** What workers take at a time, in the order of the seeds. */
function rangesOf({ from, seeds, isLong }: Pick<SeedsAsked, 'from' | 'seeds' | 'isLong'>) {
  const all = Array.from({ length: Math.ceil(seeds / rangeLength) }, (_, index) => {
    const first = from + index * rangeLength;
    return { from: first, count: Math.min(rangeLength, from + seeds - first) };
  });
  if (!isLong) return all;
  return Array.from({ length: seeds }, (_, index) => ({ from: from + index, count: 1 })).filter(
    (one) => absenceOf(one.from) !== undefined,
  );
}

/** `isStopped`: no further range is begun. */
export async function runSeeds(
  pool: SeedPool,
  { mutant, isPatient, isRisky, ...asked }: SeedsAsked,
  isStopped: () => boolean,
): Promise<SeedsResult> {
  const progress = new ProgressLine(process.stdout);
  const ranges = rangesOf(asked);
  const seeds = ranges.reduce((sum, { count }) => sum + count, 0);
  let total: SeedsResult = {
    done: 0,
    counts: noCounts,
    faultsMin: Infinity,
    faults: {},
    failures: [],
  };
  const asProgress = () => ({ ...total.counts, done: total.done, total: seeds });
  const work = async (): Promise<void> => {
    const isWanted = (): boolean => (isPatient || total.failures.length === 0) && !isStopped();
    while (isWanted()) {
      const range = ranges.shift();
      if (range === undefined) break;
      const result = await pool.run({ ...range, mutant, isPatient, isRisky });
      total = together(total, result);
      progress.show(asProgress());
    }
  };
  await Promise.all(Array.from({ length: pool.size }, work));
  progress.end(asProgress());
  return total;
}

/** Ranges are handed out in order, so whatever is lower than a failing seed is still run to its end. */
function together(a: SeedsResult, b: JobResult): SeedsResult {
  const faults = { ...a.faults };
  for (const [name, count] of Object.entries(b.faults)) faults[name] = (faults[name] ?? 0) + count;
  return {
    done: a.done + b.done,
    counts: summed(a.counts, b.counts),
    faultsMin: Math.min(a.faultsMin, b.faultsMin),
    faults,
    failures: [...a.failures, ...b.failures].toSorted((one, other) => one.seed - other.seed),
  };
}

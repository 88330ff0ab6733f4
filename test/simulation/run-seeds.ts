/** Many seeds on all cores, up to the first that fails. */
import { ProgressLine } from './progress.ts';
import { noCounts, summed, type Failure, type JobResult } from './seed-job.ts';
import type { SeedPool } from './seed-pool.ts';
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
}

/** `isStopped`: no further range is begun. */
export async function runSeeds(
  pool: SeedPool,
  { from, seeds, mutant, isPatient, isRisky }: SeedsAsked,
  isStopped: () => boolean,
): Promise<SeedsResult> {
  const progress = new ProgressLine(process.stdout);
  let next = from;
  let total: SeedsResult = {
    done: 0,
    counts: noCounts,
    faultsMin: Infinity,
    faults: {},
    failures: [],
  };
  const asProgress = () => ({ ...total.counts, done: total.done, total: seeds });
  const work = async (): Promise<void> => {
    const isWanted = (): boolean =>
      next < from + seeds && (isPatient || total.failures.length === 0) && !isStopped();
    while (isWanted()) {
      const count = Math.min(rangeLength, from + seeds - next);
      const job = { from: next, count, mutant, isPatient, isRisky };
      next += job.count;
      const result = await pool.run(job);
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

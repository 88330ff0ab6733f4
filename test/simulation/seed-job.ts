/** A range of seeds, and what came of it: what goes between the command and its worker processes. */
import { mutants } from './mutants.ts';
import type { Simulate } from './planted-source.ts';
import type { Counts } from './simulate.ts';

export interface SeedJob {
  readonly from: number;
  readonly count: number;
  readonly mutant?: string | undefined;
  /** Goes on after a seed that fails. */
  readonly isPatient?: boolean;
  readonly isRisky?: boolean;
}

export interface JobResult {
  /** Seeds that were run: all, or those up to the first that failed. */
  readonly done: number;
  readonly counts: Counts;
  /** How often each kind of fault struck. */
  readonly faults: Readonly<Record<string, number>>;
  /** Fewest faults of a run that was not cut short. */
  readonly faultsMin: number;
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly seed: number;
  readonly violation: string;
}

/** Runs the seeds in order, up to the first that fails. `simulate`: the one of the planted bug, when there is one. */
export async function runJob(
  { from, count, mutant, isPatient, isRisky }: SeedJob,
  simulate: Simulate,
): Promise<JobResult> {
  const tampering = mutant === undefined ? undefined : mutants[mutant]?.tampering;
  const faults: Record<string, number> = {};
  let counts: Counts | undefined;
  let faultsMin = Infinity;
  const failures: Failure[] = [];
  let done = 0;
  for (let seed = from; seed < from + count; seed++) {
    if (failures.length > 0 && isPatient !== true) break;
    done++;
    const outcome = await simulate(seed, { tampering, isRisky });
    counts = summed(counts, outcome.counts);
    for (const { name } of outcome.struck) faults[name] = (faults[name] ?? 0) + 1;
    if (outcome.violation === undefined) faultsMin = Math.min(faultsMin, outcome.counts.faults);
    else failures.push({ seed, violation: outcome.violation });
  }
  return { done, counts: counts ?? noCounts, faults, faultsMin, failures };
}

export const noCounts: Counts = {
  faults: 0,
  commands: 0,
  landed: 0,
  takeovers: 0,
  epochs: 0,
  storeCalls: 0,
};

export function summed(a: Counts | undefined, b: Counts): Counts {
  if (a === undefined) return b;
  const names = Object.keys(b) as (keyof Counts)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as Counts;
}

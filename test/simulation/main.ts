/** `npm run sim`: many seeds on all cores, one seed with everything that happened, or the planted bugs. `--help` tells how. */
import { mutants } from './mutants.ts';
import { help, readOptions, stepList, type SimOptions } from './options.ts';
import { simulatorOf } from './planted-source.ts';
import { runMutants } from './run-mutants.ts';
import { runSeeds, type SeedsResult } from './run-seeds.ts';
import type { Failure } from './seed-job.ts';
import { seedPool, type SeedPool } from './seed-pool.ts';
import { kindOf, shrink } from './shrink.ts';
import type { Outcome } from './simulate.ts';

/** Lines of the trace of a failing seed, and of one that was asked for. */
const traceLinesMax = 60;
const wholeTrace = 1_000_000;

/** Of a planted bug; undefined for none. */
const tamperingOf = (mutant: string | undefined) =>
  mutant === undefined ? undefined : mutants[mutant]?.tampering;

async function runOne({ seed, steps, variant, mutant, isRisky }: SimOptions): Promise<void> {
  const simulate = await simulatorOf(mutant);
  const outcome = await simulate(seed, {
    traceNotesMax: wholeTrace,
    variant,
    isRisky,
    tampering: tamperingOf(mutant),
    isTaken: ({ number }) => steps?.has(number) !== false,
  });
  console.log(outcome.trace.join('\n'));
  console.log(outcome.counts);
  console.log(`seed ${seed}: ${outcome.violation ?? 'all is well'}`);
  if (outcome.violation !== undefined) process.exitCode = 1;
}

/** What was wrong, the smallest schedule that shows it, and how to see it again. */
async function explain(seed: number, { mutant, isRisky }: SimOptions): Promise<void> {
  const options = { tampering: tamperingOf(mutant), isRisky };
  const simulate = await simulatorOf(mutant);
  const outcome = await simulate(seed, options);
  console.log(`\nseed ${seed}: ${outcome.violation}\nLooking for the smallest schedule…`);
  const { steps, variant, tries, outcome: small } = await shrink(simulate, outcome, options);
  const taken = new Set(steps);
  const isTaken = ({ number }: { readonly number: number }): boolean => taken.has(number);
  const traced = await simulate(seed, {
    ...options,
    variant,
    isTaken,
    traceNotesMax: traceLinesMax,
  });
  console.log(traced.trace.join('\n'));
  console.log(`\n${small.violation}`);
  console.log(`\n${steps.length} of ${outcome.lastStep} steps are enough (${tries} runs):`);
  console.log(described(small, steps));
  const bug = mutant === undefined ? '' : ` --mutant '${mutant}'`;
  const risk = isRisky ? ' --risky' : '';
  const luck = variant === 0 ? '' : ` --luck ${variant}`;
  console.log(
    `\nagain: npm run sim -- --seed ${seed}${risk}${bug} --steps ${stepList(steps)}${luck}`,
  );
}

function described({ struck }: Outcome, steps: readonly number[]): string {
  const lines = struck.map(
    ({ step, name }) => `  #${step.number} at ${(step.atMs / 1_000).toFixed(3)} s: ${name}`,
  );
  const enterCount = steps.length - struck.length;
  return [...lines, `  and ${enterCount} times something is entered`].join('\n');
}

/** How often what was wrong, and where to see it. */
function countKinds(failures: readonly Failure[]): string {
  const kinds = new Map<string, number[]>();
  for (const { seed, violation } of failures) {
    const kind = kindOf(violation);
    kinds.set(kind, [...(kinds.get(kind) ?? []), seed]);
  }
  return [...kinds]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([kind, seeds]) => `${seeds.length} × ${kind}\n    seeds ${seeds.slice(0, 8).join(' ')}`)
    .join('\n');
}

function summarise({ done, counts, faults, faultsMin, failures }: SeedsResult): void {
  const kinds = Object.entries(faults).toSorted(([, a], [, b]) => b - a);
  const each = (count: number): string => (count / done).toFixed(1);
  console.log(kinds.map(([name, count]) => `${name} ${count}`).join(', '));
  console.log(
    `a run has ${each(counts.faults)} faults (${faultsMin} at least), ${each(counts.commands)} commands, ` +
      `${each(counts.takeovers)} takeovers, ${each(counts.epochs)} epochs, ${each(counts.storeCalls)} store calls`,
  );
  if (failures.length === 0)
    console.log('all is well: nothing lost, nothing doubled, nothing reordered');
}

async function runMany(options: SimOptions, pool: SeedPool, isStopped: () => boolean) {
  const result = await runSeeds(pool, options, isStopped);
  if (result.done === 0 && !isStopped()) {
    console.error('In none of these seeds anything is away for long: take more of them.');
    process.exitCode = 2;
    return;
  }
  summarise(result);
  const [failure] = result.failures;
  if (failure === undefined) return;
  process.exitCode = 1;
  if (options.isPatient) console.log(countKinds(result.failures));
  else await explain(failure.seed, options);
}

/** With worker processes, until all is done or Ctrl-C. */
async function withPool(options: SimOptions): Promise<void> {
  const pool = seedPool(options.jobs);
  let isStopped = false;
  const stop = (): void => {
    if (isStopped) process.exit(130);
    isStopped = true;
    console.log('\nStopping; once more stops at once.');
  };
  process.on('SIGINT', stop);
  try {
    if (options.mode !== 'mutants') await runMany(options, pool, () => isStopped);
    else if (!(await runMutants(pool, options.seeds, () => isStopped))) process.exitCode = 1;
    if (isStopped) process.exitCode = 130;
  } finally {
    process.off('SIGINT', stop);
    pool.close();
  }
}

async function main(): Promise<void> {
  let options: SimOptions;
  try {
    options = readOptions(process.argv.slice(2), Object.keys(mutants));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
    return;
  }
  if (options.mode === 'help') console.log(help);
  else if (options.mode === 'seed') await runOne(options);
  else await withPool(options);
}

await main();

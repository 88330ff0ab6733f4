/** A worker process of the simulator: takes one range of seeds after another, as long as the command lives. */
import { simulatorOf, type Simulate } from './planted-source.ts';
import { runJob, type JobResult, type SeedJob } from './seed-job.ts';

/** A simulator is built once, however many ranges of a planted bug come. */
const simulators = new Map<string | undefined, Promise<Simulate>>();

async function work(job: SeedJob): Promise<JobResult> {
  const simulator = simulators.get(job.mutant) ?? simulatorOf(job.mutant);
  simulators.set(job.mutant, simulator);
  return runJob(job, await simulator);
}

process.on('message', (job: SeedJob) => {
  // When nobody listens any more, there is nobody to tell.
  void work(job).then((result) => process.send?.(result, undefined, {}, () => {}));
});
process.on('disconnect', () => process.exit());
// Ctrl-C reaches everybody in the terminal; the command decides.
process.on('SIGINT', () => {});

/** A worker process of the simulator: takes one range of seeds after another, as long as the command lives. */
import { runJob, type SeedJob } from './seed-job.ts';

process.on('message', (job: SeedJob) => {
  // When nobody listens any more, there is nobody to tell.
  void runJob(job).then((result) => process.send?.(result, undefined, {}, () => {}));
});
process.on('disconnect', () => process.exit());
// Ctrl-C reaches everybody in the terminal; the command decides.
process.on('SIGINT', () => {});

/** Runs ranges of seeds in worker processes, one range at a time in each. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { JobResult, SeedJob } from './seed-job.ts';

export interface SeedPool {
  /** Rejects when a worker dies. */
  run(job: SeedJob): Promise<JobResult>;
  readonly size: number;
  close(): void;
}

interface Waiting {
  readonly job: SeedJob;
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: Error) => void;
}

export function seedPool(size: number): SeedPool {
  const queue: Waiting[] = [];
  const idle: ChildProcess[] = [];
  const running = new Map<ChildProcess, Waiting>();
  const next = (): void => {
    while (idle.length > 0 && queue.length > 0) {
      const worker = idle.pop() as ChildProcess;
      const waiting = queue.shift() as Waiting;
      running.set(worker, waiting);
      worker.send(waiting.job);
    }
  };
  const workers = Array.from({ length: size }, () => {
    const worker = fork(fileURLToPath(new URL('worker.js', import.meta.url)));
    worker.on('message', (result: JobResult) => {
      running.get(worker)?.resolve(result);
      running.delete(worker);
      idle.push(worker);
      next();
    });
    worker.on('exit', (code, signal) => {
      running.get(worker)?.reject(new Error(`A worker ended by itself: ${signal ?? code}.`));
    });
    idle.push(worker);
    return worker;
  });
  return {
    size,
    run: (job) =>
      new Promise((resolve, reject) => {
        queue.push({ job, resolve, reject });
        next();
      }),
    close: () => {
      for (const worker of workers) worker.disconnect();
    },
  };
}

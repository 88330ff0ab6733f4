/** Keeps one program running: starts it, starts it again when it ends, and tells. */
import { setTimeout as delay } from 'node:timers/promises';

import { describeEnding, endWithin, type Child } from './child.ts';

const firstDelayMs = 200;
const longestDelayMs = 10_000;

/** A run this long was a good one: a crash after it counts as the first again. */
const goodRunMs = 30_000;

/** A program and how to run it. */
export interface Program {
  /** For people. */
  readonly name: string;
  /** Resolves when it serves. Throws, and leaves no process behind, when it ends before that or `stopping` aborts. */
  start(stopping: AbortSignal): Promise<Child>;
  /** How long it may take to end after SIGTERM, ms. */
  readonly graceMs: number;
}

/** How long it took to put one process in another's place. */
export interface Exchange {
  /** From the signal to the end of the old process. */
  readonly endedAfterMs: number;
  /** From the signal until the new process served. */
  readonly servedAfterMs: number;
}

/** A program that is kept running. */
export interface Supervised {
  /** Ends the process with the signal and starts the next at once. Undefined when it was not running, or was stopped meanwhile. */
  exchange(signal: 'SIGTERM' | 'SIGKILL'): Promise<Exchange | undefined>;
  /** After the abort of `stopping`: ends it by SIGTERM, and by SIGKILL when its grace is over. */
  stop(): Promise<void>;
  /** Ends what is running at once, as after a second Ctrl-C. */
  kill(): void;
}

/** Wait before the next start after so many failures in a row, from 1. */
export function restartDelayMs(failures: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** (failures - 1));
}

/**
 * Starts the program; when that fails, throws what its `start` throws. `tell` hears of everything unexpected after that.
 * Once `stopping` aborts nothing is started again.
 */
export async function supervise(
  program: Program,
  stopping: AbortSignal,
  tell: (sentence: string) => void,
): Promise<Supervised> {
  let child = await program.start(stopping);
  let onServing: (() => void) | undefined;

  const startAgain = async (failuresSoFar: number): Promise<number> => {
    for (let failures = failuresSoFar; ; failures += 1) {
      if (failures > 0) await delay(restartDelayMs(failures), undefined, { signal: stopping });
      try {
        child = await program.start(stopping);
        return failures;
      } catch (error) {
        stopping.throwIfAborted();
        tell(`${program.name} does not start: ${(error as Error).message}`);
      }
    }
  };
  const keep = async (): Promise<void> => {
    let failures = 0;
    for (;;) {
      const servingMs = performance.now();
      const ending = await child.ended;
      stopping.throwIfAborted();
      const isExpected = onServing !== undefined;
      if (performance.now() - servingMs > goodRunMs) failures = 0;
      if (!isExpected)
        tell(`${program.name} ended (${describeEnding(ending)}) and is started again.`);
      failures = await startAgain(isExpected ? 0 : failures + 1);
      if (isExpected) onServing?.();
      else tell(`${program.name} serves again.`);
      onServing = undefined;
    }
  };
  // It ends only by the abort of a stop.
  const kept = keep().catch((error: unknown) => {
    if (!stopping.aborted) throw error;
  });

  return {
    exchange: async (signal) => {
      if (!child.isAlive() || onServing !== undefined) return undefined;
      const serving = new Promise<void>((resolve) => {
        onServing = resolve;
      });
      const beganMs = performance.now();
      child.send(signal);
      await endWithin(child, program.graceMs);
      const endedAfterMs = performance.now() - beganMs;
      await Promise.race([serving, kept]);
      if (stopping.aborted) return undefined;
      return { endedAfterMs, servedAfterMs: performance.now() - beganMs };
    },
    stop: async () => {
      child.send('SIGTERM');
      await endWithin(child, program.graceMs);
      await kept;
    },
    kill: () => child.send('SIGKILL'),
  };
}

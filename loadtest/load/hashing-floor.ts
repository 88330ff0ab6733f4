/** The physical bound of signing in: what the threads of the service hash when there is nothing else to do. */
import { hashWorkerDefault } from '../../server/accounts/accounts.ts';
import { startHasher } from '../../server/hashing/password-hasher.ts';
import { hashCost } from './mailbox.ts';

/** Hashes a second. */
export async function hashingRate(seconds: number): Promise<number> {
  const workerCount = hashWorkerDefault();
  const hasher = await startHasher({
    cost: hashCost,
    workerCount,
    // One more waits for each thread, so that none is without work.
    waitingMax: workerCount,
    isHoldingConnection: () => false,
  });
  let count = 0;
  const startMs = performance.now();
  let lastMs = startMs;
  const hashOn = async (): Promise<void> => {
    while (performance.now() - startMs < seconds * 1_000) {
      await hasher.hash('a sentence that nobody would guess');
      count++;
      lastMs = performance.now();
    }
  };
  await Promise.all(Array.from({ length: workerCount * 2 }, hashOn));
  await hasher.close();
  return count / ((lastMs - startMs) / 1_000);
}

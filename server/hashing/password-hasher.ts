/** Hashes passwords in threads of their own, within a bound: what is too much is refused at once, with the time to wait. */
import { fileURLToPath } from 'node:url';

import { Piscina } from 'piscina';

export interface PasswordHasher {
  /** Standard bcrypt, of the configured cost. */
  readonly hash: (password: string) => Promise<string>;
  /**
   * Whether the password is the hash's. Without a hash the answer is no, after the same work; a cheaper hash costs the work of the
   * configured one too.
   */
  readonly verify: (password: string, hash: string | undefined) => Promise<Verdict>;
  /** Whether it was made at a lower cost than the configured one. */
  readonly isOutdated: (hash: string) => boolean;
  /** Hashes under way and waiting. */
  readonly pendingCount: () => number;
  /** Milliseconds one hash takes here, measured and smoothed. */
  readonly hashMs: () => number;
  readonly close: () => Promise<void>;
}

export interface Verdict {
  readonly isRight: boolean;
  /** bcrypt rounds done; the same for every answer at one cost. */
  readonly rounds: number;
}

export interface HasherOptions {
  /** log2 of bcrypt's rounds, 4-31. Each step doubles the time. */
  readonly cost: number;
  /** Threads. One core stays free for live sessions. */
  readonly workerCount: number;
  /** Hashes that may wait beyond those under way. */
  readonly waitingMax: number;
  /** Milliseconds the last in line waits at most, as far as is known: where a hash takes long, fewer may wait. */
  readonly waitMsMax?: number | undefined;
  /** Whether the caller holds a connection to a database. Hashing would keep it from everybody for as long. */
  readonly isHoldingConnection: () => boolean;
  /** A thread broke while it had nothing to do; another one takes its place. */
  readonly reportError?: ((error: Error) => void) | undefined;
}

/** As many hashes wait as may; whoever comes then tries again later. */
export class HashingBusyError extends Error {
  override readonly name = 'HashingBusyError';
  readonly retryAfterS: number;

  constructor(retryAfterS: number) {
    super('As many passwords are being hashed as may wait.');
    this.retryAfterS = retryAfterS;
  }
}

interface Work {
  readonly hash?: string;
  readonly isRight?: boolean;
  readonly rounds: number;
  readonly tookMs: number;
}

/** Well before the server ends a connection on which nothing happens. */
const waitMsDefault = 20_000;

/** Weight of the newest measurement in the smoothed time of a hash. */
const smoothing = 0.2;

/** Until as many hashes are done, a second at least. */
export function secondsInLine(pendingCount: number, hashMs: number, workerCount: number): number {
  return Math.max(1, Math.ceil((pendingCount * hashMs) / workerCount / 1_000));
}

/** Hashes once before it resolves: the threads are warm then, and the time of a hash is known. */
export async function startHasher(options: HasherOptions): Promise<PasswordHasher> {
  const { cost, workerCount, waitingMax, isHoldingConnection, reportError = () => {} } = options;
  const { waitMsMax = waitMsDefault } = options;
  const threads = new Piscina<object, Work>({
    filename: fileURLToPath(new URL('./hash-worker.js', import.meta.url)),
    name: 'work',
    minThreads: workerCount,
    maxThreads: workerCount,
    // Otherwise whoever comes passes half of those in line, and the last of a crowd get no answer before their connections end.
    stricterFIFO: true,
  });
  // Unheard, it would end the process, and live sessions with it.
  threads.on('error', reportError);
  let pendingCount = 0;
  let hashMs = 0;
  const run = async (task: object): Promise<Work> => {
    // Our own mistake, and the one that once failed a fifth of all logins: crash early, in tests, instead.
    if (isHoldingConnection())
      throw new Error('A password is hashed while a database connection is held.');
    const isTooLong =
      pendingCount >= workerCount && (pendingCount * hashMs) / workerCount > waitMsMax;
    if (isTooLong || pendingCount >= workerCount + waitingMax)
      throw new HashingBusyError(secondsInLine(pendingCount, hashMs, workerCount));
    pendingCount++;
    try {
      const work = await threads.run(task);
      hashMs = hashMs === 0 ? work.tookMs : hashMs + smoothing * (work.tookMs - hashMs);
      return work;
    } finally {
      pendingCount--;
    }
  };
  const hash = async (password: string): Promise<string> => {
    const made = await run({ kind: 'hash', password, cost });
    if (made.hash === undefined) throw new Error('The worker made no hash.');
    return made.hash;
  };
  await hash('a password nobody has');
  return {
    hash,
    verify: async (password, stored) => {
      const { isRight = false, rounds } = await run({
        kind: 'verify',
        password,
        hash: stored,
        cost,
      });
      return { isRight, rounds };
    },
    isOutdated: (stored) => Number(/^\$2[aby]\$(\d\d)\$/.exec(stored)?.[1] ?? 0) < cost,
    pendingCount: () => pendingCount,
    hashMs: () => hashMs,
    close: () => threads.destroy(),
  };
}

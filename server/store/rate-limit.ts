/** How often a key may do something: the port, and the limits of one instance alone. */
import type { Clock } from '../../shared/clock.ts';
import { restMs } from './circuit.ts';

/** One kind of limit. */
export interface Rate {
  readonly name: string;
  /** How many may come at once. */
  readonly burst: number;
  /** Milliseconds one takes to come back. */
  readonly eachMs: number;
}

export interface RateLimit {
  /** Takes one for that key; resolves with the milliseconds until there is one, 0 when it was taken. */
  readonly take: (rate: Rate, key: string) => Promise<number>;
  /** Gives the key all of it back. */
  readonly clear: (rate: Rate, key: string) => Promise<void>;
}

/** Keys remembered. Of more, the one not seen for the longest time is forgotten. */
const keysMax = 50_000;

/** The same rule as in Redis, in this process: forgotten when it ends, and each instance has its own. */
export function memoryRateLimit(clock: Pick<Clock, 'elapsedMs'>): RateLimit {
  const fullAtMs = new Map<string, number>();
  return {
    take: ({ name, burst, eachMs }, key) => {
      const id = `${name}:${key}`;
      const nowMs = clock.elapsedMs();
      const nextMs = Math.max(fullAtMs.get(id) ?? 0, nowMs) + eachMs;
      const waitMs = nextMs - nowMs - eachMs * burst;
      if (waitMs > 0) return Promise.resolve(Math.ceil(waitMs));
      fullAtMs.delete(id);
      fullAtMs.set(id, nextMs);
      const [longestUnseen] = fullAtMs.keys();
      if (fullAtMs.size > keysMax && longestUnseen !== undefined) fullAtMs.delete(longestUnseen);
      return Promise.resolve(0);
    },
    clear: ({ name }, key) => {
      fullAtMs.delete(`${name}:${key}`);
      return Promise.resolve();
    },
  };
}

/** The shared limits; while they cannot be asked, those of this instance. Being strict on each is better than on none. */
export function withFallback(
  shared: RateLimit,
  own: RateLimit,
  clock: Pick<Clock, 'elapsedMs'>,
): RateLimit {
  let awayUntilMs = -Infinity;
  /** Nobody waits in line for the time-outs of a store that does not answer. */
  const asked = async <Result>(ask: (limit: RateLimit) => Promise<Result>): Promise<Result> => {
    if (clock.elapsedMs() < awayUntilMs) return ask(own);
    try {
      return await ask(shared);
    } catch {
      awayUntilMs = clock.elapsedMs() + restMs;
      return ask(own);
    }
  };
  return {
    take: (rate, key) => asked((limit) => limit.take(rate, key)),
    clear: async (rate, key) => {
      await own.clear(rate, key);
      // One that cannot be cleared in Redis now clears itself in time.
      await asked((limit) => limit.clear(rate, key));
    },
  };
}

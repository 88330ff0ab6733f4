/**
 * What clients were told to be saved. Postgres keeps that for ever, with one exception: when it is restored or lost, what it has
 * then is still promised, and the rest is for Redis and the clients to bring back. An owner that does not know yet may go on saying
 * what it said before, in the epochs there were then, and no more; from the next epoch on everything told is promised anew.
 */
import { acceptedOf, type Link } from './chain.ts';

interface Forgiven {
  /** Highest seq told before. */
  readonly throughSeq: number;
  /** Epochs there were by then. */
  readonly epochCount: number;
}

export class Promises {
  /** Highest `checkpointed` told, by session and writer. */
  readonly #made = new Map<string, Map<string, number>>();
  readonly #forgiven = new Map<string, Map<string, Forgiven>>();
  readonly #broken = new Set<string>();

  make(sessionId: string, writer: string, seq: number): void {
    const made = this.#of(this.#made, sessionId);
    made.set(writer, Math.max(seq, made.get(writer) ?? 0));
  }

  of(sessionId: string): ReadonlyMap<string, number> {
    return this.#of(this.#made, sessionId);
  }

  /** What Postgres had, and what it has left; undefined for nothing. What was saved may be told a moment later. */
  forget(
    sessionId: string,
    had: Link | undefined,
    left: Link | undefined,
    epochCount: number,
  ): void {
    this.#broken.add(sessionId);
    const made = this.#of(this.#made, sessionId);
    const forgiven = this.#of(this.#forgiven, sessionId);
    for (const writer of new Set([...made.keys(), ...(had?.writers ?? [])])) {
      const told = made.get(writer) ?? 0;
      const saved = had === undefined ? 0 : acceptedOf(had, writer);
      const throughSeq = Math.max(told, saved, forgiven.get(writer)?.throughSeq ?? 0);
      forgiven.set(writer, { throughSeq, epochCount });
      made.set(writer, Math.min(told, left === undefined ? 0 : acceptedOf(left, writer)));
    }
  }

  /** Whether Postgres ever forgot something, be it that nobody had been told of it. */
  isBroken(sessionId: string): boolean {
    return this.#broken.has(sessionId);
  }

  /** `age`: how many epochs there were before the one it is told in. */
  isForgiven(sessionId: string, writer: string, seq: number, age: number): boolean {
    const forgiven = this.#of(this.#forgiven, sessionId).get(writer);
    return forgiven !== undefined && seq <= forgiven.throughSeq && age < forgiven.epochCount;
  }

  #of<Value>(all: Map<string, Map<string, Value>>, sessionId: string): Map<string, Value> {
    const some = all.get(sessionId) ?? new Map<string, Value>();
    all.set(sessionId, some);
    return some;
  }
}

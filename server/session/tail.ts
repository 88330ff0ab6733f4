/** The latest entries of a session, kept to be replayed and checkpointed. */
import { encodeEntries } from '../../shared/protocol/codec.ts';
import type { Entry } from '../../shared/protocol/frames.ts';
import type { EncodedEntries } from './session.ts';

/**
 * Entries stay together as they came, in one text: kept one by one, what waits for Postgres is the greatest part of what the garbage
 * collector has to copy.
 */
export class Tail {
  #runs: EncodedEntries[];

  constructor(runs: readonly EncodedEntries[]) {
    this.#runs = [...runs];
  }

  push(run: EncodedEntries): void {
    // The first one alone, without the room that pushing makes for seventeen: most sessions that do nothing have one.
    if (this.#runs.length === 0) this.#runs = [run];
    else this.#runs.push(run);
  }

  /** All there are, oldest first. */
  entries(): readonly Entry[] {
    return this.#runs.flatMap(decoded);
  }

  /**
   * Texts of all entries after an offset, oldest first and up to another one where it is told, or undefined when some of them are
   * gone: never a part. [R1]
   */
  after(offset: number, upTo = Infinity): readonly string[] | undefined {
    const [first] = this.#runs;
    if (first === undefined || first.first > offset + 1) return undefined;
    const from = this.#runs.findLastIndex((run) => run.first <= offset + 1);
    const texts: string[] = [];
    for (const run of this.#runs.slice(from)) {
      const text = cut(run, offset, upTo);
      if (text !== undefined) texts.push(text);
    }
    return texts;
  }

  /** Keeps that many of the latest entries at least, with slack so that an append does not copy the array each time. */
  keepLatest(count: number): void {
    const [first] = this.#runs;
    const last = this.#runs.at(-1)?.last ?? 0;
    if (first === undefined || last - first.first < 2 * count) return;
    const from = this.#runs.findIndex((run) => run.last > last - count);
    this.#runs = this.#runs.slice(from);
  }
}

const decoded = ({ text }: EncodedEntries): readonly Entry[] => JSON.parse(`[${text}]`) as Entry[];

/** Clients and checkpoints stand between runs: what went out in one go is had whole, or not at all. */
function cut(run: EncodedEntries, offset: number, upTo: number): string | undefined {
  if (run.last <= offset || run.first > upTo) return undefined;
  if (run.first > offset && run.last <= upTo) return run.text;
  const entries = decoded(run).filter((entry) => entry.offset > offset && entry.offset <= upTo);
  return encodeEntries(entries);
}

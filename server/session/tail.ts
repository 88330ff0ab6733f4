/** The latest entries of a session, kept to be replayed and checkpointed. */
import type { EncodedEntry } from './session.ts';

export class Tail {
  #entries: EncodedEntry[];

  constructor(entries: readonly EncodedEntry[]) {
    this.#entries = [...entries];
  }

  push(entries: readonly EncodedEntry[]): void {
    for (const entry of entries) this.#entries.push(entry);
  }

  /** All there are, oldest first. */
  get entries(): readonly EncodedEntry[] {
    return this.#entries;
  }

  /** All entries after an offset, or undefined when some of them are gone: never a part. [R1] */
  after(offset: number): readonly EncodedEntry[] | undefined {
    const [first] = this.#entries;
    if (first === undefined) return undefined;
    const from = offset + 1 - first.offset;
    return from < 0 ? undefined : this.#entries.slice(from);
  }

  /** Keeps that many of the latest entries, with slack so that an append does not copy the array each time. */
  keepLatest(count: number): void {
    if (this.#entries.length > 2 * count) this.#entries = this.#entries.slice(-count);
  }
}

export const joinEntries = (entries: readonly EncodedEntry[]): string =>
  entries.map((entry) => entry.text).join(',');

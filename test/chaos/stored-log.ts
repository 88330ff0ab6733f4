/** Reads the rows Postgres has of a session's log, by itself: a chain of rows, of entries, of writers that joined. */
import type { Sentence } from './findings.ts';
import type { RideEvent } from './ledger.ts';

/** A row of `trackstand.session_log`. */
export interface StoredRow {
  readonly prev: number;
  readonly head: number;
  readonly entries: string;
  readonly writtenAtMs: number;
}

/** An outcome of the log with the writer it is of. */
export interface LoggedOutcome {
  readonly offset: number;
  readonly clientId: string;
  readonly incarnation: string;
  readonly seq: number;
  readonly atMs: number;
  readonly events: readonly RideEvent[];
  readonly refused: string | undefined;
  readonly writtenAtMs: number;
}

interface Writer {
  readonly clientId: string;
  readonly incarnation: string;
}

interface RawEntry {
  readonly offset: number;
  readonly writer?: number;
  readonly seq?: number;
  readonly at_ms?: number;
  readonly events?: LoggedOutcome['events'];
  readonly refused?: string;
  readonly joined?: { readonly client_id: string; readonly incarnation: string };
}

export class StoredLog {
  readonly outcomes: LoggedOutcome[] = [];
  /** Everything by which rows and entries do not continue each other. */
  readonly faults: Sentence[] = [];
  readonly #writers: Writer[] = [];
  /** Of the last row; the row a session begins with is before 0. */
  #head = -1;
  #offset = 0;

  /** Of the last row; -1 before the first. */
  get head(): number {
    return this.#head;
  }

  /** Takes the rows that follow, in order of their heads. */
  take(rows: readonly StoredRow[]): void {
    for (const { prev, head, entries, writtenAtMs } of rows) {
      if (prev !== this.#head)
        this.#broken(`A row from ${prev} to ${head} stands after ${this.#head}.`);
      this.#head = head;
      for (const entry of JSON.parse(`[${entries}]`) as RawEntry[])
        this.#takeEntry(entry, writtenAtMs);
      if (this.#offset !== head)
        this.#broken(`The row up to ${head} holds entries up to ${this.#offset}.`);
    }
  }

  #takeEntry(entry: RawEntry, writtenAtMs: number): void {
    const { offset, seq = 0, at_ms: atMs = 0, events = [], refused, joined } = entry;
    if (offset !== this.#offset + 1) this.#broken(`Entry ${offset} stands after ${this.#offset}.`);
    this.#offset = offset;
    if (joined !== undefined) {
      this.#join({ clientId: joined.client_id, incarnation: joined.incarnation });
      return;
    }
    const writer = this.#writers[entry.writer ?? -1];
    if (writer === undefined) this.#broken(`Entry ${offset} is of a writer that never joined.`);
    else this.outcomes.push({ offset, seq, atMs, events, refused, ...writer, writtenAtMs });
  }

  /** A writer joins again when it proves a newer token; its place stays. */
  #join({ clientId, incarnation }: Writer): void {
    const isKnown = this.#writers.some(
      (writer) => writer.clientId === clientId && writer.incarnation === incarnation,
    );
    if (!isKnown) this.#writers.push({ clientId, incarnation });
  }

  #broken(sentence: string): void {
    this.faults.push({ kind: 'broken-chain', sentence });
  }
}

/**
 * What one device was given to enter, and what is known of each command. Pure.
 *
 * A command is **kept** once the device's process has said so. When the process is killed, the commands it was given and had not
 * said to be kept are **unsure**: each may be in its storage, or may have come to nothing, with whatever the pipe to it still held.
 * The storage that the next process finds settles it: what is in there is kept, the rest is not part of the ride any more.
 */
import type { Issued } from './command-source.ts';

interface Standing {
  readonly command: Issued;
  givenMs: number;
}

export class Given {
  readonly #issued: Issued[] = [];
  readonly #ordinals = new Map<number, number>();
  /** Ordinals. */
  readonly #kept = new Set<number>();
  readonly #unsure = new Set<number>();
  /** All but those that came to nothing. */
  #standing: Standing[] = [];
  #acceptedCount = 0;
  #checkpointedCount = 0;
  #longestStallMs = 0;

  get issued(): readonly Issued[] {
    return this.#issued;
  }

  /** Ordinals of commands that may be missing: no process said that they were kept, and the one that had them was killed. */
  get unsure(): ReadonlySet<number> {
    return this.#unsure;
  }

  /** Commands but those that came to nothing. */
  get standingCount(): number {
    return this.#standing.length;
  }

  get keptCount(): number {
    return this.#kept.size;
  }

  /** Ordinal of the last command that did not come to nothing; 0 before the first. */
  get lastStanding(): number {
    return this.#standing.at(-1)?.command.ordinal ?? 0;
  }

  /** Highest number of commands that were accepted, and checkpointed, at some time. */
  get acceptedCount(): number {
    return this.#acceptedCount;
  }

  get checkpointedCount(): number {
    return this.#checkpointedCount;
  }

  /** Longest time a command waited to be accepted. */
  get longestStallMs(): number {
    return this.#longestStallMs;
  }

  /** Commands of which nobody has heard yet that Postgres has them. */
  get unsaved(): readonly Issued[] {
    return this.#standing.slice(this.#checkpointedCount).map(({ command }) => command);
  }

  give(command: Issued, nowMs: number): void {
    this.#issued.push(command);
    this.#ordinals.set(command.atMs, command.ordinal);
    this.#standing.push({ command, givenMs: nowMs });
  }

  /** The process says that the commands of those times are in its storage. */
  toldKept(timesMs: readonly number[]): void {
    for (const atMs of timesMs) {
      const ordinal = this.#ordinals.get(atMs);
      if (ordinal === undefined) throw new Error(`No command of ${atMs} was given.`);
      this.#kept.add(ordinal);
      this.#unsure.delete(ordinal);
    }
  }

  /** The process was killed, and everything it had said was heard. */
  processDied(): void {
    for (const { command } of this.#standing)
      if (!this.#kept.has(command.ordinal)) this.#unsure.add(command.ordinal);
  }

  /** The next process found the commands of those times in the storage. */
  foundKept(timesMs: readonly number[]): void {
    this.toldKept(timesMs);
    this.#standing = this.#standing.filter(({ command }) => !this.#unsure.has(command.ordinal));
  }

  /** The page shows so many of what was entered up to that ordinal as not accepted, and not saved. */
  shown(
    enteredThrough: number,
    { unaccepted, unsaved }: { readonly unaccepted: number; readonly unsaved: number },
    nowMs: number,
  ): void {
    const last = this.#standing.findLastIndex(({ command }) => command.ordinal <= enteredThrough);
    const acceptedCount = last + 1 - unaccepted;
    for (; this.#acceptedCount < acceptedCount; this.#acceptedCount++) {
      const { givenMs = nowMs } = this.#standing[this.#acceptedCount] ?? {};
      this.#longestStallMs = Math.max(this.#longestStallMs, nowMs - givenMs);
    }
    this.#checkpointedCount = Math.max(this.#checkpointedCount, last + 1 - unsaved);
  }

  /** The device comes back from where nothing could be accepted on purpose: waiting is counted from now on. */
  cameBack(nowMs: number): void {
    for (const standing of this.#standing.slice(this.#acceptedCount)) standing.givenMs = nowMs;
  }
}

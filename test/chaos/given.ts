/**
 * What one device was given to enter, and what is known of each command. Pure.
 *
 * A command is **kept** once the device's process has said so, and is never sent before. When the process is killed, the commands it
 * was given and had not said to be kept are **unsure**: each may be in its storage, or lost with whatever the pipe to it still held.
 * The storage that the next process finds settles it: what is in there is kept, the rest is **void**, and no part of the ride any more.
 */
import type { Issued } from './command-source.ts';
import type { FindingKind } from './findings.ts';

interface Standing {
  readonly command: Issued;
  givenMs: number;
}

export class Given {
  readonly #found: (kind: FindingKind, sentence: string) => void;
  readonly #issued: Issued[] = [];
  readonly #ordinals = new Map<number, number>();
  /** Ordinals. */
  readonly #kept = new Set<number>();
  readonly #unsure = new Set<number>();
  readonly #voided = new Set<number>();
  /** All but those that are void. */
  #standing: Standing[] = [];
  #acceptedCount = 0;
  #checkpointedCount = 0;
  #longestStallMs = 0;

  constructor(found: (kind: FindingKind, sentence: string) => void) {
    this.#found = found;
  }

  get issued(): readonly Issued[] {
    return this.#issued;
  }

  /** Ordinals of commands that may be missing. */
  get unsure(): ReadonlySet<number> {
    return this.#unsure;
  }

  /** Ordinals of commands that must be missing. */
  get voided(): ReadonlySet<number> {
    return this.#voided;
  }

  /** Commands but those that are void. */
  get standingCount(): number {
    return this.#standing.length;
  }

  get keptCount(): number {
    return this.#kept.size;
  }

  /** Ordinal of the last command that is not void; 0 before the first. */
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
      if (ordinal === undefined) {
        this.#found('altered', `A command of ${atMs} is kept, and nobody gave it.`);
        continue;
      }
      this.#kept.add(ordinal);
      this.#unsure.delete(ordinal);
    }
  }

  /** The process says that it is about to send the commands of those times. */
  toldSent(timesMs: readonly number[]): void {
    for (const atMs of timesMs) {
      const ordinal = this.#ordinals.get(atMs);
      if (ordinal === undefined)
        this.#found('altered', `A command of ${atMs} is sent, and nobody gave it.`);
      else if (!this.#kept.has(ordinal))
        this.#found('sent-before-kept', `Command ${ordinal} is sent, and the storage lacks it.`);
    }
  }

  /** The process was killed, and everything it had said was heard. What was accepted was promised, whether or not it is kept. */
  processDied(): void {
    for (const { command } of this.#standing.slice(this.#acceptedCount))
      if (!this.#kept.has(command.ordinal)) this.#unsure.add(command.ordinal);
  }

  /** The next process found the commands of those times in the storage. */
  foundKept(timesMs: readonly number[]): void {
    this.toldKept(timesMs);
    this.#standing = this.#standing.filter(({ command }) => !this.#unsure.has(command.ordinal));
    for (const ordinal of this.#unsure) this.#voided.add(ordinal);
    this.#unsure.clear();
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

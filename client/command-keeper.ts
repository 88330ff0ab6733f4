/** Brings commands into the device's storage, in order, before they are sent. */
import { commandsBetween, lastSeq, type Outbox } from './outbox.ts';
import type { SessionStorage } from './session-storage.ts';

export interface CommandKeeperParts {
  readonly storage: SessionStorage;
  /** Commands up to that seq of the incarnation are kept, or could not be. */
  readonly kept: (incarnation: string, throughSeq: number) => void;
  readonly warn: (problem: unknown) => void;
}

export class CommandKeeper {
  readonly #parts: CommandKeeperParts;
  #incarnation: string;
  /** Highest seq whose write is done, and under way. */
  #keptSeq: number;
  #keepingSeq: number;

  /** All commands of the outbox are in the storage already. */
  constructor(outbox: Outbox, parts: CommandKeeperParts) {
    this.#parts = parts;
    this.#incarnation = outbox.incarnation;
    this.#keptSeq = this.#keepingSeq = lastSeq(outbox);
  }

  /** Highest seq up to which the storage has all commands. */
  get keptSeq(): number {
    return this.#keptSeq;
  }

  /** The storage has lost everything: it is kept once more. */
  keepAgain(outbox: Outbox): void {
    this.#keptSeq = this.#keepingSeq = outbox.forgottenCount;
    this.keep(outbox);
  }

  /** Keeps what is not kept yet. What failed to be kept is tried again with the next command, so that no hole stays. */
  keep(outbox: Outbox): void {
    const { incarnation } = outbox;
    if (incarnation !== this.#incarnation) this.#keptSeq = this.#keepingSeq = 0;
    this.#incarnation = incarnation;
    const [from, through] = [this.#keepingSeq + 1, lastSeq(outbox)];
    this.#keepingSeq = through;
    const { storage, kept, warn } = this.#parts;
    const done = storage
      .addCommands(incarnation, from, commandsBetween(outbox, from, through))
      .then(
        () => {
          // Behind a write that failed there is a hole: all from there on is written again.
          if (incarnation === this.#incarnation && from <= this.#keptSeq + 1)
            this.#keptSeq = Math.max(this.#keptSeq, through);
        },
        (problem: unknown) => {
          warn(problem);
          if (incarnation === this.#incarnation) this.#keepingSeq = this.#keptSeq;
        },
      );
    // A command that cannot be kept is still sent: the session does not depend on this device's storage.
    void done.then(() => kept(incarnation, through));
  }
}

/** What waits for a session, in line, and who has no say in it any more. */
import type { Reader } from './reader.ts';
import type { Input } from './session.ts';

export class Mailbox {
  #inputs: Input<Reader>[] = [];
  /** Readers that left or were turned away, perhaps while something of theirs was under way. */
  readonly #gone = new WeakSet<Reader>();

  get isEmpty(): boolean {
    return this.#inputs.length === 0;
  }

  push(input: Input<Reader>): void {
    this.#inputs.push(input);
  }

  /** The next inputs. What someone who is gone sent and was not taken yet comes again over his next connection. */
  take(countMax: number): readonly Input<Reader>[] {
    return this.#inputs.splice(0, countMax).filter(({ reader }) => !this.#gone.has(reader));
  }

  leave(reader: Reader): void {
    this.#gone.add(reader);
    this.#inputs = this.#inputs.filter((input) => input.reader !== reader);
  }

  hasLeft(reader: Reader): boolean {
    return this.#gone.has(reader);
  }
}

/** What waits for a session, in line, and who has no say in it any more. */
import type { Reader } from './reader.ts';
import type { Input } from './session.ts';

export class Mailbox {
  #inputs: Input<Reader>[] = [];
  /** Readers that left or were turned away, perhaps while something of theirs was under way. Undefined when nobody was. */
  #gone: WeakSet<Reader> | undefined;

  get isEmpty(): boolean {
    return this.#inputs.length === 0;
  }

  push(input: Input<Reader>): void {
    this.#inputs.push(input);
  }

  /** The next inputs. What someone who is gone sent and was not taken yet comes again over his next connection. */
  take(countMax: number): readonly Input<Reader>[] {
    const taken = this.#inputs.slice(0, countMax);
    // Not emptied in place: an array keeps the room of what it held, and most of the time nothing waits.
    this.#inputs = this.#inputs.slice(countMax);
    return taken.filter(({ reader }) => !this.hasLeft(reader));
  }

  leave(reader: Reader): void {
    this.#gone ??= new WeakSet();
    this.#gone.add(reader);
    this.#inputs = this.#inputs.filter((input) => input.reader !== reader);
  }

  hasLeft(reader: Reader): boolean {
    return this.#gone?.has(reader) ?? false;
  }
}

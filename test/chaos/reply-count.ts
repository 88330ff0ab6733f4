/** Counts the answers of one form on the way from a store to whoever asked it, past both. */

/** How the stores say that a write is of a former owner: what a Lua script returns, and a column of text. */
export const fencedByRedis = Buffer.from('$6\r\nfenced\r\n');
export const fencedByPostgres = Buffer.from('\0\0\0\u0006fenced');

export class ReplyCount {
  readonly #form: Buffer;
  #count = 0;

  constructor(form: Buffer) {
    this.#form = form;
  }

  get count(): number {
    return this.#count;
  }

  /** For one connection: takes what comes, in chunks cut anywhere. */
  listener(): (chunk: Buffer) => void {
    let rest: Buffer = Buffer.alloc(0);
    return (chunk) => {
      const text = Buffer.concat([rest, chunk]);
      for (let at = text.indexOf(this.#form); at !== -1; at = text.indexOf(this.#form, at + 1))
        this.#count += 1;
      // Too short to hold one again.
      rest = text.subarray(Math.max(0, text.length - this.#form.length + 1));
    };
  }
}

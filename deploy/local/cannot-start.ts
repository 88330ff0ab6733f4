/** Why something of the embedded default cannot start. */

/** One sentence for the person at the terminal; the process ends with code 1 and has changed nothing. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart';
}

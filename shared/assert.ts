/** Checks for our own mistakes. What others send is never asserted, it is answered. */

/** Throws when something holds that our own code must never let happen. */
export function assert(condition: boolean, whatMustHold: string): asserts condition {
  if (!condition) throw new Error(`Broken assumption: ${whatMustHold}`);
}

/** The default branch of a switch over a closed union: fails to compile when a case is missing. */
export function unreachable(value: never): never {
  throw new Error(`Unreachable: ${JSON.stringify(value)}`);
}

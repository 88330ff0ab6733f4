/** All chance in a run, from one number. */

export interface Random {
  /** In [0, 1). */
  fraction(): number;
  /** An integer with `from <= n <= through`. */
  integer(from: number, through: number): number;
  /** Between the two, mostly near the lower one: how long most things take. */
  skewed(from: number, through: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item | undefined;
}

/**
 * The chance of one thing in a run, by its name: what happens to others, or is left out, changes nothing about it. `variant` gives
 * the same run other luck.
 */
export function noiseOf(seed: number, name: string, variant = 0): Random {
  let hash = Math.imul(seed, 0x85ebca6b) ^ Math.imul(variant + 1, 0xc2b2ae35);
  for (let index = 0; index < name.length; index++)
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) ^ (hash >>> 15);
  return seededRandom(hash);
}

/** Counts up by a Weyl constant and mixes: 32 bits of state are plenty for one run. */
export function seededRandom(seed: number): Random {
  let state = Math.imul(seed, 0x9e3779b1) ^ 0x5bf03635;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    fraction,
    integer: (from, through) => from + Math.floor(fraction() * (through - from + 1)),
    skewed: (from, through) => from + (through - from) * fraction() ** 4,
    chance: (probability) => fraction() < probability,
    pick: (items) => items[Math.floor(fraction() * items.length)],
  };
}

/** Makes a failing input small, keeping it failing: leaves out halves, then quarters, and so on down to single pieces. */

/** `fails` is asked at most `triesMax` times; the smallest list for which it was true is returned. */
export async function shrink<Piece>(
  pieces: readonly Piece[],
  fails: (pieces: readonly Piece[]) => Promise<boolean>,
  triesMax = 150,
): Promise<readonly Piece[]> {
  let smallest = pieces;
  let tries = 0;
  let length = Math.ceil(smallest.length / 2);
  while (length >= 1 && smallest.length > 1) {
    let hasShrunk = false;
    for (let at = 0; at < smallest.length && tries < triesMax;) {
      const shorter = [...smallest.slice(0, at), ...smallest.slice(at + length)];
      tries++;
      if (shorter.length > 0 && (await fails(shorter))) {
        smallest = shorter;
        hasShrunk = true;
      } else at += length;
    }
    if (tries >= triesMax) return smallest;
    if (!hasShrunk) length = length === 1 ? 0 : Math.ceil(length / 2);
    length = Math.min(length, Math.ceil(smallest.length / 2));
  }
  return smallest;
}

/**
 * Power over the plan as the profile graph draws it: means per bucket, never more than 720. When they are full, pairs merge
 * and the bucket is twice as wide, so a ride of any length is drawn from the same few bytes.
 */

/** Buckets of a trace: a graph on a wide screen has no more columns than that worth telling apart. */
export const bucketCountMax = 720;

/** Bucket n covers the seconds from n * bucketS of the plan. */
export interface PowerTrace {
  /** Width of a bucket, a power of 2. */
  readonly bucketS: number;
  /** Whole watts of the buckets that are complete; null where none of their seconds had power. */
  readonly meansW: readonly (number | null)[];
  /** The bucket after them, still growing. */
  readonly openSumW: number;
  readonly openS: number;
}

/** A trace before its first second. */
export const noTrace: PowerTrace = { bucketS: 1, meansW: [], openSumW: 0, openS: 0 };

/** The trace with one more second of power. Positions come in ascending order; one that falls back counts for the open bucket. */
export function withPower(trace: PowerTrace, positionS: number, powerW: number): PowerTrace {
  let { bucketS, meansW, openSumW, openS } = trace;
  while (Math.floor(positionS / bucketS) >= bucketCountMax) {
    meansW = mergePairs(filled(meansW, meanW(openSumW, openS), bucketCountMax));
    bucketS *= 2;
    openSumW = 0;
    openS = 0;
  }
  const index = Math.floor(positionS / bucketS);
  if (index > meansW.length) {
    meansW = filled(meansW, meanW(openSumW, openS), index);
    openSumW = 0;
    openS = 0;
  }
  return { bucketS, meansW, openSumW: openSumW + powerW, openS: openS + 1 };
}

/** All buckets in order, the growing one last. */
export function traceMeansW({ meansW, openSumW, openS }: PowerTrace): readonly (number | null)[] {
  return openS === 0 ? meansW : [...meansW, meanW(openSumW, openS)];
}

/** Closes the open bucket, and leaves the buckets up to `count` empty: their seconds went by without power. */
function filled(
  meansW: readonly (number | null)[],
  openW: number | null,
  count: number,
): (number | null)[] {
  const next = meansW.slice();
  if (next.length < count) next.push(openW);
  while (next.length < count) next.push(null);
  return next;
}

/** A merged bucket is the mean of its halves that have one. */
function mergePairs(meansW: readonly (number | null)[]): (number | null)[] {
  const merged: (number | null)[] = [];
  for (let index = 0; index < meansW.length; index += 2) {
    const [first, second] = [meansW[index] ?? null, meansW[index + 1] ?? null];
    merged.push(first === null || second === null ? (first ?? second) : halfW(first + second));
  }
  return merged;
}

/** Half of a sum, rounded to the even number: always rounding up would lift the graph a little at each merge. */
function halfW(sumW: number): number {
  const floorW = Math.floor(sumW / 2);
  return sumW % 2 === 0 ? floorW : floorW + (floorW % 2);
}

function meanW(sumW: number, seconds: number): number | null {
  return seconds === 0 ? null : Math.round(sumW / seconds);
}

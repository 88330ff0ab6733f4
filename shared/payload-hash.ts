/** Tells one command from another under the same `seq`: storage that was copied or rolled back is caught by it. [C8] */

/**
 * 53-bit hash of a text as up to 14 hexadecimal digits. Two multiplicative 32-bit lanes with a final mix; quick and well spread,
 * not secure (the cyrb53 scheme): it guards against accidents, and whoever can send commands can only harm his own session.
 */
export function payloadHash(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 2_654_435_761);
    low = Math.imul(low ^ unit, 1_597_334_677);
  }
  high =
    Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low =
    Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  low &= 2_097_151;
  if (low === 0) return (high >>> 0).toString(16);
  return low.toString(16) + fourDigits(high >>> 16) + fourDigits(high);
}

/** In parts of 16 bits: `toString(16)` of a number beyond 31 bits takes longer than all the rest. */
const fourDigits = (bits: number): string => (0x10000 + (bits & 0xffff)).toString(16).slice(1);

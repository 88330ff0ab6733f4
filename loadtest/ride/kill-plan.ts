/** When the server is killed during a ride. */
import { createHash } from 'node:crypto';

export interface KillMoment {
  /** After this row's sample was given, index from 0. */
  readonly row: number;
  /** Real milliseconds after that, so that it dies before, while and after it takes what was given. */
  readonly lagMs: number;
}

/** Longest lag: a local server has taken a sample within it. */
const lagMsMax = 3;

/** Moments in order, one in each of `count` equal parts of the ride; the same ones for the same text. */
export function planKills(count: number, rowCount: number, text: string): readonly KillMoment[] {
  return Array.from({ length: count }, (_, part) => {
    const [where = 0, lag = 0] = createHash('sha256').update(`${part}\n${text}`).digest();
    // The middle half of the part: two kills in the same second would be one.
    const fraction = 0.25 + where / 512;
    return { row: Math.floor(((part + fraction) * rowCount) / count), lagMs: lag % (lagMsMax + 1) };
  });
}

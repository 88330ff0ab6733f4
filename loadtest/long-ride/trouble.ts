/** What befalls a ride, and when: from a seed, so that two rides can have the same of it. Pure. */
import { createHash } from 'node:crypto';

export interface Trouble {
  /** On the wall, seconds after the start; ascending. */
  readonly killsS: readonly number[];
  readonly drops: readonly { readonly atS: number; readonly awayS: number }[];
  readonly reloads: readonly { readonly atS: number; readonly awayS: number }[];
}

export interface TroubleCounts {
  readonly seed: number;
  readonly durationS: number;
  readonly kills: number;
  readonly drops: number;
  readonly reloads: number;
}

export function planTrouble({ seed, durationS, kills, drops, reloads }: TroubleCounts): Trouble {
  const away = (kind: string, count: number, [min, max]: readonly [number, number]) =>
    moments(kind, count, durationS, seed).map((atS, index) => ({
      atS,
      awayS: Math.round(min + fraction(`${seed} ${kind} away ${index}`) * (max - min)),
    }));
  return {
    killsS: moments('kill', kills, durationS, seed),
    // Longer than the five seconds after which the ride waits, and shorter.
    drops: away('drop', drops, [2, 20]),
    reloads: away('reload', reloads, [1, 4]),
  };
}

/** One moment in each of `count` equal parts of the ride, whole seconds, away from its very ends. */
function moments(kind: string, count: number, durationS: number, seed: number): readonly number[] {
  return Array.from({ length: count }, (_, part) => {
    const within = 0.1 + 0.8 * fraction(`${seed} ${kind} ${part}`);
    return Math.round(((part + within) * durationS) / count);
  });
}

function fraction(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;
}

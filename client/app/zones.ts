/** Training zones by fraction of FTP. Source: Allen & Coggan; 6 takes in what they call anaerobic and neuromuscular. */

export type Zone = 1 | 2 | 3 | 4 | 5 | 6;

/** Upper bounds of the zones 1 to 5. */
export const zoneBounds: readonly number[] = [0.55, 0.75, 0.9, 1.05, 1.2];

const zones: readonly Zone[] = [1, 2, 3, 4, 5, 6];

/** A bound belongs to the zone below it. */
export function zoneOf(fraction: number): Zone {
  return zones[zoneBounds.filter((bound) => fraction > bound).length] ?? 6;
}

/** The zones of an FTP in watts. Pure. */
import { zoneBounds } from '../zones.ts';

export interface ZoneRow {
  readonly zone: number;
  readonly name: string;
  readonly fromW: number;
  /** Null for the highest, which has no end. */
  readonly toW: number | null;
}

const names = ['Recovery', 'Endurance', 'Tempo', 'Threshold', 'VO₂max', 'Anaerobic'];

/** A bound belongs to the zone below it. */
export function zoneTable(ftpW: number): readonly ZoneRow[] {
  const boundsW = zoneBounds.map((bound) => Math.round(bound * ftpW));
  return names.map((name, index) => ({
    zone: index + 1,
    name,
    fromW: index === 0 ? 0 : (boundsW[index - 1] ?? 0) + 1,
    toW: boundsW[index] ?? null,
  }));
}

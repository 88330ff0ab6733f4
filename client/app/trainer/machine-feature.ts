/** What a fitness machine can do: Fitness Machine Feature (0x2ACC), and Supported Power Range (0x2AD8). FTMS 1.0, sections 4.3 and 4.15. Pure. */
import { hasBit, readBytes } from './bytes.ts';

/** What a page may set. */
export interface MachineFeature {
  /** Holds a power whatever the cadence (ERG). */
  readonly takesPower: boolean;
  /** Behaves like a bicycle on a slope. */
  readonly takesSimulation: boolean;
  /** Can be told the cadence the rider is to turn. */
  readonly takesCadence: boolean;
}

/** Watts. */
export interface PowerRange {
  readonly minW: number;
  readonly maxW: number;
  readonly stepW: number;
}

/** For a machine that does not tell: what any trainer on the market takes. */
export const usualPowerRange: PowerRange = { minW: 0, maxW: 2000, stepW: 1 };

const targetBits = { power: 3, simulation: 13, cadence: 16 } as const;

/** Null when the frame is too short. */
export function decodeFeature(frame: DataView): MachineFeature | null {
  const reader = readBytes(frame);
  reader.skip(4); // what it measures: the frames tell that themselves
  const targets = reader.uint32();
  if (reader.isShort) return null;
  return {
    takesPower: hasBit(targets, targetBits.power),
    takesSimulation: hasBit(targets, targetBits.simulation),
    takesCadence: hasBit(targets, targetBits.cadence),
  };
}

/** Null when the frame is too short, or says a range that nothing lies in. */
export function decodePowerRange(frame: DataView): PowerRange | null {
  const reader = readBytes(frame);
  const [minW, maxW, stepW] = [reader.int16(), reader.int16(), reader.uint16()];
  if (reader.isShort || maxW <= minW || maxW <= 0) return null;
  return { minW: Math.max(0, minW), maxW, stepW: Math.max(1, stepW) };
}

/** The power nearest to the wanted one that the machine can be set to: outside its range it takes none at all. */
export function settablePowerW(powerW: number, { minW, maxW, stepW }: PowerRange): number {
  const stepped = minW + Math.round((powerW - minW) / stepW) * stepW;
  const highest = minW + Math.floor((maxW - minW) / stepW) * stepW;
  return Math.min(highest, Math.max(minW, stepped));
}

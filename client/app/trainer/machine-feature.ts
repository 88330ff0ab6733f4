/** What a fitness machine can do: Fitness Machine Feature (0x2ACC), the ranges of power (0x2AD8) and of resistance (0x2AD6). FTMS 1.0, sections 4.3, 4.13 and 4.15. Pure. */
import { hasBit, readBytes } from './bytes.ts';
import type { LevelRange } from './trainer.ts';

/** What a page may set. */
export interface MachineFeature {
  /** Holds a power whatever the cadence (ERG). */
  readonly takesPower: boolean;
  /** Behaves like a bicycle on a slope. */
  readonly takesSimulation: boolean;
  /** Takes a level of resistance. */
  readonly takesResistance: boolean;
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

const targetBits = { resistance: 2, power: 3, simulation: 13, cadence: 16 } as const;

/** Null when the frame is too short. */
export function decodeFeature(frame: DataView): MachineFeature | null {
  const reader = readBytes(frame);
  reader.skip(4); // what it measures: the frames tell that themselves
  const targets = reader.uint32();
  if (reader.isShort) return null;
  return {
    takesPower: hasBit(targets, targetBits.power),
    takesSimulation: hasBit(targets, targetBits.simulation),
    takesResistance: hasBit(targets, targetBits.resistance),
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

/** Levels stand in tenths on the air. Null when the frame is too short, or says a range that nothing lies in. */
export function decodeResistanceRange(frame: DataView): LevelRange | null {
  const reader = readBytes(frame);
  const [min, max, step] = [reader.int16(), reader.int16(), reader.uint16()];
  if (reader.isShort || max <= min || max <= 0) return null;
  return { min: Math.max(0, min) / 10, max: max / 10, step: Math.max(1, step) / 10 };
}

/** The level nearest to the wanted one that the machine can be set to, in whole tenths. */
export function settableLevel(level: number, { min, max, step }: LevelRange): number {
  const stepsMax = Math.floor((max - min) / step + 1e-6);
  const steps = Math.min(stepsMax, Math.max(0, Math.round((level - min) / step)));
  return Math.round((min + steps * step) * 10) / 10;
}

/** The power nearest to the wanted one that the machine can be set to: outside its range it takes none at all. */
export function settablePowerW(powerW: number, { minW, maxW, stepW }: PowerRange): number {
  const stepped = minW + Math.round((powerW - minW) / stepW) * stepW;
  const highest = minW + Math.floor((maxW - minW) / stepW) * stepW;
  return Math.min(highest, Math.max(minW, stepped));
}

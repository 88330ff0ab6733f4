/** Cycling Power Measurement (0x2A63) of the Cycling Power Service 1.1, section 3.2. Pure. */
import { hasBit, readBytes, type ByteReader } from './bytes.ts';

/** One notification. */
export interface PowerMeterFrame {
  readonly powerW: number;
  /** Turns of the crank and the time of the latest one, 1/1024 s; both start over at 65536. Null when the meter does not say. */
  readonly crank: CrankTurns | null;
}

export interface CrankTurns {
  readonly turns: number;
  readonly atTicks: number;
}

/** Bytes of the fields before the crank's, by bit of the flags. */
const fieldsBefore: readonly (readonly [bit: number, bytes: number])[] = [
  [0, 1], // pedal balance
  [2, 2], // accumulated torque
  [4, 6], // wheel turns
];
const crankBit = 5;

/** Null when the frame is shorter than its flags say. What stands behind the crank's fields is not used. */
export function decodePowerMeter(frame: DataView): PowerMeterFrame | null {
  const reader = readBytes(frame);
  const flags = reader.uint16();
  const powerW = reader.int16();
  // What is not used still takes its place before the crank's fields.
  for (const [bit, bytes] of fieldsBefore) if (hasBit(flags, bit)) reader.skip(bytes);
  const crank = hasBit(flags, crankBit) ? readCrank(reader) : null;
  return reader.isShort ? null : { powerW, crank };
}

function readCrank(reader: ByteReader): CrankTurns {
  return { turns: reader.uint16(), atTicks: reader.uint16() };
}

/** Cadence from one frame to the next. */
export interface CrankWatch {
  readonly latest: CrankTurns | null;
  readonly cadenceRpm: number | null;
  /** When the crank was last seen to turn, ms by the page's clock. */
  readonly turnedMs: number;
}

export const unwatchedCrank: CrankWatch = { latest: null, cadenceRpm: null, turnedMs: 0 };

/** A crank seen standing for so long stands: at 30 rpm a turn takes two seconds. */
const standstillMs = 2_000;

/** The watch after one more frame. */
export function withCrank(watch: CrankWatch, crank: CrankTurns, nowMs: number): CrankWatch {
  if (watch.latest === null) return { latest: crank, cadenceRpm: null, turnedMs: nowMs };
  const turns = (crank.turns - watch.latest.turns) & 0xffff;
  const ticks = (crank.atTicks - watch.latest.atTicks) & 0xffff;
  if (ticks === 0) {
    const cadenceRpm = nowMs - watch.turnedMs > standstillMs ? 0 : watch.cadenceRpm;
    return { ...watch, cadenceRpm };
  }
  return { latest: crank, cadenceRpm: (turns * 1024 * 60) / ticks, turnedMs: nowMs };
}

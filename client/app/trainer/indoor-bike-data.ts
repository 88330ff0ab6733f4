/** Indoor Bike Data (0x2AD2) of the Fitness Machine Service 1.0, section 4.9: flags, then the fields whose bits are set, in order. Pure. */
import { hasBit, readBytes, type ByteReader } from './bytes.ts';

/** What is used of a record; absent when the machine did not say it. */
export interface BikeReading {
  readonly speedKmh?: number;
  readonly cadenceRpm?: number;
  /** As it was sent: below 0 while a flywheel rolls out. */
  readonly powerW?: number;
  readonly heartRateBpm?: number;
}

/** One notification; null when its length is not what its flags say. */
export interface BikeFrame {
  readonly reading: BikeReading;
  /** The rest of the record comes in the next notification. */
  readonly hasMore: boolean;
}

const bits = {
  moreData: 0,
  averageSpeed: 1,
  cadence: 2,
  averageCadence: 3,
  distance: 4,
  resistance: 5,
  power: 6,
  averagePower: 7,
  energy: 8,
  heartRate: 9,
  metabolicEquivalent: 10,
  elapsed: 11,
  remaining: 12,
} as const;
/** Bits whose fields this version of the service does not know. */
const unknownBits = 0xe000;

/** The flags count anew in each frame: a machine may add a field in mid-ride, which shifts all that follow. */
export function decodeBikeFrame(frame: DataView): BikeFrame | null {
  // The specification of the resistance level has been read as one byte and as two.
  return decodeWith(frame, 2) ?? decodeWith(frame, 1);
}

function decodeWith(frame: DataView, resistanceBytes: number): BikeFrame | null {
  const reader = readBytes(frame);
  const flags = reader.uint16();
  const has = (name: keyof typeof bits): boolean => hasBit(flags, bits[name]);
  if (resistanceBytes === 1 && !has('resistance')) return null;
  const hasMore = has('moreData');
  const speed = hasMore ? {} : { speedKmh: reader.uint16() / 100 };
  if (has('averageSpeed')) reader.skip(2); // 0.01 km/h, not shown
  const cadence = has('cadence') ? { cadenceRpm: reader.uint16() / 2 } : {};
  if (has('averageCadence')) reader.skip(2); // 0.5 rpm, not shown
  if (has('distance')) reader.skip(3); // metres, 24 bits, not shown
  if (has('resistance')) reader.skip(resistanceBytes); // no unit that means anything
  const power = has('power') ? { powerW: reader.int16() } : {};
  if (has('averagePower')) reader.skip(2); // W, not shown
  if (has('energy')) reader.skip(5); // total, an hour, a minute: kcal
  const heartRate = has('heartRate') ? { heartRateBpm: reader.uint8() } : {};
  if (has('metabolicEquivalent')) reader.skip(1); // 0.1, not shown
  if (has('elapsed')) reader.skip(2); // s; the ride has its own clock
  if (has('remaining')) reader.skip(2); // s; the plan knows better
  const reading = { ...speed, ...cadence, ...power, ...heartRate };
  return isComplete(reader, flags) ? { reading, hasMore } : null;
}

function isComplete(reader: ByteReader, flags: number): boolean {
  return !reader.isShort && (reader.left === 0 || (flags & unknownBits) !== 0);
}

/** Puts records together that came in several notifications. */
export interface BikeRecord {
  /** What has come of a record whose last part is still missing. */
  readonly pending: BikeReading | null;
}

export const noRecord: BikeRecord = { pending: null };

/** The record after one more frame, and the reading when it is whole. */
export function withBikeFrame(
  { pending }: BikeRecord,
  { reading, hasMore }: BikeFrame,
): { readonly record: BikeRecord; readonly whole: BikeReading | null } {
  const merged = { ...pending, ...reading };
  if (!hasMore) return { record: noRecord, whole: merged };
  // A machine that announces more and never sends it begins again with the same fields.
  const begins = pending !== null && Object.keys(reading).some((field) => field in pending);
  return begins
    ? { record: { pending: reading }, whole: pending }
    : { record: { pending: merged }, whole: null };
}

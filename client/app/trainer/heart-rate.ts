/** Heart Rate Measurement (0x2A37) of the Heart Rate Service 1.0, section 3.1. Pure. */
import { hasBit, readBytes } from './bytes.ts';

/** One notification. */
export interface HeartReading {
  readonly heartRateBpm: number;
  /** False when the strap says that it touches no skin; true also for one that cannot tell. */
  readonly hasContact: boolean;
}

/** Null when the frame is too short. Energy and beat intervals are not used. */
export function decodeHeartRate(frame: DataView): HeartReading | null {
  const reader = readBytes(frame);
  const flags = reader.uint8();
  const heartRateBpm = hasBit(flags, 0) ? reader.uint16() : reader.uint8();
  if (reader.isShort) return null;
  const tellsContact = hasBit(flags, 2);
  return { heartRateBpm, hasContact: !tellsContact || hasBit(flags, 1) };
}

/** Reading and writing the little-endian bytes of Bluetooth characteristics. Pure. */

/** A place in a frame. Reading past the end marks it as short and yields zeros; the caller asks once, at the end. */
export interface ByteReader {
  uint8(): number;
  uint16(): number;
  int16(): number;
  uint24(): number;
  uint32(): number;
  skip(bytes: number): void;
  /** Bytes not read yet. */
  readonly left: number;
  /** Something was read that is not there. */
  readonly isShort: boolean;
}

export function readBytes(frame: DataView): ByteReader {
  let place = 0;
  let isShort = false;
  const take = (bytes: number): number | null => {
    const start = place;
    place += bytes;
    if (place <= frame.byteLength) return start;
    isShort = true;
    return null;
  };
  const read = (bytes: number, get: (at: number) => number): number => {
    const at = take(bytes);
    return at === null ? 0 : get(at);
  };
  return {
    uint8: () => read(1, (at) => frame.getUint8(at)),
    uint16: () => read(2, (at) => frame.getUint16(at, true)),
    int16: () => read(2, (at) => frame.getInt16(at, true)),
    uint24: () => read(3, (at) => frame.getUint16(at, true) + frame.getUint8(at + 2) * 65_536),
    uint32: () => read(4, (at) => frame.getUint32(at, true)),
    skip: (bytes) => void take(bytes),
    get left() {
      return Math.max(0, frame.byteLength - place);
    },
    get isShort() {
      return isShort;
    },
  };
}

/** Whether a bit of a flags field is set. */
export function hasBit(flags: number, bit: number): boolean {
  return ((flags >>> bit) & 1) === 1;
}

/** The two bytes of a whole number from -32768 to 65535. */
export function twoBytes(value: number): readonly [number, number] {
  return [value & 0xff, (value >> 8) & 0xff];
}

/** Bytes as the port hands them out. */
export function frameOf(bytes: readonly number[]): DataView {
  return new DataView(Uint8Array.from(bytes).buffer);
}

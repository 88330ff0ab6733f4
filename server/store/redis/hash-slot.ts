/** Which slot of a cluster a key belongs to. Pure. */

/** CRC-16/XMODEM (polynomial 0x1021, initially 0) of the key's hash tag, or of the whole key, modulo 16,384. Source: Redis Cluster specification. */
export function hashSlot(key: string): number {
  const [, tag = key] = /^[^{]*\{([^}]+)\}/.exec(key) ?? [];
  let crc = 0;
  for (const byte of new TextEncoder().encode(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = (crc & 0x8000) === 0 ? crc << 1 : ((crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc & (slotCount - 1);
}

/** Slots of every Redis Cluster. */
export const slotCount = 16_384;

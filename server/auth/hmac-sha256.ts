/** HMAC of SHA-256 (RFC 2104), for one key: with Node's one-shot hash, as an `Hmac` of its own takes two to three times as long. */
import { hash } from 'node:crypto';

const blockBytes = 64;
const digestBytes = 32;
/** Texts up to here are hashed where they are written, in one place for all. */
const textBytesMax = 512;
const bytesPerCharMax = 3;

/** Returns base64url of 43 characters. The text counts as UTF-8, the key as its bytes. */
export function hmacSha256(key: Buffer): (text: string) => string {
  // What is longer than a block counts as its hash.
  const shortKey = key.length > blockBytes ? hash('sha256', key, 'buffer') : key;
  const inner = Buffer.alloc(blockBytes + textBytesMax, padded(shortKey, 0x36));
  const outer = Buffer.alloc(blockBytes + digestBytes, padded(shortKey, 0x5c));
  return (text) => {
    const message =
      text.length * bytesPerCharMax > textBytesMax
        ? Buffer.concat([inner.subarray(0, blockBytes), Buffer.from(text)])
        : inner.subarray(0, blockBytes + inner.write(text, blockBytes));
    // `binary` is a character for each byte: no Buffer is made for it.
    outer.write(hash('sha256', message, 'binary'), blockBytes, 'binary');
    return hash('sha256', outer, 'base64url');
  };
}

function padded(key: Buffer, pad: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  key.copy(block);
  return block.map((byte) => byte ^ pad) as Buffer;
}

/**
 * The service's keys. The first signs, every one proves: a key is rotated by adding the next one behind on every instance, then
 * putting it first, then dropping the old one when nothing signed with it counts any more. Nobody is logged out. [A8]
 */
import { timingSafeEqual } from 'node:crypto';

import { hmacSha256 } from './hmac-sha256.ts';

export interface SigningKeys {
  /** 43 characters of base64url. Whoever signs begins the text with what it is for, so that no proof serves another purpose. */
  readonly sign: (text: string) => string;
  /** `signature`: as many of its first characters as were given out. Every key is tried, whichever fits: the time tells nothing. */
  readonly isSigned: (text: string, signature: string) => boolean;
}

/** 96 bits: what is shorter could be guessed. */
const signatureCharsMin = 16;

/** `secrets`: 32 characters or more each, the newest first. */
export function signingKeys(secrets: readonly string[]): SigningKeys {
  const signers = secrets.map((secret) => hmacSha256(Buffer.from(secret)));
  const [sign] = signers;
  if (sign === undefined) throw new Error('There is no key to sign with.');
  return {
    sign,
    isSigned: (text, signature) =>
      signature.length >= signatureCharsMin &&
      signers
        .map((signer) => signer(text).slice(0, signature.length))
        .map((expected) => isSame(expected, signature))
        .includes(true),
  };
}

function isSame(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}

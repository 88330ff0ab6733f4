/** What a password may be. Length decides; characters of certain kinds are not asked for, and nothing expires. */
import { createHash } from 'node:crypto';

import { isCommon } from './first-guesses.ts';

/** Characters, as a person counts them. Fewer are guessed from a stolen hash; more than the maximum only costs time. */
export const passwordCharsMin = 12;
export const passwordCharsMax = 128;

/** bcrypt reads no further. */
const bcryptBytesMax = 72;

/** What stands for a longer one begins with it. */
const digestPrefix = 'sha256:';

export type ReadPassword = { readonly password: string } | { readonly fault: string };

/** One form for what keyboards write in several ways: an é of one character or of two. */
export function readPassword(text: string): ReadPassword {
  const password = text.normalize('NFC');
  const count = Array.from(password).length;
  if (count < passwordCharsMin)
    return { fault: `The password has ${passwordCharsMin} characters or more.` };
  if (count > passwordCharsMax)
    return { fault: `The password has ${passwordCharsMax} characters at most.` };
  // bcrypt ends at a NUL; other control characters cannot be typed again.
  if (/\p{Cc}/u.test(password)) return { fault: 'The password holds no control characters.' };
  return { password };
}

/** The same for a password that is chosen now: it must not be among the first that anybody would try. */
export function readNewPassword(text: string, email: string): ReadPassword {
  const read = readPassword(text);
  if ('fault' in read || !isCommon(read.password, email)) return read;
  return { fault: 'That password is among the first that are tried. Choose another one.' };
}

/**
 * What bcrypt gets. Up to 72 bytes the password itself, so that hashes of other systems can be taken over; a longer one would be
 * cut without a word, so its SHA-256 stands for it: 64 hexadecimal digits behind a prefix, whole and without a NUL. What begins with
 * that prefix is digested too: a digest that was stolen elsewhere would be as good as the password.
 */
export function bcryptInput(password: string): string {
  const isShort = Buffer.byteLength(password) <= bcryptBytesMax;
  if (isShort && !password.startsWith(digestPrefix)) return password;
  return digestPrefix + createHash('sha256').update(password).digest('hex');
}

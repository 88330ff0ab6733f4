/** An e-mail address as the key of an account. */
import { domainToASCII, domainToUnicode } from 'node:url';

/** Longest address that mail can be sent to (RFC 5321). */
const charsMax = 254;

/** What an address is split by or cut at elsewhere, and what nobody sees: half a surrogate pair, a direction, a joiner. */
const unfit = String.raw`\s@"(),:;<>[\\\]\p{C}`;
const form = new RegExp(`^([^${unfit}]{1,64})@([^${unfit}/?#%]+)$`, 'u');

/**
 * In lower case, without spaces around it, its domain as people write it; undefined when mail cannot be sent there. One mailbox cannot
 * be two accounts, nor be written to twice as often.
 */
export function readEmail(text: string): string | undefined {
  // Once more after the lower case: some letters have no composed form but in small.
  const [, local, written] = form.exec(text.trim().toLowerCase().normalize('NFC')) ?? [];
  if (local === undefined || written === undefined) return undefined;
  const domain = domainToUnicode(domainToASCII(written));
  const email = `${local}@${domain}`;
  // Without a dot at its end, which means the same, nor one before another.
  const isDomain = domain !== '' && domain.split('.').every((label) => label !== '');
  return isDomain && email.length <= charsMax ? email : undefined;
}

/** An e-mail address as the key of an account. */

/** Longest address that mail can be sent to (RFC 5321). */
const charsMax = 254;

/** In lower case, without spaces around it; undefined when mail cannot be sent there. One address cannot be two accounts. */
export function readEmail(text: string): string | undefined {
  const email = text.trim().normalize('NFC').toLowerCase();
  // What else an address may be only the mail server knows. No quotes, commas or brackets: they would make it two addresses.
  return email.length <= charsMax &&
    /^[^\s@"(),:;<>[\\\]\p{Cc}]{1,64}@[^\s@"(),:;<>[\\\]\p{Cc}]+$/u.test(email)
    ? email
    : undefined;
}

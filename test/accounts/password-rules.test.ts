import bcrypt from 'bcryptjs';
import { describe, expect, test } from 'vitest';

import { readEmail } from '../../server/accounts/email-address.ts';
import { isCommon } from '../../server/accounts/first-guesses.ts';
import {
  bcryptInput,
  readNewPassword,
  readPassword,
} from '../../server/accounts/password-rules.ts';

const email = 'ada.lovelace@analytical.example';

describe('a password', () => {
  test('has 12 to 128 characters, as a person counts them', () => {
    expect(readPassword('🚴'.repeat(11))).toEqual({
      fault: 'The password has 12 characters or more.',
    });
    expect(readPassword('🚴'.repeat(12))).toEqual({ password: '🚴'.repeat(12) });
    expect(readPassword('ß'.repeat(128))).toEqual({ password: 'ß'.repeat(128) });
    expect(readPassword('x'.repeat(129))).toEqual({
      fault: 'The password has 128 characters at most.',
    });
  });

  test('is the same however the keyboard writes an accent', () => {
    expect(readPassword('cafe\u0301 cr\u00E8me')).toEqual(readPassword('caf\u00E9 cre\u0300me'));
  });

  test('holds no control character: bcrypt would end at a NUL', () => {
    expect(readPassword('right\u0000anything')).toHaveProperty('fault');
  });

  test('goes to bcrypt as it is up to 72 bytes, and no longer one is cut', () => {
    const longest = 'ä'.repeat(36);
    expect(bcryptInput(longest)).toBe(longest);
    const [one, other] = [`${longest}a`, `${longest}b`].map(bcryptInput);
    // What bcrypt alone would do with them.
    expect(bcrypt.compareSync(`${longest}b`, bcrypt.hashSync(`${longest}a`, 4))).toBe(true);
    expect(one).not.toBe(other);
    expect(Buffer.byteLength(one ?? '')).toBeLessThanOrEqual(72);
    expect(bcrypt.compareSync(other ?? '', bcrypt.hashSync(one ?? '', 4))).toBe(false);
  });

  test('is not its own digest: who has that from elsewhere has no password yet', () => {
    const digest = bcryptInput('ein langes Passwort, länger als es bcrypt liest: '.repeat(2));
    expect(bcryptInput(digest)).not.toBe(digest);
  });
});

describe('a common password is refused', () => {
  test.each([
    'password',
    'P@ssw0rd2024!',
    'passwordpassword',
    '12345678',
    '87654321',
    'qwertyuiop',
    '1qaz2wsx',
    'asdfasdf',
    'aaaaaaaa',
    'abcabcabc',
    'iloveyou123',
    '!!letmein!!',
    'trackstand1',
    'lovelace1815',
    'adalovelace',
    'analytical1',
    'Sommer2026',
  ])('%s', (password) => {
    expect(isCommon(password, email)).toBe(true);
  });

  test('where one is chosen, and not where one is typed in', () => {
    expect(readNewPassword('passwordpassword', email)).toHaveProperty('fault');
    expect(readPassword('passwordpassword')).toEqual({ password: 'passwordpassword' });
  });

  test.each([
    'correct horse battery staple',
    'mistral over ventoux',
    'tG7#kq0zLm',
    'passwordless is a word',
    'seventy watts too many',
    '82915374',
    'Лошадь на горе',
  ])('but not %s', (password) => {
    expect(isCommon(password, email)).toBe(false);
  });
});

test('an e-mail address is one key, however it is written, and never two addresses', () => {
  expect(readEmail('  Ada@Example.COM ')).toBe('ada@example.com');
  for (const wrong of ['', 'ada', '@example.com', 'a b@example.com', 'a@b, c@d', 'a@b\r\nBcc: c@d'])
    expect(readEmail(wrong), wrong).toBeUndefined();
  expect(readEmail(`${'x'.repeat(60)}@${'y'.repeat(200)}`)).toBeUndefined();
  // Half a surrogate pair would stand in Postgres as the sign for what cannot be read, and so would any other one.
  for (const unseen of ['\ud800', '\u0000', '\u200b', '\u202e'])
    for (const email of [`a${unseen}da@example.com`, `ada@exam${unseen}ple.com`])
      expect(readEmail(email), JSON.stringify(email)).toBeUndefined();
  for (const domain of ['example.com.', '.example.com', 'exa..mple', '.', 'a/b', 'a%2eb', 'a?b'])
    expect(readEmail(`ada@${domain}`), domain).toBeUndefined();
});

test.each([
  ['ada@b\u00fccher.example', 'ada@bu\u0308cher.example', 'ada@xn--bcher-kva.example'],
  ['ada@example.com', 'ada@\uff45xample.com', 'ADA@EXAMPLE.COM'],
  // A capital J with a caron has no composed form, a small one has.
  ['\u01f0@example.com', 'J\u030c@example.com', 'j\u030c@example.com'],
])('%s is one account, however it is written', (email, ...others) => {
  for (const other of others) expect(readEmail(other), other).toBe(email);
  expect(readEmail(email)).toBe(email);
});

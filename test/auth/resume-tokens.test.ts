import fc from 'fast-check';
import { expect, test } from 'vitest';

import { resumeTokens } from '../../server/auth/resume-tokens.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';

const tokens = resumeTokens(signingKeys(['a secret of thirty-two characters or more']));

test('a token proves its generation for its session and client, and for no other', () => {
  const token = tokens.issue('session', 'client', 7);
  expect(tokens.prove('session', 'client', token)).toBe(7);
  expect(tokens.prove('session', 'other', token)).toBeUndefined();
  expect(tokens.prove('other', 'client', token)).toBeUndefined();
});

test('another secret proves nothing', () => {
  const token = resumeTokens(signingKeys(['another secret of thirty-two characters'])).issue(
    'session',
    'client',
    7,
  );
  expect(tokens.prove('session', 'client', token)).toBeUndefined();
});

test('ids that run into each other do not share tokens', () => {
  const token = tokens.issue('ab', 'c', 1);
  expect(tokens.prove('a', 'bc', token)).toBeUndefined();
});

test('a token with anything changed proves nothing', () => {
  const token = tokens.issue('session', 'client', 7);
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom(...'abcXYZ019.-_'), (place, letter) => {
      fc.pre(token[place] !== letter);
      const changed = token.slice(0, place) + letter + token.slice(place + 1);
      // The last letter of base64url has unused bits: another letter may stand for the same bytes.
      fc.pre(place < token.length - 1);
      expect(tokens.prove('session', 'client', changed)).toBeUndefined();
    }),
  );
});

import { describe, expect, test } from 'vitest';

import { accountTokens, newAccountId } from '../../server/accounts/account-tokens.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';

const former = 'the former secret, of 32 characters';
const current = 'the current secret, of 32 characters';
const tokens = accountTokens(signingKeys([current]));
const identity = { accountId: newAccountId(), loginId: newAccountId() };

describe('an access token', () => {
  test('proves who asks until it expires', () => {
    const token = tokens.issueAccess(identity, 1_000);
    expect(tokens.proveAccess(token, 999)).toEqual(identity);
    expect(tokens.proveAccess(token, 1_000)).toBeUndefined();
  });

  test('cannot be changed in any of its characters', () => {
    const token = tokens.issueAccess(identity, 1_000);
    for (let index = 0; index < token.length - 1; index++) {
      const other = token[index] === 'A' ? 'B' : 'A';
      const forged = token.slice(0, index) + other + token.slice(index + 1);
      expect(tokens.proveAccess(forged, 0), `character ${index}`).toBeUndefined();
    }
  });
});

test('a key is rotated without logging anybody out', () => {
  const before = accountTokens(signingKeys([former]));
  const access = before.issueAccess(identity, 1_000);
  const refresh = before.issueRefresh(identity.loginId);
  const during = accountTokens(signingKeys([current, former]));
  expect(during.proveAccess(access, 0)).toEqual(identity);
  expect(during.proveRefresh(refresh)).toBe(identity.loginId);
  const next = during.issueRefresh(identity.loginId);
  expect(tokens.proveRefresh(next)).toBe(identity.loginId);
  expect(tokens.proveRefresh(refresh)).toBeUndefined();
});

test('no token serves for another purpose', () => {
  const refresh = tokens.issueRefresh(identity.loginId);
  const access = tokens.issueAccess(identity, 1_000);
  expect(tokens.proveRefresh(access)).toBeUndefined();
  expect(tokens.proveAccess(refresh, 0)).toBeUndefined();
  expect(tokens.issueRefresh(identity.loginId)).not.toBe(refresh);
});

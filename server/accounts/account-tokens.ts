/** The three proofs an account knows: short-lived access tokens, refresh tokens that change with each use, and what is mailed. */
import { createHash, randomBytes } from 'node:crypto';

import type { SigningKeys } from '../auth/signing-keys.ts';

/** Whose request it is. */
export interface LoginIdentity {
  readonly accountId: string;
  readonly loginId: string;
}

export interface AccountTokens {
  /** Good without any look-up until `expiresAtMs`, so that a request costs no question. */
  readonly issueAccess: (identity: LoginIdentity, expiresAtMs: number) => string;
  readonly proveAccess: (token: string, nowMs: number) => LoginIdentity | undefined;
  /** Random, so that nobody who reads the database knows it, and signed, so that only one we issued can end a login. */
  readonly issueRefresh: (loginId: string) => string;
  /** The login it was issued for; whether it is still good stands in the database. */
  readonly proveRefresh: (token: string) => string | undefined;
}

const accessForm = /^a1\.([\w-]{22})\.([\w-]{22})\.(\d{1,15})\.([\w-]{43})$/;
const refreshForm = /^r1\.([\w-]{22})\.([\w-]{43})\.([\w-]{43})$/;

export function accountTokens(keys: SigningKeys): AccountTokens {
  return {
    issueAccess: ({ accountId, loginId }, expiresAtMs) => {
      const text = `${accountId}.${loginId}.${expiresAtMs}`;
      return `a1.${text}.${keys.sign(`access:${text}`)}`;
    },
    proveAccess: (token, nowMs) => {
      const [, accountId, loginId, expiresAtMs, signature] = accessForm.exec(token) ?? [];
      if (accountId === undefined || loginId === undefined || signature === undefined)
        return undefined;
      if (!keys.isSigned(`access:${accountId}.${loginId}.${expiresAtMs}`, signature))
        return undefined;
      return nowMs < Number(expiresAtMs) ? { accountId, loginId } : undefined;
    },
    issueRefresh: (loginId) => {
      const text = `${loginId}.${newSecret()}`;
      return `r1.${text}.${keys.sign(`refresh:${text}`)}`;
    },
    proveRefresh: (token) => {
      const [, loginId, random, signature] = refreshForm.exec(token) ?? [];
      if (loginId === undefined || signature === undefined) return undefined;
      return keys.isSigned(`refresh:${loginId}.${random}`, signature) ? loginId : undefined;
    },
  };
}

/** 128 random bits, as all ids of the house. */
export function newAccountId(): string {
  return randomBytes(16).toString('base64url');
}

/** 256 random bits: nobody guesses it, so a fast hash is enough to keep it. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** How a token rests. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** Signing in, in the order that keeps the database free: ask, give the connection back, hash, write. */
import { HashingBusyError, type PasswordHasher } from '../hashing/password-hasher.ts';
import type { Account } from './account-book.ts';
import type { AccountParts } from './account-parts.ts';
import { newAccountId, tokenHash, type LoginIdentity } from './account-tokens.ts';
import { bcryptInput } from './password-rules.ts';

/** A device that is signed in, and what it gets. */
export interface SignedIn {
  readonly identity: LoginIdentity;
  readonly accessToken: string;
  readonly accessMs: number;
  /** Absent for one of several that asked at the same moment: another one got it. */
  readonly refreshToken: string | undefined;
  readonly loginMs: number;
}

export interface Credentials {
  readonly email: string;
  readonly password: string;
  readonly device: string;
}

type SignInParts = Pick<
  AccountParts,
  'accounts' | 'logins' | 'hasher' | 'tokens' | 'clock' | 'accessMs' | 'loginMs'
>;

/**
 * Undefined for a wrong password and for an unknown address alike, after the same statements and the same hashing. Looks a second
 * time where the hash was another one by the end: another device may have signed in and renewed it.
 */
export async function signIn(
  parts: SignInParts,
  credentials: Credentials,
): Promise<SignedIn | undefined> {
  const first = await trySignIn(parts, credentials);
  const last = first === 'hash-changed' ? await trySignIn(parts, credentials) : first;
  return last === 'hash-changed' ? undefined : last;
}

async function trySignIn(
  parts: SignInParts,
  { email, password, device }: Credentials,
): Promise<SignedIn | 'hash-changed' | undefined> {
  const account = await verifyPassword(parts, await parts.accounts.findByEmail(email), password);
  if (account === undefined) return undefined;
  const rehashed = parts.hasher.isOutdated(account.passwordHash)
    ? await rehash(parts.hasher, password)
    : undefined;
  return (await beginLogin(parts, account, device, rehashed)) ?? 'hash-changed';
}

/** The account, if there is one and the password is its. Call it with what was asked already: no connection may be held. */
export async function verifyPassword(
  { hasher }: { readonly hasher: PasswordHasher },
  account: Account | undefined,
  password: string,
): Promise<Account | undefined> {
  const { isRight } = await hasher.verify(bcryptInput(password), account?.passwordHash);
  return isRight ? account : undefined;
}

/** A login does not fail because its hash cannot be renewed now: the next one will. */
async function rehash(hasher: PasswordHasher, password: string): Promise<string | undefined> {
  try {
    return await hasher.hash(bcryptInput(password));
  } catch (error) {
    if (error instanceof HashingBusyError) return undefined;
    throw error;
  }
}

/** Undefined when the password was changed since it was looked up. */
export async function beginLogin(
  parts: Pick<SignInParts, 'logins' | 'tokens' | 'clock' | 'accessMs' | 'loginMs'>,
  { accountId, passwordHash }: Pick<Account, 'accountId' | 'passwordHash'>,
  device: string,
  rehashed?: string,
): Promise<SignedIn | undefined> {
  const { logins, tokens, loginMs } = parts;
  const identity = { accountId, loginId: newAccountId() };
  const refreshToken = tokens.issueRefresh(identity.loginId);
  const login = { ...identity, device, refreshHash: tokenHash(refreshToken), validMs: loginMs };
  const hasBegun = await logins.begin(login, passwordHash, rehashed);
  return hasBegun ? signedIn(parts, identity, refreshToken) : undefined;
}

/**
 * The next tokens for a refresh token. A token we issued that is neither the latest one nor the one before was copied: whoever has
 * the copy, and whoever had it first, is signed out.
 */
export async function refreshLogin(
  parts: Pick<AccountParts, 'logins' | 'tokens' | 'clock' | 'accessMs' | 'loginMs' | 'revokeSoon'>,
  token: string,
): Promise<SignedIn | undefined> {
  const { logins, tokens, loginMs } = parts;
  const loginId = tokens.proveRefresh(token);
  if (loginId === undefined) return undefined;
  const next = tokens.issueRefresh(loginId);
  const rotated = await logins.rotate(loginId, tokenHash(token), tokenHash(next), loginMs);
  if (rotated !== undefined) return signedIn(parts, rotated, rotated.isReplaced ? next : undefined);
  if (await logins.endById(loginId)) parts.revokeSoon();
  return undefined;
}

function signedIn(
  {
    tokens,
    clock,
    accessMs,
    loginMs,
  }: Pick<AccountParts, 'tokens' | 'clock' | 'accessMs' | 'loginMs'>,
  { accountId, loginId }: LoginIdentity,
  refreshToken: string | undefined,
): SignedIn {
  const identity = { accountId, loginId };
  const accessToken = tokens.issueAccess(identity, clock.nowMs() + accessMs);
  return { identity, accessToken, accessMs, refreshToken, loginMs };
}

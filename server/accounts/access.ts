/** Who asks, by the access token in the Authorization header. */
import type { FastifyRequest } from 'fastify';

import type { Account } from './account-book.ts';
import type { AccountParts } from './account-parts.ts';
import { AccountProblemError } from './account-problems.ts';
import type { LoginIdentity } from './account-tokens.ts';

type AccessParts = Pick<AccountParts, 'accounts' | 'tokens' | 'clock'>;

export interface Asker {
  readonly identity: LoginIdentity;
  readonly account: Account;
}

/** Looked up each time: a login that has ended counts no more, however long its token would have. */
export async function findAsker(
  { accounts, tokens, clock }: AccessParts,
  authorization: string | undefined,
): Promise<Asker | undefined> {
  const [, token] = /^Bearer (\S{1,256})$/.exec(authorization ?? '') ?? [];
  const identity = token === undefined ? undefined : tokens.proveAccess(token, clock.nowMs());
  if (identity === undefined) return undefined;
  const account = await accounts.findByLogin(identity.loginId);
  return account?.accountId === identity.accountId ? { identity, account } : undefined;
}

/** Throws AccountProblemError. */
export async function askerOf(parts: AccessParts, request: FastifyRequest): Promise<Asker> {
  const asker = await findAsker(parts, request.headers.authorization);
  if (asker === undefined) throw new AccountProblemError('access-refused');
  return asker;
}

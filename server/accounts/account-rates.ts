/** How often somebody may try, by where they come from and by whom they claim to be. */
import { createHash } from 'node:crypto';

import type { FastifyRequest } from 'fastify';

import { addressKey } from '../admission/address-key.ts';
import type { Rate, RateLimit } from '../store/rate-limit.ts';
import { AccountProblemError } from './account-problems.ts';

export interface AccountRates {
  /** Passwords tried from one address: a club behind one router signs in at once. */
  readonly loginByAddress: Rate;
  /** Passwords tried for one account, from everywhere together: guessing gets a thousand and a half a day. A right one clears it. */
  readonly loginByAccount: Rate;
  /**
   * Passwords shown once more by a device that is signed in. Apart from the above: a stranger who uses those up must not keep the owner
   * from changing theirs.
   */
  readonly proofByLogin: Rate;
  /** Mails asked for from one address, and to one. */
  readonly mailByAddress: Rate;
  readonly mailByAccount: Rate;
  /** Refreshes from one address; each costs a statement. */
  readonly refreshByAddress: Rate;
  /** Sessions begun by one account; those without one are counted by address. [F5] */
  readonly sessionByAccount: Rate;
  /** Whole sessions read by one account: a long one takes the event loop for as long as it has megabytes. */
  readonly historyByAccount: Rate;
}

export const accountRates: AccountRates = {
  loginByAddress: { name: 'login-address', burst: 60, eachMs: 5_000 },
  loginByAccount: { name: 'login-account', burst: 10, eachMs: 60_000 },
  proofByLogin: { name: 'proof-login', burst: 5, eachMs: 180_000 },
  mailByAddress: { name: 'mail-address', burst: 20, eachMs: 180_000 },
  mailByAccount: { name: 'mail-account', burst: 3, eachMs: 1_200_000 },
  refreshByAddress: { name: 'refresh-address', burst: 300, eachMs: 200 },
  sessionByAccount: { name: 'session-account', burst: 60, eachMs: 60_000 },
  historyByAccount: { name: 'history-account', burst: 240, eachMs: 10_000 },
};

/** Takes one of each, in order; throws with the time to wait when there is none. */
export async function takeTries(
  limit: RateLimit,
  ...tries: readonly (readonly [rate: Rate, key: string])[]
): Promise<void> {
  for (const [rate, key] of tries) {
    const waitMs = await limit.take(rate, key);
    if (waitMs > 0)
      throw new AccountProblemError('too-many-tries', { retryAfterS: Math.ceil(waitMs / 1_000) });
  }
}

export function addressOf(request: FastifyRequest): string {
  return addressKey(request.ip);
}

/** An address is nobody's business who reads Redis. */
export function accountKey(email: string): string {
  return createHash('sha256').update(`limit:${email}`).digest('base64url').slice(0, 22);
}

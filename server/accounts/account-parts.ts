/** What the account routes are made of. */
import type { Clock } from '../../shared/clock.ts';
import type { PasswordHasher } from '../hashing/password-hasher.ts';
import type { SessionOffice } from '../http/session-owners.ts';
import type { RateLimit } from '../store/rate-limit.ts';
import type { AccountBook } from './account-book.ts';
import type { AccountRates } from './account-rates.ts';
import type { AccountTokens } from './account-tokens.ts';
import type { LoginBook } from './login-book.ts';
import type { Mailer } from './mailer.ts';
import type { OwnedSessionBook } from './owned-session-book.ts';

export interface AccountParts {
  readonly accounts: AccountBook;
  readonly logins: LoginBook;
  readonly owned: OwnedSessionBook;
  readonly hasher: PasswordHasher;
  readonly tokens: AccountTokens;
  readonly limit: RateLimit;
  readonly rates: AccountRates;
  /** Absent where the service sends no mail. */
  readonly mailer: Mailer | undefined;
  readonly sessions: SessionOffice;
  readonly clock: Clock;
  readonly publicUrl: string | undefined;
  /** Milliseconds an access token is good, and a device that does not come back stays signed in. */
  readonly accessMs: number;
  readonly loginMs: number;
  /** Ends the rights of clients whose login has ended, in the background. */
  readonly revokeSoon: () => void;
}

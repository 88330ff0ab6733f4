/** Makes the first operator, from the machine itself: who can run commands there may. */
import type { PasswordHasher } from '../hashing/password-hasher.ts';
import type { AccountBook } from './account-book.ts';
import { newAccountId } from './account-tokens.ts';
import { readEmail } from './email-address.ts';
import { bcryptInput, readNewPassword } from './password-rules.ts';

export type OperatorResult =
  | { readonly kind: 'created' | 'updated'; readonly email: string }
  | { readonly kind: 'fault'; readonly fault: string };

/** An account that has the address becomes an operator's, with this password; its devices are signed out. */
export async function createOperator(
  parts: { readonly accounts: Pick<AccountBook, 'putOperator'>; readonly hasher: PasswordHasher },
  given: { readonly email: string; readonly password: string },
): Promise<OperatorResult> {
  const email = readEmail(given.email);
  if (email === undefined) return { kind: 'fault', fault: 'That is not an e-mail address.' };
  const read = readNewPassword(given.password, email);
  if ('fault' in read) return { kind: 'fault', fault: read.fault };
  const passwordHash = await parts.hasher.hash(bcryptInput(read.password));
  const kind = await parts.accounts.putOperator(newAccountId(), email, passwordHash);
  return { kind, email };
}

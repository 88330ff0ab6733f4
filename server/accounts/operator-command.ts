/** Makes the first operator, from the machine itself: who can run commands there may. */
import { startHasher } from '../hashing/password-hasher.ts';
import { openAccountStores } from '../store/open-account-stores.ts';
import { accountBook } from './account-book.ts';
import { newAccountId } from './account-tokens.ts';
import { readEmail } from './email-address.ts';
import { bcryptInput, readNewPassword } from './password-rules.ts';

export interface OperatorCommand {
  readonly postgres: string;
  readonly hashCost: number;
  readonly email: string;
  readonly password: string;
}

export type OperatorResult =
  | { readonly kind: 'created' | 'updated'; readonly email: string }
  | { readonly kind: 'fault'; readonly fault: string };

/**
 * An account that has the address becomes an operator's, with this password, and its devices are signed out. Brings the database up
 * to date first. Rejects with StoreUnavailableError.
 */
export async function putOperator(command: OperatorCommand): Promise<OperatorResult> {
  const email = readEmail(command.email);
  if (email === undefined) return { kind: 'fault', fault: 'That is not an e-mail address.' };
  const read = readNewPassword(command.password, email);
  if ('fault' in read) return { kind: 'fault', fault: read.fault };
  const stores = openAccountStores({ postgres: command.postgres, warn: () => {} });
  try {
    await stores.migrate();
    const passwordHash = await hashOnce(bcryptInput(read.password), command.hashCost);
    const { putOperator: put } = accountBook(stores.statements);
    return { kind: await put(newAccountId(), email, passwordHash), email };
  } finally {
    await stores.statements.close();
  }
}

async function hashOnce(input: string, cost: number): Promise<string> {
  const alone = { workerCount: 1, waitingMax: 0, isHoldingConnection: () => false };
  const hasher = await startHasher({ ...alone, cost });
  try {
    return await hasher.hash(input);
  } finally {
    await hasher.close();
  }
}

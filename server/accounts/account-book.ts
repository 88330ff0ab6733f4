/**
 * What Postgres knows of accounts. Every function is one statement, or one transaction of nothing but statements: it takes no
 * connection and gives none, so nobody can hold one while a password is hashed. All reject with StoreUnavailableError.
 */
import type { StatementPool } from '../store/postgres/statement-pool.ts';
import { burySessionsSql } from './owned-session-book.ts';

export interface Account {
  readonly accountId: string;
  readonly email: string;
  readonly passwordHash: string;
  readonly isOperator: boolean;
  readonly createdAt: Date;
}

export interface AccountBook {
  readonly findByEmail: (email: string) => Promise<Account | undefined>;
  /** The account of a login that has not ended. */
  readonly findByLogin: (loginId: string) => Promise<Account | undefined>;
  /** Keeps a token that was mailed; a mailbox has one at a time. */
  readonly keepMailToken: (tokenHash: string, email: string, validMs: number) => Promise<void>;
  /** Whose mailbox the token was sent to, while it is good. */
  readonly findMailToken: (tokenHash: string) => Promise<string | undefined>;
  /**
   * Spends the token: gives its account the password, makes it when there is none yet, and ends every login it has. Undefined when
   * the token is not good any more. Whatever else was mailed there is spent with it.
   */
  readonly setPasswordByMail: (
    tokenHash: string,
    accountId: string,
    passwordHash: string,
  ) => Promise<string | undefined>;
  /** Replaces the password if it is still `formerHash`, and ends every login but the one, and what was mailed. */
  readonly changePassword: (change: PasswordChange) => Promise<boolean>;
  /**
   * Deletes the account with its logins and sessions if the password is still `formerHash`; resolves with the sessions' ids. A
   * tombstone stands for each of them, for `tombstoneMs`: what a client still has of one must not bring it back. [L6]
   */
  readonly deleteAccount: (
    accountId: string,
    formerHash: string,
    tombstoneMs: number,
  ) => Promise<readonly string[] | undefined>;
  /** Makes an account, or an operator of the one that has this address; its password is the new one then, and its logins end. */
  readonly putOperator: (
    accountId: string,
    email: string,
    passwordHash: string,
  ) => Promise<'created' | 'updated'>;
}

export interface PasswordChange {
  readonly accountId: string;
  readonly formerHash: string;
  readonly passwordHash: string;
  readonly keptLoginId: string;
}

interface AccountRow {
  readonly account_id: string;
  readonly email: string;
  readonly password_hash: string;
  readonly is_operator: boolean;
  readonly created_at: Date;
}

const columns = 'a.account_id, a.email, a.password_hash, a.is_operator, a.created_at';

/**
 * Ends logins, as the rest of a statement that has "changed" accounts: their rows go, and what their clients may is marked to end.
 * `but` names the parameter with the login that stays. A statement of the same transaction must have locked the account before:
 * this one would wait for a login that begins at that moment, and not see it then.
 */
const endingLogins = (but?: string): string => `
ended as (
  delete from trackstand.logins l using changed c
  where l.account_id = c.account_id ${but === undefined ? '' : `and l.login_id <> ${but}`}
  returning l.login_id
), marked as (
  update trackstand.session_grants g set is_ended = true from ended e where g.login_id = e.login_id
)`;

/** Takes the account as the first step of what ends its logins. See `endingLogins`. */
const lockAccountWhere = (condition: string): string =>
  `select account_id from trackstand.accounts where ${condition} for update`;

/** $1 token. None where the account is about to be made: there is nothing to end then. */
const lockMailedSql = lockAccountWhere(
  'email = (select email from trackstand.mail_tokens where token_hash = $1)',
);

/** $1 token, $2 id of a new account, $3 password. */
const setPasswordByMailSql = `
with good as (
  select email from trackstand.mail_tokens where token_hash = $1 and expires_at > now()
), spent as (
  delete from trackstand.mail_tokens m using good g where m.email = g.email
  returning m.email, m.token_hash
), changed as (
  insert into trackstand.accounts (account_id, email, password_hash)
  select $2, email, $3 from spent where token_hash = $1
  on conflict (email) do update set password_hash = excluded.password_hash
  returning account_id
), ${endingLogins()}
select account_id from changed`;

/** $1 account, $2 former password, $3 password, $4 login that stays. */
const changePasswordSql = `
with changed as (
  update trackstand.accounts set password_hash = $3 where account_id = $1 and password_hash = $2
  returning account_id, email
), unmailed as (
  delete from trackstand.mail_tokens m using changed c where m.email = c.email
), ${endingLogins('$4')}
select account_id from changed`;

/** $1 account, $2 former password. Who is making a session the account's comes first, or waits and finds no account any more. */
const lockDeletedSql = `
select email from trackstand.accounts where account_id = $1 and password_hash = $2 for update`;

/** $1 account, $2 its address. */
const deleteAccountSql = `
with deleted as (
  delete from trackstand.accounts where account_id = $1
)
delete from trackstand.mail_tokens where email = $2`;

/** $1 id of a new account, $2 address, $3 password. `xmax` is 0 in a row that was inserted. */
const putOperatorSql = `
with changed as (
  insert into trackstand.accounts (account_id, email, password_hash, is_operator)
  values ($1, $2, $3, true)
  on conflict (email) do update set password_hash = excluded.password_hash, is_operator = true
  returning account_id, email, xmax = 0 as is_new
), unmailed as (
  delete from trackstand.mail_tokens m using changed c where m.email = c.email
), ${endingLogins()}
select is_new from changed`;

/** $1 token, $2 address, $3 milliseconds it is good for. Tokens nobody used go on the way. */
const keepMailTokenSql = `
with former as (
  delete from trackstand.mail_tokens where email = $2 or expires_at < now()
)
insert into trackstand.mail_tokens (token_hash, email, expires_at)
values ($1, $2, now() + $3::float8 * interval '1 millisecond')`;

export function accountBook({ statement, transaction }: StatementPool): AccountBook {
  const find = async (sql: string, value: string): Promise<Account | undefined> => {
    const [row] = await statement<AccountRow>(sql, [value]);
    return row === undefined ? undefined : readAccount(row);
  };
  return {
    findByEmail: (email) =>
      find(`select ${columns} from trackstand.accounts a where a.email = $1`, email),
    findByLogin: (loginId) =>
      find(
        `select ${columns} from trackstand.logins l join trackstand.accounts a using (account_id)
         where l.login_id = $1 and l.expires_at > now()`,
        loginId,
      ),
    keepMailToken: async (tokenHash, email, validMs) => {
      await statement(keepMailTokenSql, [tokenHash, email, validMs]);
    },
    findMailToken: async (tokenHash) => {
      const [row] = await statement<{ email: string }>(
        'select email from trackstand.mail_tokens where token_hash = $1 and expires_at > now()',
        [tokenHash],
      );
      return row?.email;
    },
    setPasswordByMail: (tokenHash, ...values) =>
      transaction(async (step) => {
        await step(lockMailedSql, [tokenHash]);
        const all = [tokenHash, ...values];
        const [row] = await step<{ account_id: string }>(setPasswordByMailSql, all);
        return row?.account_id;
      }),
    changePassword: ({ accountId, formerHash, passwordHash, keptLoginId }) =>
      transaction(async (step) => {
        await step(lockAccountWhere('account_id = $1'), [accountId]);
        const values = [accountId, formerHash, passwordHash, keptLoginId];
        return (await step(changePasswordSql, values)).length > 0;
      }),
    deleteAccount: (accountId, formerHash, tombstoneMs) =>
      transaction(async (step) => {
        const [account] = await step<{ email: string }>(lockDeletedSql, [accountId, formerHash]);
        if (account === undefined) return undefined;
        const buried = [accountId, tombstoneMs, null];
        const rows = await step<{ session_id: string }>(burySessionsSql, buried);
        await step(deleteAccountSql, [accountId, account.email]);
        return rows.map(({ session_id: id }) => id);
      }),
    putOperator: (accountId, email, passwordHash) =>
      transaction(async (step) => {
        await step(lockAccountWhere('email = $1'), [email]);
        const values = [accountId, email, passwordHash];
        const [row] = await step<{ is_new: boolean }>(putOperatorSql, values);
        return row?.is_new === true ? 'created' : 'updated';
      }),
  };
}

function readAccount(row: AccountRow): Account {
  return {
    accountId: row.account_id,
    email: row.email,
    passwordHash: row.password_hash,
    isOperator: row.is_operator,
    createdAt: row.created_at,
  };
}

/** What Postgres knows of devices that are signed in, and by which of them sessions are ridden. Made as the account book is. */
import type { StatementPool } from '../store/postgres/statement-pool.ts';
import type { LoginIdentity } from './account-tokens.ts';

export interface Device {
  readonly loginId: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
}

export interface Grant {
  readonly sessionId: string;
  readonly clientId: string;
}

export interface NewLogin extends LoginIdentity {
  readonly device: string;
  readonly refreshHash: string;
  readonly validMs: number;
}

export interface LoginBook {
  /**
   * Signs a device in, if the password is still `formerHash`; puts `rehashed` in its place when there is one. False when the
   * password was changed in the meantime.
   */
  readonly begin: (
    login: NewLogin,
    formerHash: string,
    rehashed: string | undefined,
  ) => Promise<boolean>;
  /** Takes the token and puts its successor beside it, or says that it has one. Undefined when it is not good, nor the one before. */
  readonly rotate: (
    loginId: string,
    tokenHash: string,
    nextHash: string,
    validMs: number,
  ) => Promise<(LoginIdentity & { readonly isReplaced: boolean }) | undefined>;
  /** Ends logins of an account: one, or all, or all but one. Resolves with how many there were. */
  readonly end: (accountId: string, which: Which) => Promise<number>;
  /** Ends a login without being asked by its account. */
  readonly endById: (loginId: string) => Promise<boolean>;
  /** Ends what was not used for too long. */
  readonly endExpired: () => Promise<number>;
  readonly list: (accountId: string) => Promise<readonly Device[]>;
  /** Makes a session the account's and its client the login's. False when it is another account's, or there is no such session or login. */
  readonly own: (identity: LoginIdentity, grant: Grant) => Promise<boolean>;
  readonly ownerOf: (sessionId: string) => Promise<string | undefined>;
  /** Clients whose login has ended and whose right to their session may not have; at most so many, those behind `last`. */
  readonly endedGrants: (countMax: number, last?: Grant) => Promise<readonly Grant[]>;
  /** The client's right has ended. */
  readonly dropGrant: (grant: Grant) => Promise<void>;
}

export type Which =
  | { readonly kind: 'one'; readonly loginId: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'others'; readonly loginId: string };

/** $1 account, $2 former password, $3 the same at a higher cost or null, $4 login, $5 device, $6 refresh token, $7 milliseconds. */
const beginSql = `
with known as (
  update trackstand.accounts
  set last_login_at = now(), password_hash = coalesce($3, password_hash)
  where account_id = $1 and password_hash = $2
  returning account_id
)
insert into trackstand.logins (login_id, account_id, device, issued_hash, expires_at)
select $4, account_id, $5, $6, now() + $7::float8 * interval '1 millisecond' from known
returning login_id`;

/**
 * Milliseconds after a token was replaced in which it does not get another successor: two tabs or programs of one device ask at the same
 * moment, and of two successors one would look copied. Longer than a request is under way, and short, because a copy is as good meanwhile.
 */
const sameMomentMs = 30_000;

const isRepeat = `proven_hash = $2 and last_used_at > now() - interval '${sameMomentMs} milliseconds'`;

/**
 * $1 login, $2 token, $3 its successor, $4 milliseconds. Of two that come at once the second one waits for the first and sees what it did.
 * A repeat does not count as a use: else who repeats it would never leave the moment.
 */
const rotateSql = `
update trackstand.logins
set proven_hash = $2,
  issued_hash = case when ${isRepeat} then issued_hash else $3 end,
  last_used_at = case when ${isRepeat} then last_used_at else now() end,
  expires_at = now() + $4::float8 * interval '1 millisecond'
where login_id = $1 and $2 in (issued_hash, proven_hash) and expires_at > now()
returning account_id, login_id, issued_hash = $3 as is_replaced`;

/**
 * Ends the logins for which the condition holds. Their clients' rights end a moment later, whatever happens in between. Locked by a
 * statement of its own: while it waits for a session that becomes the login's, the one that ends it would not see that.
 */
const endSql = (condition: string): Ending => ({
  lock: `select login_id from trackstand.logins where ${condition} order by login_id for update`,
  end: `
with ended as (
  delete from trackstand.logins where ${condition} returning login_id
), marked as (
  update trackstand.session_grants g set is_ended = true from ended e where g.login_id = e.login_id
)
select login_id from ended`,
});

interface Ending {
  readonly lock: string;
  readonly end: string;
}

const endings: Readonly<Record<Which['kind'], Ending>> = {
  one: endSql('account_id = $1 and login_id = $2'),
  // The second value is not used; a statement takes as many as it names.
  all: endSql('account_id = $1 and $2::text is null'),
  others: endSql('account_id = $1 and login_id <> $2'),
};

/**
 * $1 session, $2 client, $3 account, $4 login. The locks keep the account from being deleted, which locks in the same order, and the
 * login from ending unseen at the same moment.
 */
const ownSql = `
with account as (
  select account_id from trackstand.accounts where account_id = $3 for key share
), alive as (
  select login_id from trackstand.logins l join account using (account_id)
  where login_id = $4 and expires_at > now()
  for share of l
), owned as (
  update trackstand.sessions s set account_id = $3
  from alive
  where s.session_id = $1 and s.expires_at > now() and (s.account_id is null or s.account_id = $3)
  returning s.session_id
)
insert into trackstand.session_grants (session_id, client_id, login_id)
select session_id, $2, $4 from owned
on conflict (session_id, client_id) do update set login_id = excluded.login_id, is_ended = false
returning session_id`;

export function loginBook({ statement, transaction }: StatementPool): LoginBook {
  const count = async (sql: string, values: readonly unknown[]): Promise<number> =>
    (await statement(sql, values)).length;
  const endAll = ({ lock, end }: Ending, values: readonly unknown[]): Promise<number> =>
    transaction(async (step) => {
      const locked = await step(lock, values);
      return locked.length === 0 ? 0 : (await step(end, values)).length;
    });
  return {
    begin: async ({ accountId, loginId, device, refreshHash, validMs }, formerHash, rehashed) => {
      const values = [accountId, formerHash, rehashed ?? null, loginId, device];
      return (await count(beginSql, [...values, refreshHash, validMs])) > 0;
    },
    rotate: async (...values) => {
      const [row] = await statement<{
        account_id: string;
        login_id: string;
        is_replaced: boolean;
      }>(rotateSql, values);
      if (row === undefined) return undefined;
      const { account_id: accountId, login_id: loginId, is_replaced: isReplaced } = row;
      return { accountId, loginId, isReplaced };
    },
    end: (accountId, which) =>
      endAll(endings[which.kind], [accountId, which.kind === 'all' ? null : which.loginId]),
    endById: async (loginId) => (await endAll(endSql('login_id = $1'), [loginId])) > 0,
    endExpired: () => endAll(endSql('expires_at <= now()'), []),
    list: (accountId) => listDevices(statement, accountId),
    own: async ({ accountId, loginId }, { sessionId, clientId }) =>
      (await count(ownSql, [sessionId, clientId, accountId, loginId])) > 0,
    ownerOf: async (sessionId) => {
      const [row] = await statement<{ account_id: string | null }>(
        'select account_id from trackstand.sessions where session_id = $1',
        [sessionId],
      );
      return row?.account_id ?? undefined;
    },
    endedGrants: async (countMax, last) => {
      const rows = await statement<{ session_id: string; client_id: string }>(
        `select session_id, client_id from trackstand.session_grants
         where is_ended and (session_id, client_id) > ($2, $3)
         order by session_id, client_id limit $1`,
        [countMax, last?.sessionId ?? '', last?.clientId ?? ''],
      );
      return rows.map((row) => ({ sessionId: row.session_id, clientId: row.client_id }));
    },
    dropGrant: async ({ sessionId, clientId }) => {
      // Not one that was given out anew in the meantime.
      await statement(
        'delete from trackstand.session_grants where session_id = $1 and client_id = $2 and is_ended',
        [sessionId, clientId],
      );
    },
  };
}

async function listDevices(
  statement: StatementPool['statement'],
  accountId: string,
): Promise<Device[]> {
  const rows = await statement<{
    login_id: string;
    device: string;
    created_at: Date;
    last_used_at: Date;
  }>(
    `select login_id, device, created_at, last_used_at from trackstand.logins
     where account_id = $1 and expires_at > now() order by last_used_at desc limit 200`,
    [accountId],
  );
  return rows.map((row) => ({
    loginId: row.login_id,
    name: row.device,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }));
}

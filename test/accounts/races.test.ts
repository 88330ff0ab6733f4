/**
 * What two do at the same moment, made to be the same moment: the first one's statement stands in an open transaction until Postgres
 * says that the second one waits for it.
 */
import type { Pool } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';

import { accountBook, type AccountBook } from '../../server/accounts/account-book.ts';
import { accountTokens, newAccountId, tokenHash } from '../../server/accounts/account-tokens.ts';
import { loginBook, type LoginBook } from '../../server/accounts/login-book.ts';
import { signIn } from '../../server/accounts/sign-in.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';
import { startHasher, type PasswordHasher } from '../../server/hashing/password-hasher.ts';
import { connectPostgres } from '../../server/store/postgres/connect-postgres.ts';
import { migrate } from '../../server/store/postgres/migrate.ts';
import { postgresJournal } from '../../server/store/postgres/postgres-journal.ts';
import { statementPool, type StatementPool } from '../../server/store/postgres/statement-pool.ts';
import { systemClock } from '../../shared/clock.ts';
import { testSecret } from '../support/live-server.ts';
import { freshPostgres } from '../support/services/shared-services.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const email = 'ada@example.com';
const former = 'the former hash';

interface World {
  readonly pool: Pool;
  readonly statements: StatementPool;
  readonly accounts: AccountBook;
  readonly logins: LoginBook;
  readonly accountId: string;
}

/** One account, with nothing signed in to it. */
async function open(): Promise<World> {
  const pool = connectPostgres((await freshPostgres()).url, () => {});
  await migrate(pool);
  const statements = statementPool(pool);
  closing.push(statements.close);
  const accounts = accountBook(statements);
  const accountId = newAccountId();
  await accounts.putOperator(accountId, email, former);
  return { pool, statements, accounts, logins: loginBook(statements), accountId };
}

function loginOf(accountId: string) {
  const loginId = newAccountId();
  return { accountId, loginId, device: '', refreshHash: tokenHash(loginId), validMs: 60_000 };
}

/** Runs `first` in a transaction that ends once `second` waits for it, or has not waited and is done. */
async function atOnce<Result>(
  { pool, statements }: World,
  first: (books: { logins: LoginBook }) => Promise<unknown>,
  second: () => Promise<Result>,
): Promise<Result> {
  let later: Promise<Result> | undefined;
  await statements.transaction(async (statement) => {
    const same: StatementPool = { ...statements, statement };
    await first({ logins: loginBook(same) });
    const progress = { isDone: false };
    later = second().finally(() => {
      progress.isDone = true;
    });
    const waiting = `select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    while (!progress.isDone && (await pool.query(waiting)).rows.length === 0);
  });
  return later as Promise<Result>;
}

describe('a device that signs in with the former password while it is replaced is signed out', () => {
  const ways: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
    'from another device': ({ accounts, accountId }) =>
      accounts.changePassword({
        accountId,
        formerHash: former,
        passwordHash: 'the next hash',
        keptLoginId: newAccountId(),
      }),
    'by mail': async ({ accounts }) => {
      await accounts.keepMailToken('a token', email, 60_000);
      return accounts.setPasswordByMail('a token', newAccountId(), 'the next hash');
    },
    'by command': ({ accounts }) => accounts.putOperator(newAccountId(), email, 'the next hash'),
  };
  test.each(Object.entries(ways))('%s', async (_way, replace) => {
    const world = await open();
    const login = loginOf(world.accountId);
    const begin = ({ logins }: { logins: LoginBook }) => logins.begin(login, former, undefined);
    expect(await atOnce(world, begin, () => replace(world))).toBeTruthy();
    expect(await world.accounts.findByLogin(login.loginId)).toBeUndefined();
    expect((await world.accounts.findByEmail(email))?.passwordHash).toBe('the next hash');
  });
});

describe('a session that becomes a login’s while the login ends is one of those whose right ends', () => {
  type End = (world: World, loginId: string) => Promise<unknown>;
  const ways: Readonly<Record<string, End>> = {
    'by its device': ({ logins }, loginId) => logins.endById(loginId),
    'by its account': ({ logins, accountId }, loginId) =>
      logins.end(accountId, { kind: 'one', loginId }),
    everywhere: ({ logins, accountId }) => logins.end(accountId, { kind: 'all' }),
    'by another password': ({ accounts, accountId }) =>
      accounts.changePassword({
        accountId,
        formerHash: former,
        passwordHash: 'the next hash',
        keptLoginId: newAccountId(),
      }),
  };
  test.each(Object.entries(ways))('%s', async (_way, end) => {
    const world = await open();
    const login = loginOf(world.accountId);
    await world.logins.begin(login, former, undefined);
    const grant = { sessionId: newAccountId(), clientId: newAccountId() };
    const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
    await postgresJournal(world.pool).create({
      sessionId: grant.sessionId,
      epoch: '0',
      snapshot,
      retentionMs: 60_000,
    });
    const own = ({ logins }: { logins: LoginBook }) => logins.own(login, grant);
    expect(await atOnce(world, own, () => end(world, login.loginId))).toBeTruthy();
    expect(await world.accounts.findByLogin(login.loginId)).toBeUndefined();
    expect(await world.logins.endedGrants(10)).toEqual([grant]);
  });
});

test('two devices that sign in while the hash is renewed are both let in', async () => {
  const world = await open();
  const options = { workerCount: 1, waitingMax: 9, isHoldingConnection: () => false };
  const [cheap, hasher] = await Promise.all([
    startHasher({ ...options, cost: 4 }),
    startHasher({ ...options, cost: 5 }),
  ]);
  closing.push(cheap.close, hasher.close);
  await world.accounts.putOperator(newAccountId(), email, await cheap.hash('mistral'));
  const parts = {
    ...world,
    hasher: bothAtOnce(hasher),
    tokens: accountTokens(signingKeys([testSecret])),
    clock: systemClock,
    accessMs: 1_000,
    loginMs: 60_000,
  };
  const login = () => signIn(parts, { email, password: 'mistral', device: '' });
  const [one, other] = await Promise.all([login(), login()]);
  expect(one?.identity.accountId).toBe(world.accountId);
  expect(other?.identity.accountId).toBe(world.accountId);
  expect((await world.accounts.findByEmail(email))?.passwordHash).toMatch(/^\$2b\$05\$/);
});

/** Gives the first two of those who prove their password the answer when both have it: then both hold the former hash. */
function bothAtOnce(hasher: PasswordHasher): PasswordHasher {
  let count = 0;
  let meet = (): void => {};
  const met = new Promise<void>((resolve) => {
    meet = resolve;
  });
  return {
    ...hasher,
    verify: async (...task) => {
      const verdict = await hasher.verify(...task);
      if (++count === 2) meet();
      await met;
      return verdict;
    },
  };
}

test('another password makes every link that was mailed useless, whatever way it was chosen', async () => {
  const { accounts, accountId, pool } = await open();
  const isGood = async (): Promise<boolean> => (await accounts.findMailToken('a')) !== undefined;
  await accounts.keepMailToken('a', email, 60_000);
  // Two that asked at once have one each.
  await pool.query(
    `insert into trackstand.mail_tokens select 'b', email, expires_at from trackstand.mail_tokens`,
  );
  expect(await accounts.setPasswordByMail('b', newAccountId(), 'second')).toBe(accountId);
  expect(await isGood()).toBe(false);
  await accounts.keepMailToken('a', email, 60_000);
  const change = { accountId, formerHash: 'second', passwordHash: 'third' };
  await accounts.changePassword({ ...change, keptLoginId: newAccountId() });
  expect(await isGood()).toBe(false);
  await accounts.keepMailToken('a', email, 60_000);
  await accounts.putOperator(newAccountId(), email, 'fourth');
  expect(await isGood()).toBe(false);
});

test('a link that was mailed is good for its time and no longer', async () => {
  const { accounts } = await open();
  await accounts.keepMailToken('a', email, 0);
  expect(await accounts.findMailToken('a')).toBeUndefined();
  expect(await accounts.setPasswordByMail('a', newAccountId(), 'second')).toBeUndefined();
  expect((await accounts.findByEmail(email))?.passwordHash).toBe(former);
});

/**
 * The lesson this product began with: passwords were hashed while a database connection was held, and a fifth of all logins failed.
 * Fifty people sign in at once over two connections; the check is shown to fail when the order is the old one.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

import type { Pool, PoolClient } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';

import { accountBook, type AccountBook } from '../../server/accounts/account-book.ts';
import { accountTokens, newAccountId } from '../../server/accounts/account-tokens.ts';
import { loginBook } from '../../server/accounts/login-book.ts';
import { beginLogin, signIn } from '../../server/accounts/sign-in.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';
import { startHasher, type PasswordHasher } from '../../server/hashing/password-hasher.ts';
import { connectPostgres } from '../../server/store/postgres/connect-postgres.ts';
import { migrate } from '../../server/store/postgres/migrate.ts';
import { statementPool, type StatementPool } from '../../server/store/postgres/statement-pool.ts';
import { systemClock } from '../../shared/clock.ts';
import { testSecret } from '../support/live-server.ts';
import { freshPostgres } from '../support/services/shared-services.ts';

const connectionsMax = 2;
const riderCount = 50;
const password = 'mistral over ventoux';

interface World {
  readonly pool: Pool;
  readonly statements: StatementPool;
  readonly accounts: AccountBook;
  readonly hasher: PasswordHasher;
}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function open(isGuarded: boolean): Promise<World> {
  const { url } = await freshPostgres();
  const setUp = connectPostgres(url, () => {});
  await migrate(setUp);
  await setUp.end();
  const pool = connectPostgres(url, () => {}, connectionsMax);
  const statements = statementPool(pool);
  const hasher = await startHasher({
    cost: 8,
    workerCount: 1,
    waitingMax: riderCount,
    // However long one hash takes here.
    waitMsMax: Number.POSITIVE_INFINITY,
    isHoldingConnection: isGuarded ? statements.isHolding : () => false,
  });
  closing.push(statements.close, hasher.close);
  const accounts = accountBook(statements);
  const passwordHash = await hasher.hash(password);
  for (let rider = 0; rider < riderCount; rider++)
    await accounts.putOperator(newAccountId(), emailOf(rider), passwordHash);
  return { pool, statements, accounts, hasher };
}

const emailOf = (rider: number): string => `rider-${rider}@example.com`;

interface Seen {
  readonly succeeded: number;
  /** Most connections that riders had, or stood in line for, at a moment when their own password was being hashed or waited for it. */
  readonly heldWhileHashing: number;
  /** Most passwords that waited to be hashed, or were, at one moment. */
  readonly hashingMax: number;
}

/** All riders sign in at once, in that order, and every connection is known by who has it. */
async function storm(
  { pool, hasher }: World,
  login: (hasher: PasswordHasher, email: string) => Promise<boolean>,
): Promise<Seen> {
  const rider = new AsyncLocalStorage<number>();
  const hashing = new Set<number>();
  let heldWhileHashing = 0;
  let hashingMax = 0;
  const holders = watchHolders(pool, rider);
  const look = (): void => {
    hashingMax = Math.max(hashingMax, hashing.size);
    const both = [...hashing].filter((one) => holders.has(one)).length;
    heldWhileHashing = Math.max(heldWhileHashing, both);
  };
  const watched: PasswordHasher = {
    ...hasher,
    verify: async (...task) => {
      const one = rider.getStore() ?? -1;
      hashing.add(one);
      look();
      const verdict = await hasher.verify(...task);
      look();
      hashing.delete(one);
      return verdict;
    },
  };
  const outcomes = await Promise.all(
    Array.from({ length: riderCount }, (_, one) =>
      rider.run(one, () => login(watched, emailOf(one)).catch(() => false)),
    ),
  );
  return { succeeded: outcomes.filter(Boolean).length, heldWhileHashing, hashingMax };
}

/** Who has a connection of the pool, or stands in line for one. */
function watchHolders(pool: Pool, rider: AsyncLocalStorage<number>): ReadonlySet<number> {
  const holders = new Set<number>();
  const connect = pool.connect.bind(pool);
  const enter = (): (() => void) => {
    const one = rider.getStore() ?? -1;
    holders.add(one);
    return () => holders.delete(one);
  };
  const watch = (client: PoolClient, leave: () => void): PoolClient => {
    const release = client.release.bind(client);
    client.release = (fault) => {
      leave();
      release(fault);
    };
    return client;
  };
  // A statement of the pool gets its connection by a callback, a transaction as a promise.
  type Done = (error: Error | undefined, client: PoolClient | undefined) => void;
  const watchedConnect = (done?: Done): unknown => {
    // Now, in the rider's own context: the pool calls back in whatever context a connection came free.
    const leave = enter();
    if (done === undefined) return connect().then((client) => watch(client, leave));
    connect((error, client) => done(error, client && watch(client, leave)));
    return undefined;
  };
  Reflect.set(pool, 'connect', watchedConnect);
  return holders;
}

/** As the routes do it: ask, give back, hash, write. */
function inOrder({ accounts, statements }: World) {
  const parts = {
    accounts,
    logins: loginBook(statements),
    tokens: accountTokens(signingKeys([testSecret])),
    clock: systemClock,
    accessMs: 1_000,
    loginMs: 60_000,
  };
  return async (hasher: PasswordHasher, email: string) =>
    (await signIn({ ...parts, hasher }, { email, password, device: '' })) !== undefined;
}

/** As it was: one connection from the first question to the last. */
function reversed({ statements }: World) {
  const tokens = accountTokens(signingKeys([testSecret]));
  return (hasher: PasswordHasher, email: string) =>
    statements.transaction(async (statement) => {
      const held = { ...statements, statement };
      const account = await accountBook(held).findByEmail(email);
      const { isRight } = await hasher.verify(password, account?.passwordHash);
      if (account === undefined || !isRight) return false;
      const parts = { logins: loginBook(held), tokens, clock: systemClock };
      return (
        (await beginLogin({ ...parts, accessMs: 1_000, loginMs: 60_000 }, account, '')) !==
        undefined
      );
    });
}

describe('fifty logins over two connections', () => {
  test('all succeed, and nobody has a connection while their password is hashed', async () => {
    const world = await open(true);
    const seen = await storm(world, inOrder(world));
    expect(seen.succeeded).toBe(riderCount);
    expect(seen.heldWhileHashing).toBe(0);
    // Who waits, waits for a worker.
    expect(seen.hashingMax).toBeGreaterThan(connectionsMax);
  });

  test('with the order reversed the same check fails: those who hash have every connection there is', async () => {
    const world = await open(false);
    const seen = await storm(world, reversed(world));
    expect(seen.heldWhileHashing).toBe(connectionsMax);
    expect(seen.hashingMax).toBe(connectionsMax);
  });

  test('and it cannot come back unseen: a hash inside a transaction is refused', async () => {
    const world = await open(true);
    const login = reversed(world);
    await expect(login(world.hasher, emailOf(0))).rejects.toThrow(
      'A password is hashed while a database connection is held.',
    );
    // However many calls lie between the two.
    const later = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));
    await expect(
      world.statements.transaction(async () => {
        await later();
        return (async () => world.hasher.hash(password))();
      }),
    ).rejects.toThrow('A password is hashed while a database connection is held.');
    expect(await world.hasher.hash(password)).toMatch(/^\$2b\$/);
  });
});

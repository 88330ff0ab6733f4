import { afterEach, describe, expect, test } from 'vitest';

import { accountBook } from '../../server/accounts/account-book.ts';
import { accountRates } from '../../server/accounts/account-rates.ts';
import { accountTokens, newAccountId } from '../../server/accounts/account-tokens.ts';
import { hashWorkerDefault } from '../../server/accounts/accounts.ts';
import { loginBook } from '../../server/accounts/login-book.ts';
import { signIn } from '../../server/accounts/sign-in.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';
import { startHasher } from '../../server/hashing/password-hasher.ts';
import { connectPostgres } from '../../server/store/postgres/connect-postgres.ts';
import { migrate } from '../../server/store/postgres/migrate.ts';
import { statementPool, type StatementPool } from '../../server/store/postgres/statement-pool.ts';
import { systemClock } from '../../shared/clock.ts';
import { testSecret } from '../support/live-server.ts';
import { freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { goodPassword, startAccountServer, type AccountServer } from './account-server.ts';

const servers: AccountServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});
async function start(options: Parameters<typeof startAccountServer>[0]): Promise<AccountServer> {
  const server = await startAccountServer(options);
  servers.push(server);
  return server;
}

/** So many that no rate limit is met. */
const unlimited = {
  loginByAddress: { name: 'login-address', burst: 1_000, eachMs: 1 },
  loginByAccount: { name: 'login-account', burst: 1_000, eachMs: 1 },
};

describe('a storm of logins', () => {
  test('is refused at once beyond those who may wait, with the time to come back', async () => {
    const server = await start({ hashCost: 10, hashWaitingMax: 3, rates: unlimited });
    await server.register('ada@example.com');
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => server.login('ada@example.com')),
    );
    const refused = answers.filter(({ status }) => status === 503);
    const served = answers.filter(({ status }) => status === 200);
    expect(served.length).toBeGreaterThanOrEqual(4);
    expect(served.length + refused.length).toBe(12);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers, body } of refused) {
      expect(body['code']).toBe('hashing-busy');
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    }
    expect((await server.login('ada@example.com')).status).toBe(200);
  });

  test('leaves one core to live sessions', () => {
    expect([1, 2, 4, 8].map((cores) => hashWorkerDefault(cores))).toEqual([1, 1, 3, 7]);
  });
});

describe('rate limits', () => {
  const three = { name: 'login-account', burst: 3, eachMs: 600_000 };

  test('hold for an account over all instances and all addresses, and outlive a restart', async () => {
    const postgres = (await freshPostgres()).url;
    const redis = (await freshRedis()).url;
    const options = { postgres, redis, rates: { loginByAccount: three } };
    const first = await start(options);
    await first.register('ada@example.com');
    const other = await start(options);
    const wrong = (server: AccountServer) => server.login('ada@example.com', 'wrong by far');
    expect((await wrong(first)).status).toBe(401);
    expect((await wrong(other)).status).toBe(401);
    await servers.shift()?.stop();
    const restarted = await start(options);
    expect((await wrong(restarted)).status).toBe(401);
    const refused = await wrong(restarted);
    expect([refused.status, refused.body['code']]).toEqual([429, 'too-many-tries']);
    const waitS = Number(refused.headers.get('retry-after'));
    expect(waitS).toBeGreaterThan(0);
    expect(waitS).toBeLessThanOrEqual(600);
    // Even with the right password, and by whatever instance.
    expect((await other.login('ada@example.com')).status).toBe(429);
    // Another account is free to come in.
    await other.register('bob@example.com');
    expect((await other.login('bob@example.com')).status).toBe(200);
  });

  test('do not tell an account from none, and a right password clears them', async () => {
    const server = await start({ rates: { loginByAccount: three } });
    await server.register('ada@example.com');
    for (let round = 0; round < 3; round++) {
      expect((await server.login('ada@example.com', 'wrong by far')).status).toBe(401);
      expect((await server.login('ada@example.com')).status).toBe(200);
    }
    const statuses = async (email: string): Promise<number[]> => {
      const answers: number[] = [];
      for (let round = 0; round < 4; round++)
        answers.push((await server.login(email, 'wrong by far')).status);
      return answers;
    };
    expect(await statuses('ada@example.com')).toEqual([401, 401, 401, 429]);
    expect(await statuses('nobody@example.com')).toEqual([401, 401, 401, 429]);
  });

  test('hold for an address over all instances, whoever it claims to be', async () => {
    const rates = { loginByAddress: { ...three, name: 'login-address' } };
    const first = await start({ rates });
    const other = await start({ rates, ...first.stores });
    const answers: number[] = [];
    for (const [round, server] of [first, other, first, other, first].entries())
      answers.push((await server.login(`rider-${round}@example.com`)).status);
    expect(answers).toEqual([401, 401, 401, 429, 429]);
  });

  test('lock nobody out: who uses up an account’s tries keeps no device of its owner from anything, nor its mailbox', async () => {
    const server = await start({ rates: { loginByAccount: three } });
    const email = 'ada@example.com';
    const { access } = await server.register(email);
    for (let round = 0; round < 3; round++) await server.login(email, 'wrong by far');
    expect((await server.login(email)).status).toBe(429);
    const next = 'tailwind to the sea';
    const change = (password: string) =>
      server.ask('POST', '/v1/accounts/me/password', {
        access,
        body: { password, new_password: next },
      });
    expect((await change(goodPassword)).status).toBe(204);
    expect((await server.login(email, next)).status).toBe(429);
    const { burst } = accountRates.proofByLogin;
    for (let round = 0; round < burst; round++) expect((await change('wrong')).status).toBe(401);
    expect((await change(next)).status).toBe(429);
    await server.ask('POST', '/v1/accounts/resets', { body: { email } });
    const body = { token: server.mailedToken(email), password: goodPassword };
    expect((await server.ask('POST', '/v1/accounts/passwords', { body })).status).toBe(200);
    expect((await server.login(email)).status).toBe(200);
  });

  test('bound the mails that are sent to one address', async () => {
    const server = await start({});
    const answers: number[] = [];
    for (let round = 0; round <= accountRates.mailByAccount.burst; round++)
      answers.push(
        (await server.ask('POST', '/v1/accounts', { body: { email: 'ada@example.com' } })).status,
      );
    expect(answers).toEqual([202, 202, 202, 429]);
    expect(server.mails()).toHaveLength(3);
  });

  test('bound the mails that one address asks for, to whomever, and its refreshes', async () => {
    const rates = {
      mailByAddress: { ...three, name: 'mail-address' },
      refreshByAddress: { ...three, name: 'refresh-address' },
    };
    const server = await start({ rates });
    const answers: number[] = [];
    for (let round = 0; round < 4; round++) {
      const body = { email: `rider-${round}@example.com` };
      answers.push((await server.ask('POST', '/v1/accounts', { body })).status);
      answers.push((await server.ask('POST', '/v1/logins/refresh', { body: {} })).status);
    }
    expect(answers).toEqual([202, 401, 202, 401, 202, 401, 429, 429]);
  });

  test('are kept by each instance where there is no Redis', async () => {
    const server = await start({ withoutRedis: true, rates: { loginByAccount: three } });
    const answers: number[] = [];
    for (let round = 0; round < 4; round++)
      answers.push((await server.login('ada@example.com')).status);
    expect(answers).toEqual([401, 401, 401, 429]);
  });
});

describe('signing in', () => {
  test('makes the same work for a wrong password as for an unknown address: hashing and statements, side by side', async () => {
    const { parts, statements, close } = await openParts(8);
    try {
      const cheap = await startHasher({ ...hasherOptions, cost: 5 });
      await parts.accounts.putOperator(newAccountId(), 'old@x', await cheap.hash(goodPassword));
      await parts.accounts.putOperator(
        newAccountId(),
        'new@x',
        await parts.hasher.hash(goodPassword),
      );
      await cheap.close();
      const work = async (email: string) => {
        const rounds: number[] = [];
        const before = statements.count();
        const watched = {
          ...parts.hasher,
          verify: async (...task: Parameters<typeof parts.hasher.verify>) => {
            const verdict = await parts.hasher.verify(...task);
            rounds.push(verdict.rounds);
            return verdict;
          },
        };
        const signedIn = await signIn(
          { ...parts, hasher: watched },
          { email, password: 'wrong by far', device: '' },
        );
        return { signedIn, rounds, statements: statements.count() - before };
      };
      const expected = { signedIn: undefined, rounds: [256], statements: 1 };
      expect(await work('nobody@x')).toEqual(expected);
      expect(await work('new@x')).toEqual(expected);
      // Whose hash is of an older, lower cost cannot be told either.
      expect(await work('old@x')).toEqual(expected);
    } finally {
      await close();
    }
  });

  test('renews a hash whose cost is too low by now, and only with the right password', async () => {
    const { parts, close } = await openParts(6);
    try {
      const cheap = await startHasher({ ...hasherOptions, cost: 4 });
      const former = await cheap.hash(goodPassword);
      await cheap.close();
      await parts.accounts.putOperator(newAccountId(), 'ada@x', former);
      const login = (password: string) => signIn(parts, { email: 'ada@x', password, device: '' });
      const stored = async () => (await parts.accounts.findByEmail('ada@x'))?.passwordHash;
      expect(await login('wrong by far')).toBeUndefined();
      expect(await stored()).toBe(former);
      expect(await login(goodPassword)).toBeDefined();
      const renewed = await stored();
      expect(renewed).toMatch(/^\$2b\$06\$/);
      expect(await login(goodPassword)).toBeDefined();
      expect(await stored()).toBe(renewed);
    } finally {
      await close();
    }
  });
});

const hasherOptions = { workerCount: 1, waitingMax: 50, isHoldingConnection: () => false };

/** What a login is made of, without a server around it; statements are counted. */
async function openParts(cost: number) {
  const { url } = await freshPostgres();
  const pool = connectPostgres(url, () => {});
  await migrate(pool);
  const statements = statementPool(pool);
  let count = 0;
  const counted: StatementPool = {
    ...statements,
    statement: (...task) => {
      count++;
      return statements.statement(...task);
    },
  };
  const hasher = await startHasher({ ...hasherOptions, cost });
  const parts = {
    accounts: accountBook(counted),
    logins: loginBook(counted),
    tokens: accountTokens(signingKeys([testSecret])),
    clock: systemClock,
    accessMs: 1_000,
    loginMs: 60_000,
    hasher,
  };
  const close = async (): Promise<void> => {
    await hasher.close();
    await statements.close();
  };
  return { parts, statements: { count: () => count }, close };
}

/** Accounts, for a service whose sessions belong to people: everything put together by hand, to be given to `trackstand` as owners. */
import { availableParallelism } from 'node:os';

import type { FastifyInstance } from 'fastify';

import { systemClock } from '../../shared/clock.ts';
import { signingKeys } from '../auth/signing-keys.ts';
import { startHasher } from '../hashing/password-hasher.ts';
import type { ConnectOwners } from '../http/session-owners.ts';
import { StoreUnavailableError } from '../store/journal.ts';
import { openAccountStores } from '../store/open-account-stores.ts';
import type { StatementPool } from '../store/postgres/statement-pool.ts';
import { askerOf, findAsker } from './access.ts';
import { accountBook } from './account-book.ts';
import type { AccountParts } from './account-parts.ts';
import { installAccountProblems } from './account-problems.ts';
import { accountRates, takeTries, type AccountRates } from './account-rates.ts';
import type { AccountRoom } from './account-room.ts';
import { installAccountRoutes } from './account-routes.ts';
import { accountTokens } from './account-tokens.ts';
import { startEndingRights } from './end-rights.ts';
import { loginBook } from './login-book.ts';
import { installLoginRoutes } from './login-routes.ts';
import { createMailer, type Mailer } from './mailer.ts';
import { ownedSessionBook } from './owned-session-book.ts';
import { installOwnedSessionRoutes } from './owned-session-routes.ts';

export interface AccountsOptions {
  readonly postgres: string;
  /** Signs access and refresh tokens; of several the first signs, and all prove. */
  readonly secrets: readonly string[];
  readonly publicUrl?: string | undefined;
  /** log2 of bcrypt's rounds. */
  readonly hashCost: number;
  /** Where mail goes, and from whom; without it nobody can register or choose another password by mail. */
  readonly mail?: { readonly url: string; readonly from: string } | undefined;
  /** Threads that hash; by default one core is left to live sessions. */
  readonly hashWorkerCount?: number | undefined;
  readonly hashWaitingMax?: number | undefined;
  readonly connectionsMax?: number | undefined;
  readonly accessMs?: number | undefined;
  readonly loginMs?: number | undefined;
  readonly rates?: Partial<AccountRates> | undefined;
  /** What else the service keeps for who is signed in. */
  readonly rooms?: readonly AccountRoom[] | undefined;
}

const defaults = {
  /** How long a stolen access token is good where nothing is looked up. */
  accessMs: 10 * 60_000,
  /** A device that is used every month stays signed in. */
  loginMs: 30 * 24 * 3_600_000,
  /** At a quarter of a second each, whoever is last in line waits some ten seconds a worker: as long as a person does. */
  hashWaitingMax: 50,
};

/** Leaves one core to live sessions where there is more than one. */
export function hashWorkerDefault(coreCount = availableParallelism()): number {
  return Math.max(1, coreCount - 1);
}

/** Closes with the app. Rejects with one sentence when it cannot begin. */
export function accounts(options: AccountsOptions): ConnectOwners {
  return async (app, office) => {
    const clock = systemClock;
    const { statements } = openAccountStores({
      postgres: options.postgres,
      connectionsMax: options.connectionsMax,
      warn: (error) =>
        app.log.warn({ store: 'Postgres', reason: error.message }, 'a store is in trouble'),
    });
    const hasher = await startHasher({
      cost: options.hashCost,
      workerCount: options.hashWorkerCount ?? hashWorkerDefault(),
      waitingMax: options.hashWaitingMax ?? defaults.hashWaitingMax,
      isHoldingConnection: statements.isHolding,
      reportError: (error) => app.log.error({ err: error }, 'a thread that hashes broke'),
    });
    const mailer = options.mail && openMailer(app, options.mail);
    const logins = loginBook(statements);
    const rights = startEndingRights({
      logins,
      sessions: office,
      clock,
      reportError: (error) => reportEnding(app, error),
    });
    const parts: AccountParts = {
      ...readOptions(options),
      ...booksOf(statements, options.secrets),
      limit: office.limit,
      hasher,
      mailer,
      sessions: office,
      clock,
      revokeSoon: rights.soon,
    };
    await installRoutes(app, parts, statements, options.rooms ?? []);
    app.addHook('onClose', async () => {
      await rights.stop();
      await mailer?.close();
      await hasher.close();
      await statements.close();
    });
    return {
      begins: (authorization) => begins(parts, authorization),
      ownerOf: (sessionId) => parts.logins.ownerOf(sessionId),
      hashing: () => ({ pendingCount: hasher.pendingCount(), hashMs: hasher.hashMs() }),
      isOperator: async (authorization) =>
        (await findAsker(parts, authorization))?.account.isOperator === true,
    };
  };
}

function readOptions(options: AccountsOptions) {
  return {
    publicUrl: options.publicUrl,
    accessMs: options.accessMs ?? defaults.accessMs,
    loginMs: options.loginMs ?? defaults.loginMs,
    rates: { ...accountRates, ...options.rates },
  };
}

function booksOf(statements: StatementPool, secrets: readonly string[]) {
  return {
    accounts: accountBook(statements),
    logins: loginBook(statements),
    owned: ownedSessionBook(statements),
    tokens: accountTokens(signingKeys(secrets)),
  };
}

function openMailer(app: FastifyInstance, mail: { url: string; from: string }): Mailer {
  return createMailer(mail, {
    clock: systemClock,
    print: (printed) => app.log.warn({ mail: printed }, 'a mail, in the place of sending it'),
    reportError: (reason) => app.log.error({ reason }, 'a mail was not sent'),
  });
}

/** While a store is away the next look does it: that is no news. */
function reportEnding(app: FastifyInstance, error: unknown): void {
  if (error instanceof StoreUnavailableError) return;
  app.log.error({ err: error }, 'the right of a client could not be ended yet');
}

async function installRoutes(
  app: FastifyInstance,
  parts: AccountParts,
  statements: StatementPool,
  rooms: readonly AccountRoom[],
): Promise<void> {
  await app.register((below, _options, done) => {
    installAccountProblems(below);
    installAccountRoutes(below, parts);
    installLoginRoutes(below, parts);
    installOwnedSessionRoutes(below, parts);
    for (const room of rooms)
      room(below, {
        accountOf: async (request) => (await askerOf(parts, request)).identity.accountId,
        take: (rate, key) => takeTries(parts.limit, [rate, key]),
        statements,
      });
    done();
  });
}

/** An access token that is no good is refused rather than taken for nobody's: its device must refresh it, or its ride is lost to it. */
async function begins(parts: AccountParts, authorization: string | undefined) {
  if (authorization === undefined) return { kind: 'nobody' as const };
  const asker = await findAsker(parts, authorization);
  if (asker === undefined) return { kind: 'refused' as const };
  const waitMs = await parts.limit.take(parts.rates.sessionByAccount, asker.account.accountId);
  if (waitMs > 0) return { kind: 'limited' as const, retryAfterS: Math.ceil(waitMs / 1_000) };
  const own = async (sessionId: string, clientId: string): Promise<void> => {
    if (await parts.logins.own(asker.identity, { sessionId, clientId })) return;
    // Asked for again by the device that began it, when it is another account's, or was deleted: it stays so, and the connection tells. [R13]
    if ((await findAsker(parts, authorization)) === undefined)
      throw new StoreUnavailableError('Postgres', 'the login ended at that moment');
  };
  return { kind: 'owner' as const, own };
}

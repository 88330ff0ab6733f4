/** The stores of accounts: connections of their own, so that a storm of logins takes none from live sessions. */
import { connectPostgres } from './postgres/connect-postgres.ts';
import { migrate } from './postgres/migrate.ts';
import { statementPool, type StatementPool } from './postgres/statement-pool.ts';

export interface AccountStoreOptions {
  readonly postgres: string;
  readonly connectionsMax?: number | undefined;
  /** A connection broke, and what it said. */
  readonly warn: (error: Error) => void;
}

export interface AccountStores {
  readonly statements: StatementPool;
  /** Brings the database up to date, for who comes before the first server. */
  readonly migrate: () => Promise<unknown>;
}

/** A statement takes a millisecond: these serve hundreds of logins a second, and hashing is the bound long before. */
const connectionsDefault = 4;

/** Connects when it is needed; closing the statements closes it all. Throws one sentence when the URL cannot be read. */
export function openAccountStores({
  postgres,
  connectionsMax = connectionsDefault,
  warn,
}: AccountStoreOptions): AccountStores {
  const pool = connectPostgres(postgres, warn, connectionsMax);
  return { statements: statementPool(pool), migrate: () => migrate(pool) };
}

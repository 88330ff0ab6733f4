/**
 * Connections to Postgres for those who do slow things in between. Nobody is ever given a connection: a statement takes one and
 * gives it back before it answers. What must be one transaction runs inside `transaction`, and whoever does slow work there is found
 * out by `isHolding`.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

import type { Pool, QueryResultRow } from 'pg';

import { StoreUnavailableError } from '../journal.ts';

/** Runs one statement. Rejects with StoreUnavailableError. */
export type Statement = <Row extends QueryResultRow>(
  sql: string,
  values: readonly unknown[],
) => Promise<Row[]>;

export interface StatementPool {
  readonly statement: Statement;
  /** Runs the work on one connection between `begin` and `commit`; any error rolls back. Nothing but statements belongs in it. */
  readonly transaction: <Result>(
    work: (statement: Statement) => Promise<Result>,
  ) => Promise<Result>;
  /** Whether the caller, by whatever way it was called, is inside a transaction and so keeps a connection from others. */
  readonly isHolding: () => boolean;
  readonly close: () => Promise<void>;
}

/** The pool is this one's alone from now on. */
export function statementPool(pool: Pool): StatementPool {
  const holding = new AsyncLocalStorage<true>();
  return {
    statement: async <Row extends QueryResultRow>(sql: string, values: readonly unknown[]) =>
      (await pool.query<Row>(sql, [...values]).catch(unavailable)).rows,
    transaction: (work) =>
      holding.run(true, async () => {
        const client = await pool.connect().catch(unavailable);
        try {
          await client.query('begin').catch(unavailable);
          const result = await work(
            async <Row extends QueryResultRow>(sql: string, values: readonly unknown[]) =>
              (await client.query<Row>(sql, [...values]).catch(unavailable)).rows,
          );
          await client.query('commit').catch(unavailable);
          client.release();
          return result;
        } catch (error) {
          // A connection in an unknown state is not given back: the server rolls back when it is gone.
          client.release(true);
          throw error;
        }
      }),
    isHolding: () => holding.getStore() === true,
    close: () => pool.end(),
  };
}

function unavailable(cause: unknown): never {
  throw new StoreUnavailableError('Postgres', cause);
}

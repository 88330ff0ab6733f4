/** Asks Postgres one statement; whatever goes wrong means that the outcome is not known. */
import type { Pool, QueryResultRow } from 'pg';

import { StoreUnavailableError } from '../journal.ts';

export type Query = <Row extends QueryResultRow>(sql: string, values: unknown[]) => Promise<Row[]>;

export function askingPostgres(pool: Pool): Query {
  return async <Row extends QueryResultRow>(sql: string, values: unknown[]) => {
    try {
      return (await pool.query<Row>(sql, values)).rows;
    } catch (cause) {
      throw new StoreUnavailableError('Postgres', cause);
    }
  };
}

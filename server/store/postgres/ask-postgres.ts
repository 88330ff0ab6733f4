/** Asks Postgres one statement; whatever goes wrong means that the outcome is not known. */
import type { Pool, QueryResultRow } from 'pg';

import { StoreUnavailableError } from '../journal.ts';

export type Query = <Row extends QueryResultRow>(sql: string, values: unknown[]) => Promise<Row[]>;

export function askingPostgres(pool: Pool): Query {
  return async <Row extends QueryResultRow>(sql: string, values: unknown[]) => {
    try {
      return (await pool.query<Row>(sql, values)).rows;
    } catch (cause) {
      throw new StoreUnavailableError('Postgres', cause, { isAboutSession: isAboutRows(cause) });
    }
  };
}

/** It answers, and cannot read what it was asked for: SQLSTATE of damaged pages, and of values that are none. */
function isAboutRows(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && /^(XX001|XX002|22[0-9A-Z]{3})$/.test(code);
}

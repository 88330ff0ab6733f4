/** The pool of connections to Postgres. */
import { Pool } from 'pg';

/** Milliseconds to wait for a connection, and for a statement, before Postgres counts as away. */
const connectTimeoutMs = 2_000;
const statementTimeoutMs = 10_000;

export function connectPostgres(
  url: string,
  reportError: (error: Error) => void,
  connectionsMax = 8,
): Pool {
  const pool = new Pool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs,
    // Ends with the process instead of holding it up.
    allowExitOnIdle: true,
  });
  // An idle connection that breaks is replaced when it is needed; unheard, its error would end the process.
  pool.on('error', reportError);
  return pool;
}

/** What Postgres itself has of the sessions that were used: every command once, in order, or not. */
import { Pool } from 'pg';

import { StoredLog, type StoredRow } from '../chaos/stored-log.ts';

export interface Given {
  readonly sessionId: string;
  readonly clientId: string;
  /** When each command was given, in order: no two at the same moment, which is how they are told apart. */
  readonly times: readonly number[];
}

const rowsSql = `
select prev::float8, head::float8, entries, extract(epoch from written_at)::float8 * 1000 as "writtenAtMs"
from trackstand.session_log where session_id = $1 order by head`;

/** Those of which a command is missing, there twice, out of place, or that have one nobody gave. */
export async function sessionsNotIn<Session>(
  postgres: string,
  sessions: readonly Session[],
  givenIn: (session: Session) => Given,
): Promise<Session[]> {
  const pool = new Pool({ connectionString: postgres, max: 1 });
  const wrong: Session[] = [];
  try {
    for (const session of sessions) {
      const given = givenIn(session);
      const { rows } = await pool.query<StoredRow>(rowsSql, [given.sessionId]);
      if (!isWhole(rows, given)) wrong.push(session);
    }
  } finally {
    await pool.end();
  }
  return wrong;
}

/** Pure. */
export function isWhole(rows: readonly StoredRow[], { clientId, times }: Given): boolean {
  const log = new StoredLog();
  log.take(rows);
  const { outcomes, faults } = log;
  return (
    faults.length === 0 &&
    outcomes.length === times.length &&
    outcomes.every(
      (outcome, index) =>
        outcome.clientId === clientId &&
        outcome.atMs === times[index] &&
        outcome.refused === undefined,
    )
  );
}

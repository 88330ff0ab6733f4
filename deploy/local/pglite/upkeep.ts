/** What a Postgres does for itself in background processes, of which PGlite has none: vacuum and checkpoints. */
import type { Backend } from './backend.ts';

const everyMs = 30_000;

/** Written-ahead log since the last checkpoint. It bounds the recovery after `kill -9` to a second or two. */
const walBytesMax = 64 * 1024 * 1024;

/** Half of what autovacuum waits for: a live session rewrites few rows often. */
const dueTables = `
  select format('%I.%I', schemaname, relname) from pg_stat_user_tables
  where n_dead_tup > 500 + 0.1 * n_live_tup or n_mod_since_analyze > 500 + 0.1 * n_live_tup`;

const walBytes = `
  select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) from pg_control_checkpoint()`;

/** Upkeep that goes on in the background. */
export interface Upkeep {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** Looks every half minute what is due, and does it between the turns of the clients. Trouble is told, and tried again. */
export function startUpkeep(backend: Backend, onTrouble: (error: unknown) => void): Upkeep {
  let isStopped = false;
  let isBusy = false;
  let round = Promise.resolve();
  const timer = setInterval(() => {
    if (isStopped || isBusy) return;
    isBusy = true;
    round = keepUp(backend, () => isStopped)
      .catch(onTrouble)
      .finally(() => {
        isBusy = false;
      });
  }, everyMs);
  timer.unref();
  return {
    stop: async () => {
      isStopped = true;
      clearInterval(timer);
      await round;
    },
  };
}

/** One round of upkeep. Clients come in between its steps, of which none takes long. */
export async function keepUp(backend: Backend, isStopped = () => false): Promise<void> {
  const client = { settings: [] };
  const query = async (sql: string): Promise<readonly (readonly string[])[]> => {
    const turn = await backend.take(client);
    try {
      return await turn.query(sql);
    } finally {
      turn.end();
    }
  };
  for (const [table = ''] of await query(dueTables)) {
    if (isStopped()) return;
    await query(`vacuum (analyze) ${table}`);
  }
  const [written] = await query(walBytes);
  if (Number(written?.[0]) > walBytesMax && !isStopped()) await query('checkpoint');
}

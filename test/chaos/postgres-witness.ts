/** Reads what Postgres really has, past the service and its proxies, and holds every "checkpointed" that was told against it. */
import { Pool } from 'pg';

import { delay, systemClock } from '../../shared/clock.ts';
import type { Finding } from './findings.ts';
import { StoredLog, type StoredRow } from './stored-log.ts';

/** A checkpoint as a client was told of it. */
export interface Told {
  readonly sessionId: string;
  readonly incarnation: string;
  readonly seq: number;
  readonly atMs: number;
}

/** How far Postgres is known to have a session. */
interface Known {
  readonly log: StoredLog;
  /** When the row of a seq was begun, by incarnation. */
  readonly writtenAtMs: Map<string, Map<number, number>>;
}

/** Milliseconds between two looks for what was told, and a pause when Postgres is away. */
const lookMs = 20;
const awayMs = 300;

/** Milliseconds within which a checkpoint must come when nothing goes wrong. */
const checkpointMsMax = 30_000;

/** Milliseconds a query of ours may take: Postgres itself is never frozen, only the ways to it, but all that waited for it comes back at once. */
const queryTimeoutMs = 30_000;

/** Milliseconds by which two clocks of one machine may seem to differ: one counts in microseconds, the other in whole ms. */
const clockMs = 2;

const rowsSql = `
select prev::float8, head::float8, entries, extract(epoch from written_at)::float8 * 1000 as "writtenAtMs"
from trackstand.session_log where session_id = $1 and head > $2 order by head`;

export class PostgresWitness {
  readonly #pool: Pool;
  readonly #found: (finding: Finding) => void;
  readonly #known = new Map<string, Known>();
  #told: Told[] = [];
  #isOver = false;
  #isVerifying = false;
  #verifiedCount = 0;
  readonly #watching: Promise<void>;

  /** `url`: of Postgres itself. */
  constructor(url: string, found: (finding: Finding) => void) {
    this.#pool = new Pool({
      connectionString: url,
      max: 2,
      connectionTimeoutMillis: queryTimeoutMs,
      query_timeout: queryTimeoutMs,
    });
    // It breaks whenever Postgres is killed; the next query opens another connection.
    this.#pool.on('error', () => {});
    this.#found = found;
    this.#watching = this.#watch();
  }

  /** Checkpoints told that were looked up. */
  get verifiedCount(): number {
    return this.#verifiedCount;
  }

  told(told: Told): void {
    this.#told.push(told);
  }

  /**
   * All rows of a session, read anew, once they reach that offset: a client that came back last is an entry too, which no watermark
   * tells of. Rejects while Postgres is away; a checkpoint that does not come is for the caller to find.
   */
  async rowsThrough(sessionId: string, offset: number): Promise<readonly StoredRow[]> {
    const deadlineMs = systemClock.nowMs() + checkpointMsMax;
    for (;;) {
      const rows = await this.#query(sessionId, -1);
      if ((rows.at(-1)?.head ?? 0) >= offset || systemClock.nowMs() > deadlineMs) return rows;
      await delay(systemClock, awayMs);
    }
  }

  /** Resolves when everything told so far was looked up, as soon as Postgres answers. */
  async caughtUp(): Promise<void> {
    while (this.#told.length > 0 || this.#isVerifying) await delay(systemClock, lookMs);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#watching;
    await this.#pool.end();
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      await delay(systemClock, lookMs);
      const told = this.#told;
      this.#told = [];
      this.#isVerifying = true;
      try {
        for (const sessionId of new Set(told.map((one) => one.sessionId)))
          await this.#verify(
            sessionId,
            told.filter((one) => one.sessionId === sessionId),
          );
      } catch {
        // Postgres is away: what was told before is looked up when it is back, by the times it has written.
        this.#told = [...told, ...this.#told];
        await delay(systemClock, awayMs);
      }
      this.#isVerifying = false;
    }
  }

  async #verify(sessionId: string, told: readonly Told[]): Promise<void> {
    const known = this.#known.get(sessionId) ?? { log: new StoredLog(), writtenAtMs: new Map() };
    this.#known.set(sessionId, known);
    await this.#readOn(sessionId, known);
    for (const { incarnation, seq, atMs } of told) {
      this.#verifiedCount += 1;
      const writtenAtMs = known.writtenAtMs.get(incarnation)?.get(seq);
      const what = `seq ${seq} of ${incarnation.slice(0, 6)} was told as checkpointed`;
      if (writtenAtMs === undefined)
        this.#early(sessionId, `${what}, and Postgres does not have it.`);
      else if (writtenAtMs > atMs + clockMs)
        this.#early(sessionId, `${what} ${Math.round(writtenAtMs - atMs)} ms before it was.`);
    }
  }

  async #readOn(sessionId: string, { log, writtenAtMs }: Known): Promise<void> {
    const from = log.outcomes.length;
    log.take(await this.#query(sessionId, log.head));
    for (const outcome of log.outcomes.slice(from)) {
      const written = writtenAtMs.get(outcome.incarnation) ?? new Map<number, number>();
      writtenAtMs.set(outcome.incarnation, written);
      if (!written.has(outcome.seq)) written.set(outcome.seq, outcome.writtenAtMs);
    }
  }

  #early(sessionId: string, sentence: string): void {
    this.#found({ kind: 'told-too-early', sessionId, sentence });
  }

  async #query(sessionId: string, afterHead: number): Promise<StoredRow[]> {
    return (await this.#pool.query<StoredRow>(rowsSql, [sessionId, afterHead])).rows;
  }
}

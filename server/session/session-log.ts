/** Where one session's entries go first: Redis, or Postgres while there is no Redis. */
import { delay, type Clock } from '../../shared/clock.ts';
import type { Snapshot } from '../../shared/protocol/frames.ts';
import { StoreUnavailableError, type AppendResult, type Batch } from '../store/journal.ts';
import type { Journals } from '../store/journals.ts';
import type { OpenedSession } from './open-session.ts';
import { holdsMore } from './reconcile.ts';

/** How often an append with an unknown outcome is tried again, and how long it waits before, doubling. [O3] */
const appendRetriesMax = 4;
const appendRetryMs = 50;

export class SessionLog {
  readonly #session: OpenedSession;
  readonly #journals: Journals;
  readonly #clock: Clock;
  #isInRedis: boolean;

  constructor(session: OpenedSession, journals: Journals, clock: Clock) {
    this.#session = session;
    this.#journals = journals;
    this.#clock = clock;
    this.#isInRedis = session.isLogged;
  }

  /** Whether Redis is the log. Otherwise accepted means saved. */
  get isInRedis(): boolean {
    return this.#isInRedis;
  }

  /** Tries identically until the outcome is known, within bounds, or as long as the caller wants it. [O3] */
  async append(
    content: Pick<Batch, 'prev' | 'head' | 'entries' | 'snapshot' | 'isEnd'>,
    isWanted: () => boolean,
  ): Promise<AppendResult | 'unavailable'> {
    const { sessionId, ownerId, epoch } = this.#session;
    const batch: Batch = { sessionId, ownerId, epoch, ...content };
    const { log, checkpoints } = this.#journals;
    const journal = this.#isInRedis && log !== undefined ? log : checkpoints;
    for (let retries = 0; ; retries++) {
      const result = await orUnavailable(journal.append(batch));
      if (result !== 'unavailable' || retries === appendRetriesMax || !isWanted()) return result;
      await delay(this.#clock, appendRetryMs * 2 ** retries);
    }
  }

  /** Whether this owner still is one, asked of the store it writes to. */
  confirm(head: number): Promise<AppendResult | 'unavailable'> {
    const { sessionId, ownerId, epoch } = this.#session;
    const { log, checkpoints } = this.#journals;
    const journal = this.#isInRedis && log !== undefined ? log : checkpoints;
    return orUnavailable(journal.confirm({ sessionId, ownerId, epoch, head }));
  }

  /**
   * Redis may be back: it gets the session as it is now, and is its log again. Nothing is in flight meanwhile. Returns false when
   * another owner has it there, or when it holds commands that are not here: they are taken over when the session is opened anew.
   * While Redis is away, the circuit answers at once. [R11]
   */
  async rejoin(snapshot: Snapshot): Promise<boolean> {
    const { log } = this.#journals;
    if (this.#isInRedis || log === undefined) return true;
    const { sessionId, ownerId, term, epoch } = this.#session;
    const held = await orUnavailable(log.peek(sessionId));
    if (held === 'unavailable') return true;
    if (held.kind === 'taken' && holdsMore(held, snapshot)) return false;
    const start = { sessionId, ownerId, term, epoch, snapshot };
    const result = await orUnavailable(log.startEpoch(start));
    this.#isInRedis = result === 'appended';
    return result === 'appended' || result === 'unavailable';
  }
}

async function orUnavailable<Result>(asked: Promise<Result>): Promise<Result | 'unavailable'> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof StoreUnavailableError) return 'unavailable';
    throw error;
  }
}

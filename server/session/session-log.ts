/** Where one session's entries go first: Redis, or Postgres while there is no Redis. */
import { delay, type Clock } from '../../shared/clock.ts';
import type { Snapshot } from '../../shared/protocol/frames.ts';
import {
  StoreUnavailableError,
  type AppendResult,
  type Batch,
  type Journal,
  type TakenOver,
} from '../store/journal.ts';
import type { Journals } from '../store/journals.ts';
import type { OpenedSession } from './open-session.ts';
import { holdsMore } from './reconcile.ts';

/** How often a question to the log without an answer is put again, and how long it waits before, doubling. [O3] */
const retriesMax = 4;
const retryMs = 50;

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
  append(
    content: Pick<Batch, 'prev' | 'head' | 'entries' | 'snapshot' | 'isEnd'>,
    isWanted: () => boolean,
  ): Promise<AppendResult | 'unavailable'> {
    const { sessionId, ownerId, epoch } = this.#session;
    const batch: Batch = { sessionId, ownerId, epoch, ...content };
    const journal = this.#journal;
    return this.#untilKnown(() => journal.append(batch), isWanted);
  }

  /** Whether the log takes this owner for one, tried as an append is. Nothing else is in flight there meanwhile. */
  confirm(head: number, isWanted: () => boolean): Promise<AppendResult | 'unavailable'> {
    const { sessionId, ownerId, epoch } = this.#session;
    const journal = this.#journal;
    return this.#untilKnown(() => journal.confirm({ sessionId, ownerId, epoch, head }), isWanted);
  }

  /** Whether Postgres does, and has that much of its entries at least. May be asked at any time. */
  confirmSaved(head: number): Promise<AppendResult | 'unavailable'> {
    const { sessionId, ownerId, epoch } = this.#session;
    return orUnavailable(this.#journals.checkpoints.confirm({ sessionId, ownerId, epoch, head }));
  }

  get #journal(): Journal {
    const { log, checkpoints } = this.#journals;
    return this.#isInRedis && log !== undefined ? log : checkpoints;
  }

  async #untilKnown(
    ask: () => Promise<AppendResult>,
    isWanted: () => boolean,
  ): Promise<AppendResult | 'unavailable'> {
    for (let retries = 0; ; retries++) {
      const result = await orUnavailable(ask());
      if (result !== 'unavailable' || retries === retriesMax || !isWanted()) return result;
      await delay(this.#clock, retryMs * 2 ** retries);
    }
  }

  /**
   * Redis may be back: it gets the session as it is now, and is its log again. Nothing is in flight meanwhile. Returns false when
   * another owner has it there, or when it holds commands that are not here: they are taken over when the session is opened anew.
   * While Redis is away, the circuit answers at once. [R11]
   */
  async rejoin(snapshot: Snapshot): Promise<boolean> {
    const { log } = this.#journals;
    if (this.#isInRedis || log === undefined) return true;
    const held = await this.#claimIn(log, snapshot);
    if (held === 'unavailable') return true;
    if (held.kind === 'outrun' || held.kind === 'too-new') return false;
    if (held.kind === 'taken' && holdsMore(held, snapshot)) return false;
    const { sessionId, ownerId, term, epoch } = this.#session;
    const start = { sessionId, ownerId, term, epoch, snapshot };
    const result = await orUnavailable(log.startEpoch(start));
    this.#isInRedis = result === 'appended';
    return result === 'appended' || result === 'unavailable';
  }

  /**
   * All that Redis has, and nothing is added to it any more: a former owner that still reaches it would otherwise be told of commands
   * that the new epoch takes away. A Redis that answers and takes no write (full, a replica) is away.
   */
  async #claimIn(log: Journal, { kind, version }: Snapshot): Promise<TakenOver | 'unavailable'> {
    const { sessionId, ownerId, term } = this.#session;
    const claim = { sessionId, ownerId, term, versions: { [kind]: version } };
    const claimed = await orUnavailable(log.takeOver(claim));
    if (claimed === 'unavailable' || claimed.kind !== 'outrun' || claimed.term !== term)
      return claimed;
    // By its own earlier try, after which the epoch did not begin. Where it was another owner of this term, that is refused.
    return orUnavailable(log.peek(sessionId));
  }
}

/** No async function: each call of one allocates half a kilobyte, and every append comes by here. */
const orUnavailable = <Result>(asked: Promise<Result>): Promise<Result | 'unavailable'> =>
  asked.catch((error: unknown) => {
    if (error instanceof StoreUnavailableError) return 'unavailable';
    throw error;
  });

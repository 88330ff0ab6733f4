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

/** How often an append with an unknown outcome is tried again, and how long it waits before, doubling. [O3] */
const appendRetriesMax = 4;
const appendRetryMs = 50;

/** Up to where an owner believes that the session's log reaches, and Postgres: undefined while Postgres does not know this owner. */
export interface OwnedPlace {
  readonly head: number;
  readonly savedHead: number | undefined;
}

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
    const { log, checkpoints } = this.#journals;
    const journal = this.#isInRedis && log !== undefined ? log : checkpoints;
    return this.#untilKnown(() => journal.append(batch), isWanted);
  }

  /**
   * Whether this owner still is one, tried as an append is. Redis is asked as the log; Postgres as the log, or for what clients were
   * told to be saved: restored from a backup it may have forgotten that, or know a next owner that did not reach Redis. While it is
   * away, Redis speaks for both.
   */
  confirm(place: OwnedPlace, isWanted: () => boolean): Promise<AppendResult | 'unavailable'> {
    return this.#untilKnown(() => this.#confirmOnce(place), isWanted);
  }

  async #confirmOnce({ head, savedHead }: OwnedPlace): Promise<AppendResult> {
    const { sessionId, ownerId, epoch } = this.#session;
    const { log, checkpoints } = this.#journals;
    const place = { sessionId, ownerId, epoch };
    if (!this.#isInRedis || log === undefined) return checkpoints.confirm({ ...place, head });
    if (savedHead === undefined) return log.confirm({ ...place, head });
    const [logged, saved] = await Promise.all([
      log.confirm({ ...place, head }),
      orUnavailable(checkpoints.confirm({ ...place, head: savedHead })),
    ]);
    return logged === 'appended' && saved !== 'unavailable' ? saved : logged;
  }

  async #untilKnown(
    ask: () => Promise<AppendResult>,
    isWanted: () => boolean,
  ): Promise<AppendResult | 'unavailable'> {
    for (let retries = 0; ; retries++) {
      const result = await orUnavailable(ask());
      if (result !== 'unavailable' || retries === appendRetriesMax || !isWanted()) return result;
      await delay(this.#clock, appendRetryMs * 2 ** retries);
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

async function orUnavailable<Result>(asked: Promise<Result>): Promise<Result | 'unavailable'> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof StoreUnavailableError) return 'unavailable';
    throw error;
  }
}

/**
 * Looks after sessions nobody looks at: archives those that ended and are quiet and those nobody came back to, and buries those whose
 * time is over. Every instance has one. Which sessions it gets the store decides, and what it writes is a compare-and-set like
 * everybody's: a client that comes back just then takes the session over, and what is left of the archiving does nothing. [L2] [L3]
 */
import type { Clock } from '../../shared/clock.ts';
import { closeCodes } from '../../shared/protocol/close-codes.ts';
import { StoreUnavailableError, type EndReason, type Housekeeping } from '../store/journal.ts';
import { FencedError } from './claim-session.ts';
import { openSession, type OpenedSession, type OpeningParts } from './open-session.ts';
import type { SessionRegistry } from './session-registry.ts';
import { SessionSaver } from './session-saver.ts';
import { Tail } from './tail.ts';

export interface EndOfLifeSettings {
  /** How long nobody was attached to a session that ended before it is archived. */
  readonly archiveAfterMs: number;
  /** How long nobody was attached to any other before it ends as abandoned. */
  readonly abandonedAfterMs: number;
  /** How long it is known what became of a session whose time is over. */
  readonly tombstoneMs: number;
}

export interface CaretakerParts extends OpeningParts {
  readonly housekeeping: Housekeeping;
  readonly registry: SessionRegistry;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly settings: EndOfLifeSettings;
  readonly archived: (sessionId: string, reason: EndReason) => void;
  readonly buried: (count: number) => void;
  readonly reportError: (error: unknown, sessionId: string) => void;
}

/** Sessions taken at a time: the next ones may be another instance's. */
const countMax = 20;

/** Milliseconds between two rounds at most. */
const roundMsMax = 60_000;

export class Caretaker {
  readonly #parts: CaretakerParts;
  #isStopped = false;
  #cancelTimer: () => void = () => {};
  #round: Promise<void> = Promise.resolve();

  constructor(parts: CaretakerParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, random, settings } = this.#parts;
    // Several rounds in the time after which a session is put away: those with somebody there are touched in each.
    const { archiveAfterMs, abandonedAfterMs } = settings;
    const roundMs = Math.min(roundMsMax, archiveAfterMs / 4, abandonedAfterMs / 4);
    // Instances that were started together do not come together.
    this.#cancelTimer = clock.after(roundMs * (0.75 + random() / 2), () => {
      this.#round = this.tend().finally(() => {
        if (!this.#isStopped) this.start();
      });
    });
  }

  /** Nothing more is begun. Resolves when what was under way is done: one session at most. */
  stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer();
    return this.#round;
  }

  /** One round. Never rejects: what cannot be done now is due again. */
  async tend(): Promise<void> {
    const { housekeeping, settings } = this.#parts;
    try {
      await this.#touchAttached();
      await this.#whileFull(() => this.#archiveDue());
      await this.#whileFull(async () => {
        const count = await housekeeping.purge({ tombstoneMs: settings.tombstoneMs, countMax });
        if (count > 0) this.#parts.buried(count);
        return count;
      });
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) this.#parts.reportError(error, '');
    }
  }

  async #touchAttached(): Promise<void> {
    const { housekeeping, registry, settings } = this.#parts;
    const attached = [...registry.hosts.values()].filter(({ readers }) => readers.size > 0);
    if (attached.length === 0) return;
    const ids = attached.map(({ sessionId }) => sessionId);
    const { archiveAfterMs: quietMs, abandonedAfterMs: abandonedMs } = settings;
    await housekeeping.touch(ids, { quietMs, abandonedMs });
  }

  async #whileFull(work: () => Promise<number>): Promise<void> {
    while (!this.#isStopped && (await work()) === countMax);
  }

  async #archiveDue(): Promise<number> {
    const { housekeeping, settings } = this.#parts;
    const { archiveAfterMs: quietMs, abandonedAfterMs: abandonedMs } = settings;
    // What could not be archived, because a store was away or its version is unknown here, is tried again after as long.
    const due = await housekeeping.due({ quietMs, abandonedMs, restMs: quietMs, countMax });
    for (const sessionId of due) {
      if (this.#isStopped) break;
      await this.#putAway(sessionId).catch((error: unknown) => {
        const isExpected = error instanceof StoreUnavailableError || error instanceof FencedError;
        if (!isExpected) this.#parts.reportError(error, sessionId);
      });
    }
    return due.length;
  }

  async #putAway(sessionId: string): Promise<void> {
    const host = this.#parts.registry.hosts.get(sessionId);
    if (host !== undefined && host.readers.size > 0) return;
    host?.release(closeCodes.drained, 'nobody was attached');
    const opening = await openSession(this.#parts, sessionId, undefined, { isHousekeeping: true });
    if (opening.kind !== 'opened') return;
    const { session } = opening;
    const { model, snapshot } = session;
    const reason = model.isEnded?.(snapshot.state) === true ? 'finished' : 'abandoned';
    if (await this.#archive(session, reason)) this.#parts.archived(sessionId, reason);
  }

  /** Returns whether it is archived; otherwise a store is away, or somebody came. */
  async #archive(session: OpenedSession, reason: EndReason): Promise<boolean> {
    const { journals } = this.#parts;
    const { log, checkpoints } = journals;
    const { sessionId, ownerId, epoch, snapshot, recent } = session;
    // A Redis that is away would come back with the session.
    if (!session.isClaimed || (log !== undefined && !session.isLogged)) return false;
    const saved = await new SessionSaver(session, journals).save(snapshot, new Tail(recent));
    if (saved !== 'saved' && saved !== 'clean') return false;
    const archiving = { sessionId, ownerId, epoch, snapshot, reason };
    const forgotten = await log?.archive(archiving);
    if (forgotten === 'fenced' || forgotten === 'behind') return false;
    return (await checkpoints.archive(archiving)) === 'appended';
  }
}

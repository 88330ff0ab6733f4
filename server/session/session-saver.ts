/** Brings one session's entries into Postgres, a few seconds' worth at a time. */
import type { Snapshot } from '../../shared/protocol/frames.ts';
import { StoreUnavailableError, type Batch } from '../store/journal.ts';
import type { Journals } from '../store/journals.ts';
import { unlessAway } from './claim-session.ts';
import type { OpenedSession } from './open-session.ts';
import { foldRecovered } from './reconcile.ts';
import { zeroSessionCounts, type SessionCounts } from './session-counts.ts';
import type { Tail } from './tail.ts';

/**
 * A checkpoint carries a snapshot after so many without one, or after so many entries: opening a session folds at most what came since
 * the latest, however fast its commands are.
 */
const checkpointsPerSnapshot = 16;
const entriesPerSnapshot = 1_000;

/** `untold`: Postgres has all of it, and Redis, which must know before clients do, does not answer. */
export type Saved = 'saved' | 'clean' | 'unavailable' | 'untold' | 'refused';

export class SessionSaver {
  readonly #session: OpenedSession;
  readonly #journals: Journals;
  /** What Postgres has and clients may be told. */
  #saved: Snapshot;
  /** What Postgres has. */
  #written: Snapshot;
  #pending: { readonly batch: Batch; readonly at: Snapshot } | undefined;
  /** Checkpoints before the next one with a snapshot. */
  #plainLeft = 0;
  #snapshotOffset = 0;
  /** What happened to this session and to others, counted together. */
  readonly counts: SessionCounts;
  /** Whether Postgres knows this owner. */
  #isClaimed: boolean;

  constructor(session: OpenedSession, journals: Journals, counts = zeroSessionCounts()) {
    this.#session = session;
    this.#journals = journals;
    this.counts = counts;
    this.#saved = session.saved;
    this.#written = session.saved;
    this.#isClaimed = session.isClaimed;
  }

  /** What clients are told: Postgres has it, and so Redis knows, should it be asked alone. [C6] */
  get saved(): Snapshot {
    return this.#saved;
  }

  /** What Postgres has of this owner; undefined while it does not know it. */
  get confirmableOffset(): number | undefined {
    return this.#isClaimed ? this.#saved.offset : undefined;
  }

  /** The snapshot to store with a batch, when it is its turn. */
  dueSnapshot(at: Snapshot): string | undefined {
    const isDue = this.#plainLeft === 0 || at.offset - this.#snapshotOffset >= entriesPerSnapshot;
    this.#plainLeft = isDue ? checkpointsPerSnapshot - 1 : this.#plainLeft - 1;
    if (!isDue) return undefined;
    this.#snapshotOffset = at.offset;
    return JSON.stringify(at);
  }

  markSaved(at: Snapshot): void {
    const savedCount = at.offset - this.#saved.offset;
    this.counts.entriesCheckpointed += savedCount;
    if (savedCount > 0) this.counts.checkpoints++;
    this.#saved = at;
    this.#written = at;
  }

  /**
   * Writes one checkpoint. After `unavailable` the same batch is tried again next time, identically: had it landed, another one in
   * its place would look like lost data. [O3]
   */
  async save(at: Snapshot, tail: Tail): Promise<Saved> {
    try {
      if (!this.#isClaimed && !(await this.#claim(at, tail))) return 'refused';
      const pending = (this.#pending ??= this.#nextBatch(at, tail));
      if (pending === undefined && this.#saved === this.#written) return 'clean';
      if (pending !== undefined) {
        const result = await this.#journals.checkpoints.append(pending.batch);
        this.#pending = undefined;
        if (result !== 'appended') return 'refused';
        this.#written = pending.at;
      }
      const result = await this.#trim(this.#written);
      return result === 'untold' && this.#written.offset < at.offset ? 'unavailable' : result;
    } catch (error) {
      if (error instanceof StoreUnavailableError) return 'unavailable';
      throw error;
    }
  }

  /** Postgres was away when the session was opened. Returns whether it continues what this owner has. */
  async #claim(at: Snapshot, tail: Tail): Promise<boolean> {
    const { sessionId, ownerId, term, epoch, model } = this.#session;
    const versions = { [at.kind]: at.version };
    const claim = { sessionId, ownerId, term, versions };
    const claimed = await this.#journals.checkpoints.takeOver(claim);
    // Outrun by its own earlier try, whose answer was lost, or by another owner: opening the session anew tells.
    if (claimed.kind !== 'taken' || claimed.epoch !== epoch) return false;
    const saved = foldRecovered(model, claimed);
    const isContinued = saved.offset === at.offset || tail.after(saved.offset) !== undefined;
    if (saved.offset > at.offset || !isContinued) return false;
    this.#written = saved;
    this.#isClaimed = true;
    return true;
  }

  #nextBatch(
    at: Snapshot,
    tail: Tail,
  ): { readonly batch: Batch; readonly at: Snapshot } | undefined {
    const prev = this.#written.offset;
    if (at.offset === prev) return undefined;
    const entries = tail.after(prev, at.offset);
    if (entries === undefined) throw new Error('Entries were forgotten before they were saved.');
    const { sessionId, ownerId, epoch, model } = this.#session;
    const place = { sessionId, ownerId, epoch, prev };
    const snapshot = this.dueSnapshot(at);
    const isEnd = model.isEnded?.(at.state);
    const batch = { head: at.offset, entries, snapshot, isEnd, ...place };
    return { batch, at };
  }

  /**
   * Before clients hear of a checkpoint Redis has it as its snapshot: should it be asked alone one day, it tells no less. A Redis
   * that belongs to another owner by now ends this one.
   */
  async #trim(snapshot: Snapshot): Promise<Saved> {
    const { sessionId, ownerId, epoch } = this.#session;
    const { log } = this.#journals;
    const trim = { sessionId, ownerId, epoch, snapshot };
    const result = log === undefined ? 'appended' : await unlessAway(log.trim(trim));
    if (result === 'away') return 'untold';
    if (result !== 'appended') return 'refused';
    this.markSaved(snapshot);
    return 'saved';
  }
}

/** Brings one session's entries into Postgres, a few seconds' worth at a time. */
import type { Snapshot } from '../../shared/protocol/frames.ts';
import { StoreUnavailableError, type Batch } from '../store/journal.ts';
import type { Journals } from '../store/journals.ts';
import type { OpenedSession } from './open-session.ts';
import { foldRecovered } from './reconcile.ts';
import { joinEntries, type Tail } from './tail.ts';

/** Checkpoints between two that carry a snapshot: opening a session folds at most the entries of that many. */
const checkpointsPerSnapshot = 16;

export type Saved = 'saved' | 'clean' | 'unavailable' | 'refused';

export class SessionSaver {
  readonly #session: OpenedSession;
  readonly #journals: Journals;
  #saved: Snapshot;
  #pending: { readonly batch: Batch; readonly at: Snapshot } | undefined;
  #count = 0;
  /** Whether Postgres knows this owner. */
  #isClaimed: boolean;

  constructor(session: OpenedSession, journals: Journals) {
    this.#session = session;
    this.#journals = journals;
    this.#saved = session.saved;
    this.#isClaimed = session.isClaimed;
  }

  /** What Postgres has. */
  get saved(): Snapshot {
    return this.#saved;
  }

  /** The snapshot to store with a batch, when it is its turn. */
  dueSnapshot(at: Snapshot): string | undefined {
    return this.#count++ % checkpointsPerSnapshot === 0 ? JSON.stringify(at) : undefined;
  }

  markSaved(at: Snapshot): void {
    this.#saved = at;
  }

  /**
   * Writes one checkpoint. After `unavailable` the same batch is tried again next time, identically: had it landed, another one in
   * its place would look like lost data. [O3]
   */
  async save(at: Snapshot, tail: Tail): Promise<Saved> {
    try {
      if (!this.#isClaimed && !(await this.#claim(at, tail))) return 'refused';
      const pending = (this.#pending ??= this.#nextBatch(at, tail));
      if (pending === undefined) return 'clean';
      const result = await this.#journals.checkpoints.append(pending.batch);
      this.#pending = undefined;
      if (result !== 'appended') return 'refused';
      this.#saved = pending.at;
      await this.#trim(pending.at);
      return 'saved';
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
    this.#saved = saved;
    this.#isClaimed = true;
    return true;
  }

  #nextBatch(
    at: Snapshot,
    tail: Tail,
  ): { readonly batch: Batch; readonly at: Snapshot } | undefined {
    const prev = this.#saved.offset;
    if (at.offset === prev) return undefined;
    const entries = tail.after(prev);
    if (entries === undefined) throw new Error('Entries were forgotten before they were saved.');
    const upTo = entries.filter((entry) => entry.offset <= at.offset);
    const { sessionId, ownerId, epoch } = this.#session;
    const place = { sessionId, ownerId, epoch, prev, head: at.offset };
    return { batch: { ...place, entries: joinEntries(upTo), snapshot: this.dueSnapshot(at) }, at };
  }

  /**
   * Before clients hear of the checkpoint, so that Redis alone knows at least what they were told. Failing costs memory in Redis,
   * and the next one makes up for it.
   */
  async #trim(snapshot: Snapshot): Promise<void> {
    const { sessionId, ownerId, epoch } = this.#session;
    const trim = { sessionId, ownerId, epoch, snapshot };
    await this.#journals.log?.trim(trim).catch((error: unknown) => {
      if (!(error instanceof StoreUnavailableError)) throw error;
    });
  }
}

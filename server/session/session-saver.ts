/** Brings one session's entries into Postgres, a few seconds' worth at a time. */
import type { Snapshot } from '../../shared/protocol/frames.ts';
import { StoreUnavailableError, type Batch } from '../store/journal.ts';
import type { Journals } from '../store/journals.ts';
import type { OpenedSession } from './open-session.ts';
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

  constructor(session: OpenedSession, journals: Journals) {
    this.#session = session;
    this.#journals = journals;
    this.#saved = session.saved;
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
    const pending = (this.#pending ??= this.#nextBatch(at, tail));
    if (pending === undefined) return 'clean';
    try {
      const result = await this.#journals.checkpoints.append(pending.batch);
      this.#pending = undefined;
      if (result !== 'appended') return 'refused';
    } catch (error) {
      if (error instanceof StoreUnavailableError) return 'unavailable';
      throw error;
    }
    this.#saved = pending.at;
    if (pending.batch.snapshot !== undefined) await this.#trim(pending.at);
    return 'saved';
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

  /** Failing costs only memory in Redis: the next one makes up for it. */
  async #trim(snapshot: Snapshot): Promise<void> {
    const { sessionId, ownerId, epoch } = this.#session;
    const trim = { sessionId, ownerId, epoch, snapshot };
    await this.#journals.log?.trim(trim).catch((error: unknown) => {
      if (!(error instanceof StoreUnavailableError)) throw error;
    });
  }
}

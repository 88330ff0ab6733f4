/** Watches what lands in the stores: whose writes, where, and that nothing told to a client is missing. */
import type {
  AppendResult,
  Batch,
  Claim,
  NewEpoch,
  TakenOver,
} from '../../server/store/journal.ts';
import type { Snapshot } from '../../shared/protocol/frames.ts';
import { acceptedOf, follow, linkOf, type Link } from './chain.ts';
import { LogRecord, parseEntries } from './log-record.ts';

export type StoreName = 'redis' | 'postgres';

/** What the oracle believes a store has of one session. */
interface Holding {
  readonly owner: string | undefined;
  readonly epoch: string;
  readonly head: number;
  /** Postgres only: what its entries add up to. */
  readonly link: Link;
  /** Postgres only: since entries were taken over from a stale log, it is not what readers of its epoch saw. */
  readonly isApart?: boolean;
}

type Holdings = Map<string, Holding>;

export class StoreOracle {
  readonly #fail: (sentence: string) => void;
  readonly #holdings: Record<StoreName, Holdings> = { redis: new Map(), postgres: new Map() };
  readonly #backups: Partial<Record<StoreName, Holdings>> = {};
  readonly #records = new Map<string, LogRecord>();
  /** Highest `checkpointed` told, by session and writer. */
  readonly #promised = new Map<string, Map<string, number>>();
  /** Postgres was restored from an older backup: what it had promised is for the clients to bring back. */
  #mayPostgresForget = false;
  takeoverCount = 0;
  landedCount = 0;

  constructor(fail: (sentence: string) => void) {
    this.#fail = fail;
  }

  created(sessionId: string, epoch: string, snapshot: Snapshot): void {
    const link = linkOf(snapshot);
    const record = new LogRecord();
    record.begin(epoch, link);
    this.#records.set(sessionId, record);
    this.#holdings.postgres.set(sessionId, { owner: undefined, epoch, head: link.offset, link });
  }

  record(sessionId: string): LogRecord {
    const record = this.#records.get(sessionId);
    if (record === undefined) throw new Error(`There is no session ${sessionId}.`);
    return record;
  }

  tookOver(store: StoreName, claim: Claim, result: TakenOver): void {
    const { sessionId, ownerId: owner } = claim;
    const holding = this.#holdings[store].get(sessionId);
    if (result.kind !== 'taken') return;
    this.takeoverCount++;
    if (holding === undefined) this.#fail(`${store} gave away a session it does not have`);
    else this.#holdings[store].set(sessionId, { ...holding, owner });
  }

  appended(store: StoreName, batch: Batch, result: AppendResult): void {
    if (result !== 'appended') return;
    const { sessionId, ownerId, epoch, prev, head } = batch;
    const holding = this.#holdings[store].get(sessionId);
    if (holding === undefined) {
      this.#fail(`${store} appended to a session it does not have [O4]`);
      return;
    }
    if (holding.owner !== ownerId) {
      this.#fail(
        `${store} took an append of ${ownerId}, but ${holding.owner} owns the session [O1]`,
      );
      return;
    }
    // An identical try of before: it is there, and lands once. [O3]
    if (holding.epoch === epoch && holding.head === head) return;
    if (holding.epoch !== epoch || holding.head !== prev) {
      this.#fail(
        `${store} appended after ${prev} of ${epoch}; it ends at ${holding.head} of ${holding.epoch}`,
      );
      return;
    }
    this.landedCount++;
    this.#holdings[store].set(sessionId, {
      ...holding,
      ...this.#land(store, batch, holding),
      head,
    });
  }

  startedEpoch(store: StoreName, start: NewEpoch, result: AppendResult): void {
    if (result !== 'appended') return;
    const { sessionId, ownerId: owner, epoch, snapshot, unsaved } = start;
    const former = this.#holdings.postgres.get(sessionId);
    if (store === 'postgres' && unsaved !== undefined && former !== undefined) {
      // The end of the former epoch came along.
      const place = { sessionId, ownerId: owner, epoch: former.epoch, head: snapshot.offset };
      const batch = { ...place, ...unsaved, snapshot: JSON.stringify(snapshot) };
      if (former.epoch !== epoch) this.appended(store, batch, result);
    }
    const base = linkOf(snapshot);
    const record = this.record(sessionId);
    if (store === 'postgres') this.#checkHistory(start, base);
    const known = store === 'postgres' ? undefined : record.at(epoch, base.offset);
    if (store === 'redis' && (known === undefined || !isSame(known, base)))
      this.#fail(`redis was seeded with a state that offset ${base.offset} of ${epoch} never had`);
    if (store === 'postgres') record.begin(epoch, base);
    this.#holdings[store].set(sessionId, { owner, epoch, head: base.offset, link: base });
  }

  /** Somebody is told `checkpointed`: by now Postgres must have it, and for ever. [C6] */
  promised(sessionId: string, writer: string, checkpointed: number): void {
    const holding = this.#holdings.postgres.get(sessionId);
    const saved = holding === undefined ? 0 : acceptedOf(holding.link, writer);
    if (checkpointed > saved && !this.#mayPostgresForget)
      this.#fail(`${writer} was told checkpointed ${checkpointed}; Postgres has ${saved} [C6]`);
    const promised = this.#promised.get(sessionId) ?? new Map<string, number>();
    this.#promised.set(sessionId, promised);
    promised.set(writer, Math.max(checkpointed, promised.get(writer) ?? 0));
  }

  wiped(store: StoreName): void {
    this.#holdings[store] = new Map();
  }

  backedUp(store: StoreName): void {
    this.#backups[store] = new Map(this.#holdings[store]);
  }

  restored(store: StoreName): void {
    this.#holdings[store] = new Map(this.#backups[store]);
    if (store === 'postgres') this.#mayPostgresForget = true;
  }

  /** What Postgres must add up to now. */
  saved(sessionId: string): Link | undefined {
    return this.#holdings.postgres.get(sessionId)?.link;
  }

  /**
   * Entries taken over from a stale log are saved at the end of the former epoch, where readers may have seen others: nobody is told
   * of them there, and a new epoch begins after them.
   */
  #land(
    store: StoreName,
    { sessionId, epoch, entries, snapshot }: Batch,
    former: Holding,
  ): Pick<Holding, 'link' | 'isApart'> {
    const record = this.record(sessionId);
    let { link, isApart = false } = former;
    const stored = snapshot === undefined ? undefined : linkOf(JSON.parse(snapshot) as Snapshot);
    // A Postgres that was restored is behind what Redis was trimmed to: it gets the state, and the entries that are still there.
    const known = stored === undefined ? undefined : record.at(epoch, stored.offset);
    const isJump = this.#mayPostgresForget && known !== undefined && isSame(known, stored);
    if (isJump) return { link: known, isApart: false };
    for (const entry of parseEntries(entries)) {
      isApart ||= store === 'postgres' && record.agrees(epoch, entry) === false;
      const problem = isApart ? undefined : record.add(epoch, entry);
      if (problem !== undefined) this.#fail(`${store} took what cannot be: ${problem} [E1]`);
      if (store === 'redis') continue;
      const next = follow(link, entry);
      if (typeof next === 'string') this.#fail(`postgres took what does not follow: ${next}`);
      else link = next;
    }
    if (stored !== undefined && !isSame(stored, link))
      this.#fail('postgres got a snapshot that is not what its entries add up to');
    return { link, isApart };
  }

  #checkHistory({ sessionId, epoch }: NewEpoch, base: Link): void {
    const saved = this.#holdings.postgres.get(sessionId)?.link;
    if (saved === undefined || !isSame(saved, base))
      this.#fail(`epoch ${epoch} begins with a state Postgres does not have`);
    if (this.#mayPostgresForget) return;
    for (const [writer, checkpointed] of this.#promised.get(sessionId) ?? [])
      if (acceptedOf(base, writer) < checkpointed)
        this.#fail(
          `epoch ${epoch} begins without ${checkpointed} of ${writer}, told as saved [C6]`,
        );
  }
}

function isSame(a: Link, b: Link | undefined): boolean {
  return (
    b !== undefined &&
    a.offset === b.offset &&
    a.digest === b.digest &&
    a.writers.join() === b.writers.join() &&
    a.accepted.join() === b.accepted.join()
  );
}

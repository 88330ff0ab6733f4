/** Watches what lands in the stores: whose writes, where, and that nothing told to a client is missing. */
import type {
  AppendResult,
  Archiving,
  Batch,
  Claim,
  NewEpoch,
  TakenOver,
} from '../../server/store/journal.ts';
import type { Snapshot } from '../../shared/protocol/frames.ts';
import { acceptedOf, follow, linkOf, shapeProblem, type Link } from './chain.ts';
import type { Ledger } from './ledger.ts';
import { LogRecord, parseEntries } from './log-record.ts';
import { Promises } from './promises.ts';

export type StoreName = 'redis' | 'postgres';

/** What the oracle believes a store has of one session. */
interface Holding {
  readonly owner: string | undefined;
  readonly epoch: string;
  readonly head: number;
  /** Of its latest owner; undefined before the first. */
  readonly term?: number;
  /** Of the state's shape. */
  readonly version: number;
  /** Postgres only: what its entries add up to. */
  readonly link: Link;
  /** Postgres only: since entries were taken over from a stale log, it is not what readers of its epoch saw. */
  readonly isApart?: boolean;
}

type Holdings = Map<string, Holding>;

export class StoreOracle {
  readonly #ledger: Ledger;
  readonly #fail: (sentence: string) => void;
  readonly #holdings: Record<StoreName, Holdings> = { redis: new Map(), postgres: new Map() };
  readonly #backups: Partial<Record<StoreName, Holdings>> = {};
  readonly #records = new Map<string, LogRecord>();
  readonly #promises = new Promises();
  /** Sessions nobody can prove a token of. */
  readonly #closed = new Set<string>();
  takeoverCount = 0;
  landedCount = 0;
  archivedCount = 0;

  constructor(ledger: Ledger, fail: (sentence: string) => void) {
    this.#ledger = ledger;
    this.#fail = fail;
  }

  /** Postgres gets a session: a new one, or one that it has lost. One that is there stays as it is. */
  created({
    sessionId,
    epoch,
    snapshot,
  }: Pick<NewEpoch, 'sessionId' | 'epoch' | 'snapshot'>): void {
    if (this.#holdings.postgres.has(sessionId)) return;
    const link = this.#linkOf(snapshot);
    const record = this.#records.get(sessionId) ?? new LogRecord();
    this.#records.set(sessionId, record);
    const known = record.at(epoch, link.offset);
    // Given back from Redis it is what it was; begun again it is empty, under an epoch nobody has heard of.
    const isRight =
      known === undefined ? link.offset === 0 && !record.has(epoch) : isSame(known, link);
    if (!isRight) this.#fail(`postgres was given a state that ${epoch} never had [R12]`);
    record.begin(epoch, link);
    const { version } = snapshot;
    const holding = { owner: undefined, epoch, head: link.offset, version, link };
    this.#holdings.postgres.set(sessionId, holding);
  }

  /** Nobody has a token of that session. */
  closed(sessionId: string): void {
    this.#closed.add(sessionId);
  }

  record(sessionId: string): LogRecord {
    const record = this.#records.get(sessionId);
    if (record === undefined) throw new Error(`There is no session ${sessionId}.`);
    return record;
  }

  tookOver(store: StoreName, claim: Claim, result: TakenOver): void {
    const { sessionId, ownerId: owner, versions } = claim;
    const holding = this.#holdings[store].get(sessionId);
    if (result.kind !== 'taken') return;
    this.takeoverCount++;
    if (this.#closed.has(sessionId))
      this.#fail(`${store} gave away a session before anybody proved a token of it [A2]`);
    if (holding === undefined) {
      this.#fail(`${store} gave away a session it does not have`);
      return;
    }
    const known = versions[result.snapshot.kind] ?? 0;
    if (known < holding.version)
      this.#fail(
        `${store} gave a state of version ${holding.version} to an owner that knows ${known} [O5]`,
      );
    const { term } = result;
    if (holding.term !== undefined && term <= holding.term)
      this.#fail(`${store} gave the session to term ${term} after term ${holding.term} [O1]`);
    this.#holdings[store].set(sessionId, { ...holding, owner, term });
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
        `${store} appended after ${prev} of ${epoch}; it ends at ${holding.head} of ${holding.epoch} [O4]`,
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

  /** A session was put away: Postgres has all of it, and nobody else was its owner. [L2] */
  archived(store: StoreName, archiving: Archiving, result: AppendResult): void {
    if (result !== 'appended') return;
    const { sessionId, ownerId, snapshot } = archiving;
    const saved = this.saved(sessionId);
    if (this.#holdings[store].get(sessionId)?.owner !== ownerId)
      this.#fail(`${store} let ${ownerId} put away a session of another owner [O1]`);
    // A Postgres restored in between has less; then the clients bring it back. And a Redis that was emptied takes whatever comes late:
    // a former owner's state, which is in Postgres' past.
    const holding = this.#holdings.postgres.get(sessionId);
    const isFormer = holding?.owner !== ownerId;
    const isForgiven = store === 'redis' && (this.#promises.isBroken(sessionId) || isFormer);
    if (!isForgiven && !isSame(this.#linkOf(snapshot), saved))
      this.#fail(`${store} put a session away at a state that Postgres does not have [L2]`);
    if (store === 'redis') this.#holdings.redis.delete(sessionId);
    this.archivedCount++;
  }

  startedEpoch(store: StoreName, start: NewEpoch, result: AppendResult): void {
    if (result !== 'appended') return;
    const { sessionId, ownerId: owner, term, epoch, snapshot, unsaved } = start;
    const former = this.#holdings.postgres.get(sessionId);
    if (store === 'postgres' && unsaved !== undefined && former !== undefined) {
      // The end of the former epoch came along.
      const place = { sessionId, ownerId: owner, epoch: former.epoch, head: snapshot.offset };
      const { prev, entries } = unsaved;
      const batch = { ...place, prev, entries: [entries], snapshot: JSON.stringify(snapshot) };
      if (former.epoch !== epoch) this.appended(store, batch, result);
    }
    const base = this.#linkOf(snapshot);
    const record = this.record(sessionId);
    if (store === 'postgres') this.#checkHistory(start, base);
    const known = store === 'postgres' ? undefined : record.at(epoch, base.offset);
    if (store === 'redis' && (known === undefined || !isSame(known, base)))
      this.#fail(`redis was seeded with a state that offset ${base.offset} of ${epoch} never had`);
    if (store === 'postgres') record.begin(epoch, base);
    const { version } = snapshot;
    this.#holdings[store].set(sessionId, {
      owner,
      term,
      epoch,
      head: base.offset,
      version,
      link: base,
    });
  }

  /** Somebody is told `checkpointed`: by now Postgres must have it, and for ever, unless it is restored. [C6] */
  promised(sessionId: string, epoch: string, writer: string, checkpointed: number): void {
    const link = this.#holdings.postgres.get(sessionId)?.link;
    const saved = link === undefined ? 0 : acceptedOf(link, writer);
    const age = this.record(sessionId).ageOf(epoch);
    if (checkpointed <= saved) this.#promises.make(sessionId, writer, checkpointed);
    else if (!this.#promises.isForgiven(sessionId, writer, checkpointed, age))
      this.#fail(`${writer} was told checkpointed ${checkpointed}; Postgres has ${saved} [C6]`);
  }

  wiped(store: StoreName): void {
    this.#replace(store, new Map());
  }

  backedUp(store: StoreName): void {
    this.#backups[store] = new Map(this.#holdings[store]);
  }

  restored(store: StoreName): void {
    this.#replace(store, new Map(this.#backups[store]));
  }

  /** Whether Postgres ever forgot something of a session: epochs that clients saw may be among it. */
  hasForgotten(sessionId: string): boolean {
    return this.#promises.isBroken(sessionId);
  }

  /** What Postgres must add up to now. */
  saved(sessionId: string): Link | undefined {
    return this.#holdings.postgres.get(sessionId)?.link;
  }

  /** Where Postgres has less than it had: what it still has stays promised, and who was told more hears of it in a new epoch. */
  #replace(store: StoreName, holdings: Holdings): void {
    const former = this.#holdings[store];
    this.#holdings[store] = holdings;
    if (store === 'redis') return;
    for (const [sessionId, record] of this.#records) {
      const had = former.get(sessionId)?.link;
      this.#promises.forget(sessionId, had, this.saved(sessionId), record.epochCount);
    }
  }

  /**
   * Entries taken over from a stale log are saved at the end of the former epoch, where readers may have seen others: nobody is told
   * of them there, and a new epoch begins after them.
   */
  #land(
    store: StoreName,
    { sessionId, epoch, entries, snapshot }: Batch,
    former: Holding,
  ): Pick<Holding, 'link' | 'isApart' | 'version'> {
    const record = this.record(sessionId);
    let { link, isApart = false } = former;
    const state = snapshot === undefined ? undefined : (JSON.parse(snapshot) as Snapshot);
    const stored = state === undefined ? undefined : this.#linkOf(state);
    const version = state?.version ?? former.version;
    // A Postgres that was restored is behind what Redis was trimmed to: it gets the state, and the entries that are still there.
    const landing = parseEntries(entries.join(','));
    const isJump =
      store === 'postgres' &&
      landing[0]?.offset !== link.offset + 1 &&
      this.#promises.isBroken(sessionId) &&
      record.everHad(stored, isSame);
    if (isJump && stored !== undefined) {
      const known = record.at(epoch, stored.offset);
      return { link: stored, isApart: known === undefined || !isSame(known, stored), version };
    }
    for (const entry of landing) {
      // What stands there may be what a restored Postgres has forgotten, and nobody was told of.
      isApart ||= store === 'postgres' && record.contradicts(epoch, entry);
      const { writers } = (store === 'postgres' ? link : record.last(epoch)) ?? link;
      const wrong =
        'joined' in entry
          ? undefined
          : this.#ledger.problemWith(writers[entry.writer] ?? 'nobody', entry);
      if (wrong !== undefined) this.#fail(`${store} took ${wrong}`);
      const problem = isApart ? undefined : record.add(epoch, entry);
      if (problem !== undefined) this.#fail(`${store} took what cannot be: ${problem} [E1]`);
      if (store === 'redis') continue;
      const next = follow(link, entry);
      if (typeof next === 'string') this.#fail(`postgres took what does not follow: ${next}`);
      else link = next;
    }
    if (stored !== undefined && !isSame(stored, link))
      this.#fail('postgres got a snapshot that is not what its entries add up to');
    return { link, isApart, version };
  }

  #checkHistory({ sessionId, epoch }: NewEpoch, base: Link): void {
    const saved = this.#holdings.postgres.get(sessionId)?.link;
    if (saved === undefined || !isSame(saved, base))
      this.#fail(`epoch ${epoch} begins with a state Postgres does not have`);
    for (const [writer, checkpointed] of this.#promises.of(sessionId))
      if (acceptedOf(base, writer) < checkpointed)
        this.#fail(
          `epoch ${epoch} begins without ${checkpointed} of ${writer}, told as saved [C6]`,
        );
  }

  #linkOf(snapshot: Snapshot): Link {
    const problem = shapeProblem(snapshot);
    if (problem !== undefined) this.#fail(problem);
    return linkOf(snapshot);
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

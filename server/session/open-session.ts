/** Becoming the owner of a session: claim it, decide where it goes on from, and begin a new epoch when it must. */
import { encodeEntries } from '../../shared/protocol/codec.ts';
import type { Entry, Snapshot } from '../../shared/protocol/frames.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import type { AppendResult, Claim, Gone, NewEpoch, Recovered } from '../store/journal.ts';
import type { Journals } from '../store/journals.ts';
import { away, claimSession, FencedError, unlessAway, type Claimed } from './claim-session.ts';
import type { Sighting } from './reader.ts';
import {
  continueFromPostgres,
  continueFromRedis,
  hasAllSeen,
  reconcile,
  type Continuation,
} from './reconcile.ts';
import type { EncodedEntries } from './session.ts';

/** A session in the hands of its owner. */
export interface OpenedSession {
  readonly sessionId: string;
  readonly model: AnyModel;
  readonly ownerId: string;
  readonly term: number;
  readonly epoch: string;
  readonly snapshot: Snapshot;
  /** Entries up to the snapshot's offset that can be replayed. */
  readonly recent: readonly EncodedEntries[];
  /** What Postgres has, or at least; entries after it are in `recent`. */
  readonly saved: Snapshot;
  /** Whether Redis has the session. Otherwise Postgres is its log, until Redis is back. */
  readonly isLogged: boolean;
  /** Whether Postgres knows this owner. Otherwise it was away, and is claimed before the first checkpoint. */
  readonly isClaimed: boolean;
  /** Whether it had gone on before, and does so under an epoch of this owner: a store had lost something, or was away. */
  readonly isRebuilt: boolean;
}

export type Opening =
  | { readonly kind: 'opened'; readonly session: OpenedSession }
  | { readonly kind: 'unknown' }
  | Gone
  | { readonly kind: 'too-new' };

export interface OpeningParts {
  readonly journals: Journals;
  readonly models: ReadonlyMap<string, AnyModel>;
  readonly newId: () => string;
}

/** Newest schema version known, by kind. */
export function knownVersions(models: ReadonlyMap<string, AnyModel>): Record<string, number> {
  return Object.fromEntries([...models].map(([kind, { version }]) => [kind, version]));
}

/** Rejects with StoreUnavailableError or FencedError; trying again is always safe, since every try is a new owner. */
export async function openSession(
  parts: OpeningParts,
  sessionId: string,
  sighting: Sighting | undefined,
  { isHousekeeping = false } = {},
): Promise<Opening> {
  const { journals, models, newId } = parts;
  const versions = knownVersions(models);
  const claim: Claim = {
    sessionId,
    ownerId: newId(),
    term: undefined,
    versions,
    isHousekeeping,
  };
  const claimed = await claimSession(journals, claim, (redis) =>
    hasAllSeen(models.get(redis.snapshot.kind), redis, sighting),
  );
  if (claimed.kind === 'unknown' || claimed.kind === 'gone' || claimed.kind === 'too-new')
    return claimed;
  const former = claimed.kind === 'redis' ? claimed.redis : claimed.postgres;
  const model = models.get(kindOf(claimed));
  if (model === undefined) return { kind: 'too-new' };
  const continuation = continueFrom(model, claimed, sighting);
  const { startsEpoch, snapshot, recent } = continuation;
  const epoch = startsEpoch ? `${former.term}-${newId().slice(0, 8)}` : former.epoch;
  const target = { sessionId, ownerId: claim.ownerId, term: former.term, epoch };
  const saved = startsEpoch ? await startEpoch(journals, target, continuation) : continuation.saved;
  const isLogged = await seedRedis(journals, claimed, target, continuation);
  const place = { snapshot, saved, recent: recent.map(asRun) };
  const isClaimed = claimed.kind !== 'redis';
  const isRebuilt = startsEpoch && snapshot.offset > 0;
  return {
    kind: 'opened',
    session: { model, isLogged, isClaimed, isRebuilt, ...target, ...place },
  };
}

/** Each by itself: a client that comes back wants them from a place of its own. */
function asRun(entry: Entry): EncodedEntries {
  return { first: entry.offset, last: entry.offset, text: encodeEntries([entry]) };
}

/** By what Redis has, where it has something: what Postgres has need not be parsed then. */
function kindOf(claimed: Usable): string {
  if (claimed.kind === 'postgres') return claimed.postgres.snapshot.kind;
  if (claimed.kind === 'redis') return claimed.redis.snapshot.kind;
  return (claimed.redis ?? claimed.postgres).snapshot.kind;
}

type Usable = Exclude<Claimed, { readonly kind: 'unknown' | 'gone' | 'too-new' }>;

function continueFrom(
  model: AnyModel,
  claimed: Usable,
  sighting: Sighting | undefined,
): Continuation {
  switch (claimed.kind) {
    case 'both':
      return reconcile(model, claimed.postgres, claimed.redis, sighting);
    case 'postgres':
      return continueFromPostgres(model, claimed.postgres);
    case 'redis':
      return continueFromRedis(model, claimed.redis);
  }
}

interface Target {
  readonly sessionId: string;
  readonly ownerId: string;
  readonly term: number;
  readonly epoch: string;
}

/** Before an epoch begins, Postgres gets everything of the one that ends: it is the history the new one stands on. */
async function startEpoch(
  { checkpoints }: Journals,
  target: Target,
  { snapshot, recent, saved }: Continuation,
): Promise<Snapshot> {
  const unsaved = unsavedOf(recent, saved, snapshot);
  expectAppended(await checkpoints.startEpoch({ snapshot, unsaved, ...target }));
  return snapshot;
}

/** What Postgres lacks up to the snapshot. */
export function unsavedOf(
  recent: readonly Entry[],
  saved: Snapshot,
  snapshot: Snapshot,
): NewEpoch['unsaved'] {
  if (snapshot.offset <= saved.offset) return undefined;
  const entries = recent.filter((entry) => entry.offset > saved.offset);
  return { prev: saved.offset, entries: encodeEntries(entries) };
}

/** Gives Redis the session when it does not have it as it is now. Returns whether it has it then. */
async function seedRedis(
  { log }: Journals,
  claimed: Usable,
  target: Target,
  { snapshot, saved, startsEpoch }: Continuation,
): Promise<boolean> {
  if (log === undefined || (claimed.kind === 'postgres' && claimed.isRedisAway)) return false;
  const hasIt =
    claimed.kind === 'redis' || (claimed.kind === 'both' && claimed.redis !== undefined);
  if (hasIt && !startsEpoch) {
    // Clients will be told how far Postgres is: should Redis be asked alone one day, it must tell no less. [C6]
    const isCovered =
      claimed.kind === 'redis' ||
      claimed.redis === undefined ||
      saved.offset <= claimed.redis.snapshot.offset;
    if (!isCovered) expectAppended(await log.trim({ snapshot: saved, ...target }));
    return true;
  }
  expectAppended(await log.startEpoch({ snapshot, ...target }));
  return true;
}

function expectAppended(result: AppendResult): void {
  if (result !== 'appended')
    throw new FencedError(`The session moved while it was opened: ${result}.`);
}

export interface ReadSession {
  readonly kind: 'read';
  readonly epoch: string;
  readonly snapshot: Snapshot;
  readonly ended?: Recovered['ended'];
}

/**
 * The session as the stores have it, without becoming its owner: whoever has it goes on. While one store is away it is told as far as
 * the other has it. Rejects with StoreUnavailableError when neither can be asked.
 */
export async function readSession(
  { journals: { log, checkpoints }, models }: OpeningParts,
  sessionId: string,
): Promise<ReadSession | Gone | { readonly kind: 'unknown' | 'too-new' }> {
  const [postgres, redis] = await Promise.all([
    unlessAway(checkpoints.peek(sessionId)),
    log === undefined ? ('away' as const) : unlessAway(log.peek(sessionId)),
  ]);
  if (postgres !== 'away' && postgres.kind === 'gone') return postgres;
  const known = redis !== 'away' && redis.kind === 'taken' ? redis : undefined;
  const first = postgres !== 'away' && postgres.kind === 'taken' ? postgres : known;
  if (first === undefined && postgres === 'away') return away();
  if (first === undefined) return { kind: 'unknown' };
  const { kind, version } = first.snapshot;
  const model = models.get(kind);
  if (model === undefined || version > model.version) return { kind: 'too-new' };
  if (known !== undefined && known.snapshot.version > model.version) return { kind: 'too-new' };
  const { snapshot } = reconcile(model, first, known, undefined);
  return { kind: 'read', epoch: first.epoch, snapshot, ended: first.ended };
}

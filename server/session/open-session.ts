/** Becoming the owner of a session: claim it in both stores, decide where it goes on from, and begin a new epoch when it must. */
import { encodeEntry } from '../../shared/protocol/codec.ts';
import type { Position, Snapshot } from '../../shared/protocol/frames.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import type { AppendResult, Claim, Recovered } from '../store/journal.ts';
import type { Journals } from '../store/journals.ts';
import { continueFromPostgres, reconcile, type Continuation } from './reconcile.ts';
import type { EncodedEntry } from './session.ts';

/** A session in the hands of its owner. */
export interface OpenedSession {
  readonly sessionId: string;
  readonly model: AnyModel;
  readonly ownerId: string;
  readonly epoch: string;
  readonly snapshot: Snapshot;
  /** Entries up to the snapshot's offset that can be replayed. */
  readonly recent: readonly EncodedEntry[];
  /** What Postgres has; entries after it are in `recent`. */
  readonly saved: Snapshot;
}

export type Opening =
  | { readonly kind: 'opened'; readonly session: OpenedSession }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'too-new' };

export interface OpeningParts {
  readonly journals: Journals;
  readonly models: ReadonlyMap<string, AnyModel>;
  readonly newId: () => string;
}

/** Another instance claimed the session meanwhile: forget it, the client will ask again. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
}

/** Rejects with StoreUnavailableError or FencedError; trying again is always safe, since every try is a new owner. */
export async function openSession(
  parts: OpeningParts,
  sessionId: string,
  witness: Position | undefined,
): Promise<Opening> {
  const versions = Object.fromEntries(
    [...parts.models].map(([kind, { version }]) => [kind, version]),
  );
  const claim: Claim = { sessionId, ownerId: parts.newId(), versions };
  const claimed = await claimBoth(parts.journals, claim);
  if (claimed.kind !== 'claimed') return claimed;
  const { postgres, redis } = claimed;
  const model = parts.models.get(postgres.snapshot.kind);
  if (model === undefined) return { kind: 'too-new' };
  const continuation =
    parts.journals.log === undefined
      ? continueFromPostgres(model, postgres, witness)
      : reconcile(model, postgres, redis, witness);
  const epoch = continuation.startsEpoch
    ? `${postgres.term}-${parts.newId().slice(0, 8)}`
    : postgres.epoch;
  const isSeedNeeded = continuation.startsEpoch || redis === undefined;
  const target = { sessionId, ownerId: claim.ownerId, term: postgres.term, epoch };
  const saved = await settle(
    parts.journals,
    { ...target, formerEpoch: postgres.epoch },
    continuation,
  );
  if (isSeedNeeded && parts.journals.log !== undefined)
    expectAppended(
      await parts.journals.log.startEpoch({ ...target, snapshot: continuation.snapshot }),
    );
  const { snapshot } = continuation;
  const recent = continuation.recent.map((entry) => ({
    offset: entry.offset,
    text: encodeEntry(entry),
  }));
  const { ownerId } = claim;
  return { kind: 'opened', session: { sessionId, model, ownerId, epoch, snapshot, recent, saved } };
}

type Claimed =
  | {
      readonly kind: 'claimed';
      readonly postgres: Recovered;
      readonly redis: Recovered | undefined;
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'too-new' };

/**
 * Postgres first: it mints the term, and a term decides between two instances that open at once. When Redis has seen a higher one
 * (Postgres was restored from a backup), the claim is made again above it.
 */
async function claimBoth({ log, checkpoints }: Journals, claim: Claim): Promise<Claimed> {
  let term: number | undefined;
  for (;;) {
    const postgres = await checkpoints.takeOver({ ...claim, term });
    if (postgres.kind === 'absent') return { kind: 'unknown' };
    if (postgres.kind === 'too-new') return { kind: 'too-new' };
    if (postgres.kind === 'outrun') throw new FencedError('A newer owner is there.');
    if (log === undefined) return { kind: 'claimed', postgres, redis: undefined };
    const redis = await log.takeOver({ ...claim, term: postgres.term });
    if (redis.kind === 'too-new') return { kind: 'too-new' };
    if (redis.kind === 'absent') return { kind: 'claimed', postgres, redis: undefined };
    if (redis.kind === 'taken') return { kind: 'claimed', postgres, redis };
    if (term !== undefined) throw new FencedError('A newer owner is there.');
    term = redis.term + 1;
  }
}

/** Before an epoch begins, Postgres gets everything of the one that ends: it is the history the new one stands on. */
async function settle(
  { checkpoints }: Journals,
  target: { sessionId: string; ownerId: string; term: number; epoch: string; formerEpoch: string },
  { snapshot, recent, saved, startsEpoch }: Continuation,
): Promise<Snapshot> {
  if (!startsEpoch) return saved;
  const { sessionId, ownerId, formerEpoch } = target;
  if (snapshot.offset > saved.offset) {
    const unsaved = recent.filter((entry) => entry.offset > saved.offset).map(encodeEntry);
    const entries = unsaved.join(',');
    const place = { prev: saved.offset, head: snapshot.offset, epoch: formerEpoch };
    const batch = { sessionId, ownerId, ...place, entries, snapshot: JSON.stringify(snapshot) };
    expectAppended(await checkpoints.append(batch));
  }
  expectAppended(await checkpoints.startEpoch({ ...target, snapshot }));
  return snapshot;
}

function expectAppended(result: AppendResult): void {
  if (result !== 'appended')
    throw new FencedError(`The session moved while it was opened: ${result}.`);
}

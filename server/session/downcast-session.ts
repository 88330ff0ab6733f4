/** Takes a session back to an older schema version, so that an older release can own it. */
import type { Snapshot } from '../../shared/protocol/frames.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import { StoreUnavailableError, type Recovered } from '../store/journal.ts';
import { claimSession, FencedError } from './claim-session.ts';
import { knownVersions, unsavedOf, type OpeningParts } from './open-session.ts';
import { reconcile, type Continuation } from './reconcile.ts';

/** The session kind has no way back to that version, or not for this state. */
export class DowncastRefusedError extends Error {
  override readonly name = 'DowncastRefusedError';
}

/**
 * Becomes the session's owner, brings everything there is of it together, and begins an epoch with the older state: first in Postgres,
 * with the version in the same statement, then in Redis, which is emptied of what the older release does not know. Whoever held the
 * session is fenced; clients get a snapshot, because the epoch is another. Redis must answer: it may hold what Postgres does not.
 *
 * Ended halfway, nothing is wrong: until Postgres has it the newer release goes on, and a Redis that was left behind is refused by the
 * older one until this is run again. Rejects with DowncastRefusedError, FencedError or StoreUnavailableError.
 */
export async function downcastSession(
  parts: OpeningParts,
  sessionId: string,
  toVersion: number,
): Promise<'converted' | 'unknown'> {
  const { journals, models, newId } = parts;
  const ownerId = newId();
  const claim = { sessionId, ownerId, versions: knownVersions(models), keepsVersion: true };
  const claimed = await claimSession(journals, claim, () => false);
  if (claimed.kind === 'unknown' || claimed.kind === 'gone') return 'unknown';
  if (claimed.kind === 'too-new') throw newerThanThis();
  if (claimed.kind === 'redis') throw new StoreUnavailableError('Postgres', 'it decides versions');
  if (claimed.kind === 'postgres' && claimed.isRedisAway)
    throw new StoreUnavailableError('Redis', 'it may hold what Postgres does not');
  const { postgres } = claimed;
  const redis = claimed.kind === 'both' ? claimed.redis : undefined;
  const continuation = continueBoth(models, postgres, redis);
  const { recent, saved, snapshot: newest, model } = continuation;
  const snapshot = takeBack(model, newest, toVersion);
  const { term } = postgres;
  const start = { sessionId, ownerId, term, epoch: `${term}-${newId().slice(0, 8)}`, snapshot };
  const unsaved = unsavedOf(recent, saved, newest);
  const isSaved = await journals.checkpoints.startEpoch({ ...start, unsaved });
  if (isSaved !== 'appended') throw new FencedError(`The session moved: ${isSaved}.`);
  if (redis === undefined) return 'converted';
  const isSeeded = await journals.log?.startEpoch(start);
  if (isSeeded !== 'appended') throw new FencedError('The session moved in Redis.');
  return 'converted';
}

/** What a downcast would come to, claiming and changing nothing. Rejects as `downcastSession` does, but is never fenced. */
export async function tryDowncast(
  { journals, models }: OpeningParts,
  sessionId: string,
  toVersion: number,
): Promise<Snapshot | 'unknown'> {
  const postgres = await journals.checkpoints.peek(sessionId);
  if (postgres.kind !== 'taken') return 'unknown';
  const found = await journals.log?.peek(sessionId);
  const redis = found?.kind === 'taken' ? found : undefined;
  const { model, snapshot } = continueBoth(models, postgres, redis);
  return takeBack(model, snapshot, toVersion);
}

function continueBoth(
  models: ReadonlyMap<string, AnyModel>,
  postgres: Recovered,
  redis: Recovered | undefined,
): Continuation & { readonly model: AnyModel } {
  const model = models.get(postgres.snapshot.kind);
  const newest = Math.max(postgres.snapshot.version, redis?.snapshot.version ?? 0);
  if (model === undefined || newest > model.version) throw newerThanThis();
  return { ...reconcile(model, postgres, redis, undefined), model };
}

function takeBack(model: AnyModel, snapshot: Snapshot, toVersion: number): Snapshot {
  if (model.downcast === undefined)
    throw new DowncastRefusedError(`${model.kind} has no downcast from ${model.version}.`);
  const state = attempt(model, snapshot.state, toVersion);
  // What is no JSON would be stored as nothing.
  if (JSON.stringify(state) === undefined)
    throw new DowncastRefusedError(`${model.kind} has no state at ${toVersion}.`);
  return { ...snapshot, version: toVersion, state };
}

function attempt(model: AnyModel, state: unknown, toVersion: number): unknown {
  try {
    return model.downcast?.(state, toVersion);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DowncastRefusedError(`${model.kind} cannot go back to ${toVersion}: ${reason}`, {
      cause,
    });
  }
}

function newerThanThis(): DowncastRefusedError {
  return new DowncastRefusedError('The state is of a version this release does not know.');
}

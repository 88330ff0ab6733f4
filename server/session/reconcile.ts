/** Two stores, one truth: where a session goes on from, given what Postgres and Redis still have. */
import type { Entry, Snapshot } from '../../shared/protocol/frames.ts';
import { applyEntry, writerIndex } from '../../shared/session/fold.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import type { Recovered } from '../store/journal.ts';
import { isAhead, type Sighting } from './reader.ts';

export interface Continuation {
  /** The state to go on from. */
  readonly snapshot: Snapshot;
  /** Entries before it that are known one by one, for replays. */
  readonly recent: readonly Entry[];
  /** How far Postgres is. */
  readonly saved: Snapshot;
  /** Whether clients must be told that offsets they saw may have been given anew. */
  readonly startsEpoch: boolean;
}

/**
 * Postgres is authoritative about which epoch it is, Redis about what came last within it. Redis is believed only when it continues
 * what Postgres has: same epoch, neither behind nor trimmed beyond it. Whenever it cannot be proven that nothing was lost (Redis
 * gone, behind, of another epoch or of another process, Postgres behind what it had confirmed, or a client has seen more), a new
 * epoch starts, and the clients bring what is missing. A Redis of a later epoch that has all of Postgres shows that Postgres was
 * restored from a backup: it is believed. What a Redis that is not believed still holds of commands that are not in Postgres is taken
 * over, outcome by outcome. [R4] [R8] [R12]
 */
export function reconcile(
  model: AnyModel,
  postgres: Recovered,
  redis: Recovered | undefined,
  sighting: Sighting | undefined,
): Continuation {
  const saved = foldRecovered(model, postgres);
  // Both stores must learn the version of the state before it changes: an older instance is to leave the session alone. [O5]
  const isOlder = postgres.snapshot.version !== model.version;
  if (redis === undefined) {
    const startsEpoch = isOlder || postgres.wasOwned || isAhead(sighting, postgres.epoch, saved);
    return { snapshot: saved, recent: postgres.entries, saved, startsEpoch };
  }
  const logged = foldRecovered(model, redis);
  const isSameLife = redis.epoch === postgres.epoch && logged.offset >= saved.offset;
  const isPostgresBehind = isLater(redis.epoch, postgres.epoch) && covers(logged, saved);
  if (!isSameLife && !isPostgresBehind) {
    const salvaged = salvage(model, saved, redis);
    const recent = [...postgres.entries, ...salvaged.entries];
    return { snapshot: salvaged.snapshot, recent, saved, startsEpoch: true };
  }
  const startsEpoch =
    isOlder ||
    isPostgresBehind ||
    redis.snapshot.version !== model.version ||
    !redis.isContinuous ||
    redis.snapshot.offset > saved.offset ||
    isAhead(sighting, redis.epoch, logged);
  return { snapshot: logged, recent: redis.entries, saved, startsEpoch };
}

/**
 * Without Redis only a client can know of something that is missing: a restored backup. When Redis is only away it may hold
 * accepted entries and come back with them: entering this mode commits a new epoch first, so that they are recognised as stale.
 */
export function continueFromPostgres(
  model: AnyModel,
  postgres: Recovered,
  sighting: Sighting | undefined,
  isRedisAway: boolean,
): Continuation {
  const saved = foldRecovered(model, postgres);
  const isOlder = postgres.snapshot.version !== model.version;
  const startsEpoch = isOlder || isRedisAway || isAhead(sighting, postgres.epoch, saved);
  return { snapshot: saved, recent: postgres.entries, saved, startsEpoch };
}

/**
 * While Postgres is away Redis is believed if it has all that the client has seen; otherwise undefined, because a new epoch could
 * not be recorded anywhere. Postgres has at least what Redis was trimmed to.
 */
export function continueFromRedis(
  model: AnyModel,
  redis: Recovered,
  sighting: Sighting | undefined,
): Continuation | undefined {
  const logged = foldRecovered(model, redis);
  const seenEpoch = sighting?.position.epoch;
  const isKnown = seenEpoch === undefined || seenEpoch === redis.epoch;
  // A state of an older version needs a new epoch, which only Postgres can record.
  if (redis.snapshot.version !== model.version) return undefined;
  if (!isKnown || isAhead(sighting, redis.epoch, logged)) return undefined;
  return { snapshot: logged, recent: redis.entries, saved: redis.snapshot, startsEpoch: false };
}

/** Whether an epoch began after another: each is named after the term it began in, and Postgres learns of it first. */
function isLater(epoch: string, other: string): boolean {
  return Number.parseInt(epoch, 10) > Number.parseInt(other, 10);
}

/** Whether everything in a state is in the other too, as far as the hashes tell. */
function covers(whole: Snapshot, part: Snapshot): boolean {
  if (whole.offset < part.offset) return false;
  return part.writers.every(({ client_id, incarnation, accepted, hashes }) => {
    const writer = whole.writers[writerIndex(whole, client_id, incarnation)];
    if (writer === undefined || writer.accepted < accepted) return false;
    const hash = writer.hashes.at(accepted - writer.accepted - 1);
    return accepted === 0 || hash === undefined || hash === hashes.at(-1);
  });
}

/** Folds what a store has, from a state of this model's version: events are understood for ever, states are brought up to date. */
export function foldRecovered(model: AnyModel, { snapshot, entries }: Recovered): Snapshot {
  return entries.reduce(
    (state, entry) => applyEntry(model, state, entry),
    upToDate(model, snapshot),
  );
}

function upToDate(model: AnyModel, snapshot: Snapshot): Snapshot {
  if (snapshot.version === model.version) return snapshot;
  // Handing a newer state to `upcast` would come to a wrong one without a sign of it. [O5]
  if (model.upcast === undefined || snapshot.version > model.version)
    throw new Error(`${model.kind} cannot read its state of version ${snapshot.version}.`);
  return {
    ...snapshot,
    version: model.version,
    state: model.upcast(snapshot.state, snapshot.version),
  };
}

interface Author {
  readonly client_id: string;
  readonly incarnation: string;
  /** Of the latest command of it that the former life had. */
  lastHash: string | undefined;
}

/**
 * Entries of a former life whose commands the state does not have, with the outcome they had, numbered anew. A command is known by
 * its writer and seq; one that would leave a gap before it is left to its client, and so is one whose writer went another way before
 * it: of two copies of a storage, one was heard there and the other here. Nothing is decided again. [C2] [C8] [R8]
 */
function salvage(
  model: AnyModel,
  saved: Snapshot,
  stale: Recovered,
): { readonly snapshot: Snapshot; readonly entries: readonly Entry[] } {
  const authors: Author[] = stale.snapshot.writers.map((writer) => ({
    ...writer,
    lastHash: writer.hashes.at(-1),
  }));
  const entries: Entry[] = [];
  let snapshot = saved;
  const add = (entry: Entry): void => {
    snapshot = applyEntry(model, snapshot, entry);
    entries.push(entry);
  };
  for (const entry of stale.entries) {
    const offset = snapshot.offset + 1;
    if ('joined' in entry) {
      const { client_id, incarnation } = entry.joined;
      const isSame = (author: Author): boolean =>
        author.client_id === client_id && author.incarnation === incarnation;
      if (!authors.some(isSame)) authors.push({ ...entry.joined, lastHash: undefined });
      if (writerIndex(snapshot, client_id, incarnation) === -1) add({ ...entry, offset });
      continue;
    }
    const author = authors[entry.writer];
    if (author === undefined) continue;
    const writer = writerIndex(snapshot, author.client_id, author.incarnation);
    const { accepted, hashes } = snapshot.writers[writer] ?? {};
    if (accepted === entry.seq - 1 && hashes?.at(-1) === author.lastHash)
      add({ ...entry, offset, writer });
    author.lastHash = entry.hash;
  }
  return { snapshot, entries };
}

/** Two stores, one truth: where a session goes on from, given what Postgres and Redis still have. */
import type { Entry, Snapshot } from '../../shared/protocol/frames.ts';
import { acceptedSeq, applyEntry, writerIndex } from '../../shared/session/fold.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import type { Recovered } from '../store/journal.ts';
import { isAhead, isLater, type Sighting } from './reader.ts';

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
 * An epoch goes on only where Redis proves that nothing was lost. Otherwise a new epoch starts, and the clients bring what is missing.
 * What a Redis that is not believed still holds of commands that are not in Postgres is taken over, outcome by outcome. A Redis of a
 * later epoch that has all of Postgres shows that Postgres was restored from a backup, and is believed; of what lies between, Postgres
 * then has the state and not the entries. [R4] [R8] [R12]
 */
export function reconcile(
  model: AnyModel,
  postgres: Recovered,
  redis: Recovered | undefined,
  sighting: Sighting | undefined,
): Continuation {
  if (redis === undefined) return continueFromPostgres(model, postgres);
  const proven = continueProven(model, postgres, redis, sighting);
  if (proven !== undefined) return proven;
  const saved = foldRecovered(model, postgres);
  const logged = foldRecovered(model, redis);
  const isSameLife = redis.epoch === postgres.epoch && logged.offset >= saved.offset;
  const isPostgresBehind = isLater(redis.epoch, postgres.epoch) && covers(logged, saved);
  if (!isSameLife && !isPostgresBehind) {
    const salvaged = salvage(model, saved, redis);
    const recent = [...postgres.entries, ...salvaged.entries];
    return { snapshot: salvaged.snapshot, recent, saved, startsEpoch: true };
  }
  // Entries of another life are numbered otherwise than what Postgres has: behind it they would be a history that never was.
  const recent = isSameLife ? redis.entries : [];
  return { snapshot: logged, recent, saved, startsEpoch: true };
}

/**
 * Goes on where Redis proves that nothing was lost: it was the log of the epoch, is neither behind Postgres nor trimmed beyond it, is
 * the same process ever since, and no client has seen more. Undefined where it proves that not. In an epoch whose log Redis is,
 * Postgres gets only what Redis has had before: how far it reaches says what it has, and to parse and fold that once more would be a
 * tenth of what a session costs that moves. [R4] [R8]
 */
function continueProven(
  model: AnyModel,
  postgres: Recovered,
  redis: Recovered,
  sighting: Sighting | undefined,
): Continuation | undefined {
  const { snapshot, entries } = redis;
  const savedCount = postgres.head - snapshot.offset;
  const isProven =
    redis.epoch === postgres.epoch &&
    savedCount >= 0 &&
    savedCount <= entries.length &&
    redis.isContinuous &&
    // Nothing was appended there yet: Postgres may have been this epoch's log, and have lost what it had since.
    redis.isLog &&
    // Both stores must learn the version of the state before it changes: an older instance is to leave the session alone. [O5]
    snapshot.version === model.version;
  if (!isProven) return undefined;
  const saved = foldEntries(model, snapshot, entries.slice(0, savedCount));
  const logged = foldEntries(model, saved, entries.slice(savedCount));
  if (isAhead(sighting, redis.epoch, logged)) return undefined;
  return { snapshot: logged, recent: entries, saved, startsEpoch: false };
}

/**
 * Alone, Postgres cannot tell that it is an older backup of itself, nor what Redis holds when it is only away: the epoch it knows may
 * have gone on elsewhere, and its offsets must not be given twice. [E1]
 */
export function continueFromPostgres(model: AnyModel, postgres: Recovered): Continuation {
  const saved = foldRecovered(model, postgres);
  return { snapshot: saved, recent: postgres.entries, saved, startsEpoch: true };
}

/** What Redis alone comes to, while Postgres is away: no new epoch can be recorded anywhere. Postgres has what Redis was trimmed to. */
export function continueFromRedis(model: AnyModel, redis: Recovered): Continuation {
  const logged = foldRecovered(model, redis);
  return { snapshot: logged, recent: redis.entries, saved: redis.snapshot, startsEpoch: false };
}

/** Whether Redis alone will do: it has all that the client has seen, in a state of this version. */
export function hasAllSeen(
  model: AnyModel | undefined,
  redis: Recovered,
  sighting: Sighting | undefined,
): boolean {
  if (model === undefined || redis.snapshot.version !== model.version) return false;
  const { epoch = redis.epoch } = sighting?.position ?? {};
  if (epoch !== redis.epoch) return isLater(redis.epoch, epoch);
  return !isAhead(sighting, redis.epoch, foldRecovered(model, redis));
}

/**
 * Whether everything in a state is in the other too: each writer under the same number, and no further ahead than its hashes reach,
 * because two copies of a storage may have given other commands under the same numbers.
 */
function covers(whole: Snapshot, part: Snapshot): boolean {
  if (whole.offset < part.offset) return false;
  return part.writers.every(({ client_id, incarnation, accepted, hashes }, index) => {
    const writer = whole.writers[index];
    if (writer?.client_id !== client_id || writer.incarnation !== incarnation) return false;
    if (accepted > writer.accepted) return false;
    return accepted === 0 || writer.hashes.at(accepted - writer.accepted - 1) === hashes.at(-1);
  });
}

/** Whether a store has commands that a state does not. */
export function holdsMore({ snapshot, entries }: Recovered, than: Snapshot): boolean {
  const held = new Map<string, number>();
  const authors = snapshot.writers.map(({ client_id, incarnation, accepted }) => {
    held.set(`${client_id} ${incarnation}`, accepted);
    return { client_id, incarnation };
  });
  for (const entry of entries)
    if ('joined' in entry) authors.push(entry.joined);
    else {
      const { client_id, incarnation } = authors[entry.writer] ?? {};
      held.set(`${client_id} ${incarnation}`, entry.seq);
    }
  return authors.some(
    ({ client_id, incarnation }) =>
      (held.get(`${client_id} ${incarnation}`) ?? 0) > acceptedSeq(than, client_id, incarnation),
  );
}

/** Folds what a store has, from a state of this model's version: events are understood for ever, states are brought up to date. */
export function foldRecovered(model: AnyModel, { snapshot, entries }: Recovered): Snapshot {
  return foldEntries(model, upToDate(model, snapshot), entries);
}

const foldEntries = (model: AnyModel, from: Snapshot, entries: readonly Entry[]): Snapshot =>
  entries.reduce((state, entry) => applyEntry(model, state, entry), from);

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

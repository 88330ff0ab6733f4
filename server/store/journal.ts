/**
 * What must not be lost, in one port with two implementations. Redis is the write-ahead log: every append is one. Postgres holds
 * the checkpoints: an append there covers seconds of the same entries. Without Redis, Postgres is both.
 *
 * Every write is a compare-and-set on (owner id, epoch, previous offset), made where the data is: at most one owner's writes land,
 * however late they arrive, and no clock is involved. [O1] [O2]
 */
import type { Entry, Snapshot, Writer } from '../../shared/protocol/frames.ts';

/** A batch of entries for one session: those after `prev`, up to and including `head`. */
export interface Batch {
  readonly sessionId: string;
  readonly ownerId: string;
  readonly epoch: string;
  readonly prev: number;
  readonly head: number;
  /** Encoded entries, in texts that follow each other, with a comma between two: joined they would be copied once more. */
  readonly entries: readonly string[];
  /** Encoded snapshot at `head`, when one is due: whoever opens the session starts folding there. */
  readonly snapshot?: string | undefined;
  /** Whether the session has ended with it. Checkpoints mark it, so that it is archived when it is quiet. [L2] */
  readonly isEnd?: boolean | undefined;
}

/**
 * `appended`: it is there, now or from an earlier identical try. [O3] · `fenced`: another owner has the session: forget it. ·
 * `behind`: the owner is still this one and the log ends elsewhere: the store lost or regained data. [O4] · `absent`: the store
 * does not know the session.
 */
export type AppendResult = 'appended' | 'fenced' | 'behind' | 'absent';

export interface Recovered {
  readonly kind: 'taken';
  readonly term: number;
  readonly epoch: string;
  /** False when the store cannot know that it lost nothing since the epoch began: Redis was restarted or promoted. */
  readonly isContinuous: boolean;
  /** Whether an append landed since the epoch was begun here. Before that, Postgres may be this epoch's log, and ahead. */
  readonly isLog: boolean;
  /** Why and when it ended, if Postgres knows that it did. */
  readonly ended?: { readonly reason: EndReason; readonly atMs: number } | undefined;
  /** Offset of the last of its entries, or of the snapshot where there are none. */
  readonly head: number;
  /** Asking for it or for the entries throws where what the store has cannot be read. */
  readonly snapshot: Snapshot;
  /** What came after the snapshot, in order and without gaps. */
  readonly entries: readonly Entry[];
}

/**
 * `finished`: the session kind says so. `abandoned`: nobody was attached for too long; whoever comes takes it up again. `deleted`: its
 * owner wanted it gone, and nothing of it is kept. [L6]
 */
export type EndReason = 'finished' | 'abandoned' | 'deleted';

/** The time of the session is over; how far each writer had come. Unlike `absent`, this is known: nothing was lost. [L4] */
export interface Gone {
  readonly kind: 'gone';
  readonly reason: EndReason;
  readonly endedMs: number;
  readonly writers: readonly Pick<Writer, 'client_id' | 'incarnation' | 'accepted'>[];
}

export type TakenOver =
  | Recovered
  | { readonly kind: 'absent' }
  | Gone
  /** The term asked for is not above the one the store has seen. */
  | { readonly kind: 'outrun'; readonly term: number }
  /** The state is of a schema version this instance does not know, or may not be raised to the one it knows; nothing was changed. */
  | { readonly kind: 'too-new' };

export interface Claim {
  readonly sessionId: string;
  /** Unique for each time a session is opened, never reused. */
  readonly ownerId: string;
  /** The term to take; without it the next one after the stored. */
  readonly term?: number | undefined;
  /** Newest schema version this instance knows, by kind. */
  readonly versions: Readonly<Record<string, number>>;
  /** The state will not be raised to a newer version: a ceiling does not matter. */
  readonly keepsVersion?: boolean | undefined;
  /** Claimed to be put away, by nobody who uses it: its time does not begin anew, and it may be over. */
  readonly isHousekeeping?: boolean | undefined;
}

export interface NewEpoch {
  readonly sessionId: string;
  readonly ownerId: string;
  readonly term: number;
  readonly epoch: string;
  /** The state the epoch starts from; its offset is the new head. */
  readonly snapshot: Snapshot;
  /** Encoded entries of the former epoch that Postgres does not have yet, joined by commas: those after `prev`. */
  readonly unsaved?: { readonly prev: number; readonly entries: string } | undefined;
}

export interface Trim {
  readonly sessionId: string;
  readonly ownerId: string;
  readonly epoch: string;
  readonly snapshot: Snapshot;
}

export interface Archiving {
  readonly sessionId: string;
  readonly ownerId: string;
  readonly epoch: string;
  /** The state at the end of the log. */
  readonly snapshot: Snapshot;
  readonly reason: EndReason;
}

/** All methods reject with StoreUnavailableError when the outcome is unknown; trying again with the same arguments is safe. */
export interface Journal {
  /** Becomes the owner: from now on nobody else's write lands. Returns all the store has. */
  takeOver(claim: Claim): Promise<TakenOver>;
  append(batch: Batch): Promise<AppendResult>;
  /**
   * Begins a new life of the log. Postgres gets what it lacks of the former one, the snapshot and its schema version in one, or
   * nothing: part of it would let older code fold what it does not know. Redis takes the snapshot as its all.
   */
  startEpoch(start: NewEpoch): Promise<AppendResult>;
  /** Lets the snapshot stand for what it covers, once Postgres has it. An older one than stands there already changes nothing. */
  trim(trim: Trim): Promise<AppendResult>;
  /** Whether this owner still is one and the log has all up to `head`, writing nothing: answers as an append there would. */
  confirm(place: Pick<Batch, 'sessionId' | 'ownerId' | 'epoch' | 'head'>): Promise<AppendResult>;
  /**
   * Puts a session away that is over and wholly checkpointed: Redis forgets it, Postgres keeps its entries compressed and its last
   * snapshot, from which it is opened again like any other. Only at the end of the log. Redis goes first: were it to forget after
   * Postgres let go, it could forget what a next owner wrote. [L2]
   */
  archive(archiving: Archiving): Promise<AppendResult>;
  /** All the store has, claiming nothing. */
  peek(sessionId: string): Promise<Recovered | { readonly kind: 'absent' } | Gone>;
}

/** What looks after sessions nobody looks at. Safe from many instances at once: each session goes to one of them. */
export interface Housekeeping {
  /** Sessions to be archived: ended and quiet, without anybody for too long, or over. Each is given out once in `restMs`. */
  due(asked: {
    /** Since when nobody must have been attached, for one that ended and for any. */
    readonly quietMs: number;
    readonly abandonedMs: number;
    readonly restMs: number;
    readonly countMax: number;
  }): Promise<readonly string[]>;
  /**
   * Somebody is attached to these: their time begins anew, for one that ended before it is `quietMs`, for any before it is
   * `abandonedMs`. Those touched a while ago only, and those somebody writes to just now, are left for the next time.
   */
  touch(
    sessionIds: readonly string[],
    asked: { readonly quietMs: number; readonly abandonedMs: number },
  ): Promise<void>;
  /** Deletes archived sessions whose time is over, leaving tombstones, and tombstones whose time is over. Returns how many sessions. */
  purge(asked: { readonly tombstoneMs: number; readonly countMax: number }): Promise<number>;
}

/** Where sessions begin, and where all that happened in them stays. */
export interface SessionCatalog {
  /** Every entry of a session, in order. Large; for rare questions. */
  history(sessionId: string): Promise<readonly Entry[]>;
  /**
   * A session that is there already stays as it is. The snapshot is where it begins: at offset 0, or wherever Redis has it when
   * Postgres has lost it.
   */
  create(session: {
    readonly sessionId: string;
    readonly epoch: string;
    readonly snapshot: Snapshot;
    readonly retentionMs: number;
    /** The highest term known of: whoever claims the session next gets a higher one. None for a new session. [O1] */
    readonly term?: number | undefined;
  }): Promise<'created' | 'above-ceiling'>;
}

/** A store could not be asked, or did not answer: whether a write landed is not known. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  /** Whether only this session cannot be had now, while the store answers others: its keys are on their way to another node. */
  readonly isAboutSession: boolean;
  constructor(store: 'Redis' | 'Postgres', cause: unknown, { isAboutSession = false } = {}) {
    super(`${store} is unavailable: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.isAboutSession = isAboutSession;
  }
}

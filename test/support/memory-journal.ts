import type {
  AppendResult,
  Journal,
  Recovered,
  SessionCatalog,
} from '../../server/store/journal.ts';
import { parseEntries, parseEntriesAfter, parseSnapshot } from '../../server/store/stored-json.ts';
/** A journal in memory that keeps the promises of the port: for the simulator, which also decides when and whether it answers. */
import type { Entry, Snapshot } from '../../shared/protocol/frames.ts';

interface Stored {
  owner: string | null;
  term: number;
  epoch: string;
  head: number;
  identity: string;
  isLog: boolean;
  /** Who archived it, as in Postgres. */
  snapshot: string;
  archive: string[];
  batches: { head: number; prev: number; owner: string; entries: string }[];
}

export interface MemoryStore extends Journal, SessionCatalog {
  /** All data, to be copied for a rollback. */
  backup(): string;
  restore(backup: string): void;
  wipe(): void;
  /** The process is another one: continuity is not known any more. */
  restart(identity: string): void;
  /** State the store would rebuild, for the oracle. */
  read(
    sessionId: string,
  ): { snapshot: Snapshot; entries: Entry[]; owner: string | null } | undefined;
}

/** `keepsAll`: like Postgres, identity and trimming mean nothing to it. */
export function memoryJournal({ keepsAll }: { keepsAll: boolean }): MemoryStore {
  let sessions = new Map<string, Stored>();
  let identity = 'first';

  function landsOn(
    stored: Stored | undefined,
    ownerId: string,
    epoch: string,
  ): AppendResult | Stored {
    if (stored === undefined) return 'absent';
    if (!isContinuous(stored)) return 'behind';
    if (stored.owner !== ownerId) return 'fenced';
    if (stored.epoch !== epoch) return 'behind';
    return stored;
  }

  const isContinuous = (stored: Stored): boolean => keepsAll || stored.identity === identity;

  function recovered(stored: Stored): Recovered {
    const snapshot = parseSnapshot(stored.snapshot);
    const batches = stored.batches.map((batch) => batch.entries);
    const entries = parseEntriesAfter(snapshot.offset, batches);
    return {
      kind: 'taken',
      term: stored.term,
      epoch: stored.epoch,
      isContinuous: isContinuous(stored) && snapshot.offset <= stored.head,
      isLog: keepsAll || stored.isLog,
      head: snapshot.offset + entries.length,
      snapshot,
      entries,
    };
  }

  return {
    create: ({ sessionId, epoch, snapshot, term = 0 }) => {
      if (sessions.has(sessionId)) return Promise.resolve('created');
      sessions.set(sessionId, {
        owner: null,
        term,
        epoch,
        head: snapshot.offset,
        identity,
        isLog: false,
        snapshot: JSON.stringify(snapshot),
        archive: [],
        batches: [],
      });
      return Promise.resolve('created');
    },
    history: (sessionId) => Promise.resolve(parseEntries(sessions.get(sessionId)?.archive ?? [])),
    takeOver: ({ sessionId, ownerId, term, versions }) => {
      const stored = sessions.get(sessionId);
      if (stored === undefined) return Promise.resolve({ kind: 'absent' });
      const snapshot = parseSnapshot(stored.snapshot);
      if (snapshot.version > (versions[snapshot.kind] ?? 0))
        return Promise.resolve({ kind: 'too-new' });
      if (term !== undefined && term <= stored.term)
        return Promise.resolve({ kind: 'outrun', term: stored.term });
      stored.owner = ownerId;
      stored.term = term ?? stored.term + 1;
      return Promise.resolve(recovered(stored));
    },
    peek: (sessionId) => {
      const stored = sessions.get(sessionId);
      return Promise.resolve(stored === undefined ? { kind: 'absent' } : recovered(stored));
    },
    append: ({ sessionId, ownerId, epoch, prev, head, entries: texts, snapshot }) => {
      const stored = landsOn(sessions.get(sessionId), ownerId, epoch);
      if (typeof stored === 'string') return Promise.resolve(stored);
      const last = stored.batches.at(-1);
      if (stored.head === head && last?.prev === prev && last.owner === ownerId)
        return Promise.resolve('appended');
      if (stored.head !== prev) return Promise.resolve('behind');
      const entries = texts.join(',');
      stored.batches.push({ head, prev, owner: ownerId, entries });
      if (keepsAll) stored.archive.push(entries);
      stored.head = head;
      stored.isLog = true;
      if (keepsAll && snapshot !== undefined) {
        stored.snapshot = snapshot;
        stored.batches = stored.batches.filter((batch) => batch.head === head);
      }
      return Promise.resolve('appended');
    },
    confirm: ({ sessionId, ownerId, epoch, head }) => {
      const stored = landsOn(sessions.get(sessionId), ownerId, epoch);
      if (typeof stored === 'string') return Promise.resolve(stored);
      const hasAll = keepsAll ? stored.head >= head : stored.head === head;
      return Promise.resolve(hasAll ? 'appended' : 'behind');
    },
    startEpoch: ({ sessionId, ownerId, term, epoch, snapshot, unsaved }) => {
      const stored = sessions.get(sessionId);
      if (keepsAll) {
        if (stored === undefined) return Promise.resolve('absent');
        if (stored.owner !== ownerId) return Promise.resolve('fenced');
        const { offset: head } = snapshot;
        if (stored.epoch === epoch)
          return Promise.resolve(stored.head === head ? 'appended' : 'behind');
        if (stored.head !== (unsaved?.prev ?? head)) return Promise.resolve('behind');
        if (unsaved !== undefined) {
          stored.archive.push(unsaved.entries);
          stored.batches.push({ head, owner: ownerId, ...unsaved });
        }
        stored.head = head;
        stored.snapshot = JSON.stringify(snapshot);
        stored.batches = stored.batches.filter((batch) => batch.head === head);
        stored.epoch = epoch;
        return Promise.resolve('appended');
      }
      if (
        stored !== undefined &&
        (stored.term > term || (stored.term === term && stored.owner !== ownerId))
      )
        return Promise.resolve('fenced');
      const isSameLife = stored?.epoch === epoch && isContinuous(stored);
      if (isSameLife && stored.head > snapshot.offset) return Promise.resolve('behind');
      sessions.set(sessionId, {
        owner: ownerId,
        term,
        epoch,
        head: snapshot.offset,
        identity,
        isLog: false,
        snapshot: JSON.stringify(snapshot),
        archive: [],
        batches: [],
      });
      return Promise.resolve('appended');
    },
    archive: ({ sessionId, ownerId, epoch, snapshot }) => {
      const stored = landsOn(sessions.get(sessionId), ownerId, epoch);
      if (typeof stored === 'string') return Promise.resolve(stored);
      if (stored.head !== snapshot.offset) return Promise.resolve('behind');
      if (keepsAll) {
        stored.snapshot = JSON.stringify(snapshot);
        stored.batches = [];
      } else sessions.delete(sessionId);
      return Promise.resolve('appended');
    },
    trim: ({ sessionId, ownerId, epoch, snapshot }) => {
      if (keepsAll) return Promise.resolve('appended');
      const stored = landsOn(sessions.get(sessionId), ownerId, epoch);
      if (typeof stored === 'string') return Promise.resolve(stored);
      if (snapshot.offset > stored.head) return Promise.resolve('behind');
      if (snapshot.offset <= parseSnapshot(stored.snapshot).offset)
        return Promise.resolve('appended');
      stored.snapshot = JSON.stringify(snapshot);
      stored.batches = stored.batches.filter((batch) => batch.head > snapshot.offset);
      return Promise.resolve('appended');
    },
    backup: () => JSON.stringify([...sessions]),
    restore: (backup) => {
      sessions = new Map(JSON.parse(backup) as [string, Stored][]);
    },
    wipe: () => {
      sessions = new Map();
    },
    restart: (next) => {
      identity = next;
    },
    read: (sessionId) => {
      const stored = sessions.get(sessionId);
      if (stored === undefined) return undefined;
      const snapshot = parseSnapshot(stored.snapshot);
      const batches = stored.batches.map((batch) => batch.entries);
      return {
        snapshot,
        entries: parseEntriesAfter(snapshot.offset, batches),
        owner: stored.owner,
      };
    },
  };
}

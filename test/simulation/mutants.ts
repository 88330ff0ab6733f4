/** Bugs planted on purpose: each is one promise broken in one place. The oracle must notice every one of them. */
import type {
  AppendResult,
  Batch,
  Journal,
  Recovered,
  TakenOver,
} from '../../server/store/journal.ts';
import type { Welcome } from '../../shared/protocol/frames.ts';
import type { MemoryStore } from '../support/memory-journal.ts';
import { sourceMutants } from './source-mutants.ts';
import type { Mutant } from './tampering.ts';
import { rewriting, wireMutants } from './wire-mutants.ts';

const appended = (): Promise<AppendResult> => Promise.resolve('appended');

/** Everything as it is, but what is given. */
const like = (journal: Journal, other: Partial<Journal>): Journal => ({ ...journal, ...other });

/** Whoever writes passes as the owner. */
function asOwner<Write extends { readonly sessionId: string; readonly ownerId: string }>(
  store: MemoryStore,
  write: Write,
): Write {
  const ownerId = store.read(write.sessionId)?.owner;
  return typeof ownerId === 'string' ? { ...write, ownerId } : write;
}

const withoutFence = (store: MemoryStore): Journal =>
  like(store, { append: (batch) => store.append(asOwner(store, batch)) });

/** What the store does not know counts as written. */
const asThere =
  (append: (batch: Batch) => Promise<AppendResult>) =>
  async (batch: Batch): Promise<AppendResult> => {
    const result = await append(batch);
    return result === 'absent' ? 'appended' : result;
  };

/** Wherever the log ends, the next batch goes behind it. */
function withoutPlace(store: MemoryStore): Journal {
  return like(store, {
    append: async (batch) => {
      const stored = store.read(batch.sessionId);
      const head = stored?.entries.at(-1)?.offset ?? stored?.snapshot.offset ?? 0;
      const result = await store.append(batch);
      return result === 'behind' && batch.head > head ? 'appended' : result;
    },
  });
}

const changed = (result: TakenOver, change: (taken: Recovered) => Recovered): TakenOver =>
  result.kind === 'taken' ? change(result) : result;

interface CommandsFrame {
  readonly type: 'commands';
  readonly seq: number;
  readonly commands: readonly unknown[];
}

interface EntriesFrame {
  readonly type: 'entries';
  readonly entries: readonly unknown[];
}

export const mutants: Readonly<Record<string, Mutant>> = {
  'Redis lets any owner append': {
    invariants: [4],
    tampering: {
      store: (store, name) => (name === 'redis' ? withoutFence(store) : store),
    },
  },
  'Postgres lets any owner append': {
    invariants: [4],
    tampering: {
      store: (store, name) => (name === 'postgres' ? withoutFence(store) : store),
    },
  },
  'Redis forgets a session for a former owner': {
    invariants: [4],
    tampering: {
      store: (store, name) =>
        name === 'postgres'
          ? store
          : like(store, { archive: (archiving) => store.archive(asOwner(store, archiving)) }),
    },
  },
  'an append that does not continue the log counts as appended': {
    invariants: [4],
    tampering: {
      store: (store) => withoutPlace(store),
    },
  },
  'accepted is told before the log has it': {
    invariants: [1, 7],
    tampering: {
      journal: (journal, name) =>
        name === 'postgres'
          ? journal
          : like(journal, {
              append: (batch) => {
                void journal.append(batch).catch(() => {});
                return appended();
              },
            }),
    },
  },
  'one append in twenty is answered without being written': {
    invariants: [1, 7],
    tampering: {
      journal: (journal, _name, random) =>
        like(journal, {
          append: (batch) => (random.chance(0.05) ? appended() : journal.append(batch)),
        }),
    },
  },
  'a checkpoint is reported before it is written': {
    invariants: [2, 9],
    tampering: {
      journal: (journal, name) =>
        name === 'redis'
          ? journal
          : like(journal, {
              append: (batch) => {
                void journal.append(batch).catch(() => {});
                return appended();
              },
            }),
    },
  },
  'a restarted Redis passes as continuous': {
    invariants: [6],
    tampering: {
      journal: (journal, name) =>
        name === 'postgres'
          ? journal
          : like(journal, {
              takeOver: async (claim) =>
                changed(await journal.takeOver(claim), (taken) => ({
                  ...taken,
                  isContinuous: true,
                })),
            }),
    },
  },
  'an owner that only listens is always told that it still is one': {
    invariants: [4],
    tampering: {
      journal: (journal) => like(journal, { confirm: () => appended() }),
    },
  },
  'a new epoch is not recorded in Postgres': {
    invariants: [6],
    tampering: {
      journal: (journal, name) =>
        name === 'redis' ? journal : like(journal, { startEpoch: () => appended() }),
    },
  },
  'a session is opened without the last of its entries': {
    invariants: [3],
    tampering: {
      journal: (journal) =>
        like(journal, {
          takeOver: async (claim) =>
            changed(await journal.takeOver(claim), (taken) => ({
              ...taken,
              head: Math.max(taken.snapshot.offset, taken.head - 1),
              entries: taken.entries.slice(0, -1),
            })),
        }),
    },
  },
  'a session is opened with a watermark that is one too low': {
    invariants: [1],
    tampering: {
      journal: (journal) =>
        like(journal, {
          takeOver: async (claim) =>
            changed(await journal.takeOver(claim), (taken) => ({
              ...taken,
              snapshot: {
                ...taken.snapshot,
                writers: taken.snapshot.writers.map((writer) => ({
                  ...writer,
                  accepted: Math.max(0, writer.accepted - 1),
                })),
              },
            })),
        }),
    },
  },
  'a trim is answered without being done': {
    invariants: [2, 6],
    tampering: {
      journal: (journal) => like(journal, { trim: () => appended() }),
    },
  },
  'welcome claims one command too many': {
    invariants: [1, 10],
    tampering: {
      toClient: () =>
        rewriting<Welcome>('welcome', (welcome) => ({
          ...welcome,
          accepted: welcome.accepted + 1,
        })),
    },
  },
  'a replay begins one entry late': {
    invariants: [3],
    tampering: {
      toClient: () => {
        let isLive = false;
        return (text) => {
          isLive ||= text.startsWith('{"type":"live"');
          const drop = rewriting<EntriesFrame>('entries', (frame) => ({
            ...frame,
            entries: frame.entries.slice(1),
          }));
          return isLive ? text : drop(text);
        };
      },
    },
  },
  'the client forgets commands once they are sent': {
    invariants: [1, 10],
    tampering: {
      toServer: () => {
        let [sentSeq, forgottenSeq] = [0, 0];
        return (text) => {
          const frame = JSON.parse(text) as CommandsFrame | { type: 'hello' };
          if (frame.type === 'hello') forgottenSeq = sentSeq;
          if (frame.type !== 'commands') return text;
          sentSeq = Math.max(sentSeq, frame.seq + frame.commands.length - 1);
          return frame.seq > forgottenSeq ? text : undefined;
        };
      },
    },
  },
  'the client loses one frame of commands in thirty': {
    invariants: [1],
    tampering: {
      toServer: () => {
        let count = 0;
        return rewriting<CommandsFrame>('commands', (frame) =>
          ++count % 30 === 0 ? undefined : frame,
        );
      },
    },
  },
  'storage says that a command is kept before it is': {
    invariants: [1],
    tampering: { isDiskLying: true },
  },
  'the fence is lost when Redis is wiped': {
    invariants: [4, 6],
    tampering: {
      store: (store, name) =>
        name === 'postgres' ? store : like(store, { append: asThere((b) => store.append(b)) }),
    },
  },
  'Redis is trimmed although Postgres has not got it': {
    invariants: [2],
    tampering: {
      journal: (journal, name, random) =>
        name === 'redis'
          ? journal
          : like(journal, {
              append: (batch) => (random.chance(0.3) ? appended() : journal.append(batch)),
            }),
    },
  },
  'a refused command never gets into the log': {
    invariants: [8],
    tampering: {
      journal: (journal) =>
        like(journal, {
          append: (batch) =>
            batch.entries.some((text) => text.includes('"refused"'))
              ? Promise.resolve('behind')
              : journal.append(batch),
        }),
    },
  },
  'Redis gives a session to an owner with a lower term': {
    invariants: [5],
    tampering: {
      store: (store, name) =>
        name === 'postgres'
          ? store
          : like(store, {
              takeOver: async (claim) => {
                const taken = await store.takeOver(claim);
                if (taken.kind !== 'outrun') return taken;
                const again = await store.takeOver({ ...claim, term: taken.term + 1 });
                return changed(again, (one) => ({ ...one, term: claim.term ?? one.term }));
              },
            }),
    },
  },
  'an instance takes over a state it does not know': {
    invariants: [11],
    tampering: {
      journal: (journal) =>
        like(journal, {
          takeOver: (claim) => journal.takeOver({ ...claim, versions: { tally: 99 } }),
        }),
    },
  },
  'an identical try of an append lands twice': {
    invariants: [7],
    tampering: {
      journal: (journal, name, random) =>
        name === 'postgres'
          ? journal
          : like(journal, {
              append: async (batch) => {
                const result = await journal.append(batch);
                if (result !== 'appended' || !random.chance(0.1)) return result;
                const { prev, head } = batch;
                return journal.append({ ...batch, prev: head, head: 2 * head - prev });
              },
            }),
    },
  },
  ...wireMutants,
  ...sourceMutants,
};

/** Keeps a session in the browser's IndexedDB: two stores, one for the session, one for its commands. */
import type { WireCommand } from '../shared/protocol/frames.ts';
import type { SessionStorage, StoredSession } from './session-storage.ts';

const databaseVersion = 1;

/**
 * One database per `name`, one session in it. Rejects when the browser has no storage for this page (private modes, a full disk);
 * the caller goes on in memory then. Writes resolve when the transaction is complete, not when it is queued.
 */
export async function indexedDbStorage(name: string): Promise<SessionStorage> {
  const { database, onLost } = await keepOpen(name);
  const write = async (
    stores: string[],
    work: (transaction: IDBTransaction) => void,
    durability: IDBTransactionDurability = 'default',
  ): Promise<void> => {
    const transaction = (await database()).transaction(stores, 'readwrite', { durability });
    return new Promise((resolve, reject) => {
      transaction.addEventListener('complete', () => resolve());
      transaction.addEventListener('abort', () => reject(failure(transaction.error)));
      work(transaction);
    });
  };
  let keptIdentity: string | undefined;
  onLost(() => {
    keptIdentity = undefined;
  });
  return {
    load: async () => {
      const transaction = (await database()).transaction(['session', 'commands']);
      const session = await result<StoredSession | undefined>(
        transaction.objectStore('session').get('current'),
      );
      if (session === undefined) return undefined;
      const { incarnation, forgottenCount = 0 } = session;
      const range = IDBKeyRange.bound([incarnation, 0], [incarnation, Number.MAX_SAFE_INTEGER]);
      const store = transaction.objectStore('commands');
      const [keys, commands] = await Promise.all([
        result<IDBValidKey[]>(store.getAllKeys(range)),
        result<WireCommand[]>(store.getAll(range)),
      ]);
      return { session, commands: upToFirstHole(forgottenCount, keys, commands) };
    },
    save: async (session) => {
      const { token, incarnation, forgottenCount = 0 } = session;
      const identity = `${incarnation} ${token}`;
      const work = (transaction: IDBTransaction): void => {
        transaction.objectStore('session').put(session, 'current');
        if (forgottenCount === 0) return;
        const store = transaction.objectStore('commands');
        store.delete(IDBKeyRange.upperBound([incarnation, forgottenCount]));
        store.delete(IDBKeyRange.lowerBound([incarnation, Number.MAX_SAFE_INTEGER]));
      };
      // On disk before it is used: a device that lost power would come back with a token that is retired by then, or give what it
      // sent under its new name once more. Everything else the server knows, and it may be written when the browser likes to. [A6] [R7]
      await write(['session', 'commands'], work, identity === keptIdentity ? 'default' : 'strict');
      keptIdentity = identity;
    },
    addCommands: (incarnation, seq, commands) =>
      write(['commands'], (transaction) => {
        const store = transaction.objectStore('commands');
        commands.forEach((command, place) => store.put(command, [incarnation, seq + place]));
      }),
    clear: () =>
      write(['session', 'commands'], (transaction) => {
        transaction.objectStore('session').clear();
        transaction.objectStore('commands').clear();
      }),
    onLost,
  };
}

/** A browser that throws a page's data away closes its database under it; then a new, empty one is opened. */
async function keepOpen(name: string): Promise<{
  readonly database: () => Promise<IDBDatabase>;
  readonly onLost: (lost: () => void) => void;
}> {
  const losses: (() => void)[] = [];
  const open = async (): Promise<IDBDatabase> => {
    const database = await openDatabase(name);
    database.addEventListener('close', () => {
      opened = reopen();
      opened.catch(() => {});
    });
    return database;
  };
  const reopen = async (): Promise<IDBDatabase> => {
    const database = await open();
    for (const lost of losses) lost();
    return database;
  };
  let opened = open();
  await opened;
  return {
    // While the browser still clears up nothing can be opened; whoever needs it next tries again.
    database: () => opened.catch(() => (opened = reopen())),
    onLost: (lost) => void losses.push(lost),
  };
}

/** A write that failed leaves a hole; what stands behind it would come under wrong numbers, and its page still has it or is gone. */
function upToFirstHole(
  forgottenCount: number,
  keys: readonly IDBValidKey[],
  commands: readonly WireCommand[],
): WireCommand[] {
  const hole = keys.findIndex(
    (key, index) => Array.isArray(key) && key[1] !== forgottenCount + index + 1,
  );
  return hole === -1 ? [...commands] : commands.slice(0, hole);
}

function openDatabase(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, databaseVersion);
  request.addEventListener('upgradeneeded', () => {
    request.result.createObjectStore('session');
    request.result.createObjectStore('commands');
  });
  return result(request);
}

function result<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(failure(request.error)));
  });
}

const failure = (cause: DOMException | null): Error =>
  new Error(`This browser did not keep it: ${cause?.message ?? 'the transaction was aborted'}`, {
    cause,
  });

/** A database of this device, in IndexedDB. */

/** All methods reject when the browser keeps nothing for this page. */
export interface KeptDatabase {
  /** Resolves when the transaction is complete. */
  readonly change: (
    stores: readonly string[],
    work: (transaction: IDBTransaction) => void,
  ) => Promise<void>;
  /** The value of that key, or all of the store. */
  readonly read: <Value>(store: string, key?: string) => Promise<Value>;
}

/** `create` makes the stores of the first version. */
export function keptDatabase(name: string, create: (database: IDBDatabase) => void): KeptDatabase {
  const database = keepOpen(name, create);
  return {
    change: async (stores, work) => {
      const transaction = (await database()).transaction([...stores], 'readwrite');
      return new Promise((resolve, reject) => {
        transaction.addEventListener('complete', () => resolve());
        transaction.addEventListener('abort', () => reject(notKept(transaction.error)));
        work(transaction);
      });
    },
    read: async <Value>(store: string, key?: string) => {
      const objects = (await database()).transaction(store).objectStore(store);
      const request: IDBRequest = key === undefined ? objects.getAll() : objects.get(key);
      return result<Value>(request);
    },
  };
}

/** Opened when it is first needed, and anew when the browser has thrown it away. */
function keepOpen(
  name: string,
  create: (database: IDBDatabase) => void,
): () => Promise<IDBDatabase> {
  let opened: Promise<IDBDatabase> | undefined;
  const forget = (): void => {
    opened = undefined;
  };
  return () => {
    if (opened !== undefined) return opened;
    const request = indexedDB.open(name, 1);
    request.addEventListener('upgradeneeded', () => create(request.result));
    opened = result(request);
    opened.then((database) => database.addEventListener('close', forget), forget);
    return opened;
  };
}

function result<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(notKept(request.error)));
  });
}

const notKept = (cause: DOMException | null): Error =>
  new Error(`This browser did not keep it: ${cause?.message ?? 'the transaction was aborted'}`, {
    cause,
  });

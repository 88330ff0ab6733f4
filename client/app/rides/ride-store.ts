/** The rides this device keeps once they are over, in IndexedDB. */
import * as v from 'valibot';

import { incidentsSchema, type Incident } from './incidents.ts';
import type { KeptRide } from './kept-ride.ts';

const databaseName = 'trackstand-rides';
const databaseVersion = 1;

/** All methods reject when the browser keeps nothing for this page. */
export interface RideStore {
  /** Newest first. */
  list(): Promise<readonly KeptRide[]>;
  /** Adds a ride, or puts another in its place; a name the rider gave stays. */
  keep(ride: KeptRide): Promise<void>;
  rename(sessionId: string, name: string): Promise<void>;
  remove(sessionId: string): Promise<void>;
  /** What went wrong so far in a ride that is under way. */
  incidents(sessionId: string): Promise<readonly Incident[]>;
  addIncident(sessionId: string, incident: Incident): Promise<void>;
}

export function rideStore(): RideStore {
  const database = keepOpen();
  const change = async (
    stores: string[],
    work: (transaction: IDBTransaction) => void,
  ): Promise<void> => {
    const transaction = (await database()).transaction(stores, 'readwrite');
    return new Promise((resolve, reject) => {
      transaction.addEventListener('complete', () => resolve());
      transaction.addEventListener('abort', () => reject(notKept(transaction.error)));
      work(transaction);
    });
  };
  const read = async <Value>(store: string, key?: string): Promise<Value> => {
    const objects = (await database()).transaction(store).objectStore(store);
    const request: IDBRequest = key === undefined ? objects.getAll() : objects.get(key);
    return result<Value>(request);
  };
  return {
    list: async () => {
      const rides = await read<KeptRide[]>('rides');
      return rides.toSorted((a, b) => (b.state.startedAtMs ?? 0) - (a.state.startedAtMs ?? 0));
    },
    keep: (ride) =>
      change(['rides'], (transaction) => {
        const rides = transaction.objectStore('rides');
        const former = rides.get(ride.sessionId);
        former.addEventListener('success', () => {
          const name = (former.result as KeptRide | undefined)?.name ?? ride.name;
          rides.put({ ...ride, name });
        });
      }),
    rename: async (sessionId, name) => {
      const ride = await read<KeptRide | undefined>('rides', sessionId);
      if (ride !== undefined)
        await change(['rides'], (transaction) =>
          transaction.objectStore('rides').put({ ...ride, name }),
        );
    },
    remove: (sessionId) =>
      change(['rides', 'incidents'], (transaction) => {
        transaction.objectStore('rides').delete(sessionId);
        transaction.objectStore('incidents').delete(sessionId);
      }),
    incidents: async (sessionId) => {
      const kept = v.safeParse(incidentsSchema, await read('incidents', sessionId));
      return kept.success ? kept.output : [];
    },
    addIncident: (sessionId, incident) =>
      change(['incidents'], (transaction) => {
        const incidents = transaction.objectStore('incidents');
        const former = incidents.get(sessionId);
        former.addEventListener('success', () => {
          const kept = v.safeParse(incidentsSchema, former.result);
          incidents.put([...(kept.success ? kept.output : []), incident], sessionId);
        });
      }),
  };
}

/** The database, opened when it is first needed, and anew when the browser has thrown it away. */
function keepOpen(): () => Promise<IDBDatabase> {
  let opened: Promise<IDBDatabase> | undefined;
  const forget = (): void => {
    opened = undefined;
  };
  return () => {
    if (opened !== undefined) return opened;
    opened = open();
    opened.then((database) => database.addEventListener('close', forget), forget);
    return opened;
  };
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(databaseName, databaseVersion);
  request.addEventListener('upgradeneeded', () => {
    request.result.createObjectStore('rides', { keyPath: 'sessionId' });
    request.result.createObjectStore('incidents');
  });
  return result(request);
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

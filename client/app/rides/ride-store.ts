/** The rides this device keeps once they are over, in IndexedDB. */
import * as v from 'valibot';

import { keptDatabase } from '../kept-database.ts';
import { incidentsSchema, type Incident } from './incidents.ts';
import type { KeptRide } from './kept-ride.ts';

/** All methods reject when the browser keeps nothing for this page. */
export interface RideStore {
  /** Newest first. */
  list(): Promise<readonly KeptRide[]>;
  /** Adds a ride, or puts another in its place; a name the rider gave stays, and that it was or is to be sent. Resolves with what is there. */
  keep(ride: KeptRide): Promise<KeptRide>;
  /** Adds a ride; one that is there stays as it is, and has more than a copy. */
  keepCopy(ride: KeptRide): Promise<void>;
  /** Changes it as it is by then; one that is not there stays so. */
  update(sessionId: string, change: (ride: KeptRide) => KeptRide): Promise<void>;
  remove(sessionId: string): Promise<void>;
  /** The service gave the session another id: all that is kept of it is kept under that one. */
  move(formerId: string, sessionId: string): Promise<void>;
  /** What went wrong so far in a ride that is under way. */
  incidents(sessionId: string): Promise<readonly Incident[]>;
  addIncident(sessionId: string, incident: Incident): Promise<void>;
}

export function rideStore(): RideStore {
  const { change, read } = keptDatabase('trackstand-rides', (database) => {
    database.createObjectStore('rides', { keyPath: 'sessionId' });
    database.createObjectStore('incidents');
  });
  return {
    list: async () => {
      const rides = await read<KeptRide[]>('rides');
      return rides.toSorted((a, b) => (b.state.startedAtMs ?? 0) - (a.state.startedAtMs ?? 0));
    },
    keep: async (ride) => {
      let kept = ride;
      await change(['rides'], (transaction) => {
        const rides = transaction.objectStore('rides');
        const former = rides.get(ride.sessionId);
        former.addEventListener('success', () => {
          const { name, sentAs, sendTo } = (former.result as KeptRide | undefined) ?? ride;
          kept = { ...ride, name, ...(sentAs && { sentAs }), ...(sendTo && { sendTo }) };
          rides.put(kept);
        });
      });
      return kept;
    },
    keepCopy: (ride) =>
      change(['rides'], (transaction) => {
        const rides = transaction.objectStore('rides');
        const former = rides.get(ride.sessionId);
        former.addEventListener('success', () => {
          if (former.result === undefined) rides.put(ride);
        });
      }),
    update: (sessionId, next) =>
      change(['rides'], (transaction) => {
        const rides = transaction.objectStore('rides');
        const former = rides.get(sessionId);
        former.addEventListener('success', () => {
          const ride = former.result as KeptRide | undefined;
          if (ride !== undefined) rides.put(next(ride));
        });
      }),
    remove: (sessionId) =>
      change(['rides', 'incidents'], (transaction) => {
        transaction.objectStore('rides').delete(sessionId);
        transaction.objectStore('incidents').delete(sessionId);
      }),
    move: (formerId, sessionId) =>
      change(['rides', 'incidents'], (transaction) => moveAll(transaction, formerId, sessionId)),
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

function moveAll(transaction: IDBTransaction, formerId: string, sessionId: string): void {
  const rides = transaction.objectStore('rides');
  const ride = rides.get(formerId);
  ride.addEventListener('success', () => {
    const former = ride.result as KeptRide | undefined;
    if (former !== undefined) rides.put({ ...former, sessionId });
    rides.delete(formerId);
  });
  const incidents = transaction.objectStore('incidents');
  const happened = incidents.get(formerId);
  happened.addEventListener('success', () => {
    if (happened.result !== undefined) incidents.put(happened.result, sessionId);
    incidents.delete(formerId);
  });
}

/** intervals.icu by the rider's key, by way of the service: what is planned there, and rides sent there. */
import { AccountError, ask, list, text, type Body } from '../account-requests.ts';
import { fitOf } from '../download-row.ts';
import { isoDay } from '../format.ts';
import { recordOf, serialOf, type KeptRide } from '../rides/kept-ride.ts';
import type { RideStore } from '../rides/ride-store.ts';
import { keptKey, type KeptKey } from './kept-key.ts';
import { notSentText } from './sent-text.ts';

/** A workout of the rider's calendar. */
export interface PlannedWorkout {
  readonly name: string;
  /** `2026-11-30` */
  readonly day: string;
  /** A .zwo; '' when intervals.icu makes none of it. */
  readonly file: string;
}

/** `none`: no key is kept here. */
export type Planned =
  | { readonly kind: 'none' }
  | { readonly kind: 'planned'; readonly workouts: readonly PlannedWorkout[] }
  | { readonly kind: 'trouble'; readonly sentence: string };

export type Sent =
  | { readonly kind: 'sent' | 'known' }
  | { readonly kind: 'not-sent'; readonly sentence: string };

export interface IntervalsLink {
  /** Where keys go, as a host; null where the service does not offer it. Rejects with AccountError. */
  readonly site: () => Promise<string | null>;
  /** Whose key it is. Rejects with AccountError. */
  readonly check: (key: string, athleteId: string) => Promise<KeptKey>;
  /** Never rejects. */
  readonly planned: () => Promise<Planned>;
  /** Asked again for a ride that is under way there, it is the same sending. Never rejects. */
  readonly send: (ride: KeptRide) => Promise<Sent>;
  /** The sending of that ride that is under way. */
  readonly sending: (sessionId: string) => Promise<Sent> | undefined;
}

const place = '/v1/intervals';
const dayMs = 86_400_000;

export function intervalsLink(rides: Pick<RideStore, 'update'>): IntervalsLink {
  const underWay = new Map<string, Promise<Sent>>();
  return {
    site: async () => {
      try {
        return text(await ask('GET', place), 'site');
      } catch (error) {
        if (error instanceof AccountError && error.code === 'not-found') return null;
        throw error;
      }
    },
    check: async (key, athleteId) => {
      const kept = { key, athleteId, sendsRides: false };
      const { name, athlete_id: id } = await askWith({ ...kept, name: '' }, 'GET', '');
      return { ...kept, name: [name, id].find((one) => one !== '') as string };
    },
    planned,
    send: (ride) => {
      const { sessionId } = ride;
      const former = underWay.get(sessionId);
      if (former !== undefined) return former;
      const sending = send(ride, rides).finally(() => underWay.delete(sessionId));
      underWay.set(sessionId, sending);
      return sending;
    },
    sending: (sessionId) => underWay.get(sessionId),
  };
}

function askWith(kept: KeptKey, method: string, path: string, body?: Body): Promise<Body> {
  const { key, athleteId } = kept;
  const where = `${place}/athletes/${encodeURIComponent(athleteId)}${path}`;
  return ask(method, where, body, `Basic ${btoa(`API_KEY:${key}`)}`);
}

async function planned(): Promise<Planned> {
  const kept = keptKey();
  if (kept === null) return { kind: 'none' };
  try {
    const workouts = list(await askWith(kept, 'GET', '/workouts'), 'workouts');
    return {
      kind: 'planned',
      workouts: workouts.map((row) => ({
        name: text(row, 'name'),
        day: text(row, 'day'),
        file: text(row, 'file'),
      })),
    };
  } catch (error) {
    const sentence = error instanceof AccountError ? error.message : String(error);
    return { kind: 'trouble', sentence };
  }
}

async function send(ride: KeptRide, rides: Pick<RideStore, 'update'>): Promise<Sent> {
  const kept = keptKey();
  const record = recordOf(ride);
  if (kept === null || record === null) return notSent(new Error('there is no key here'));
  const { sessionId, name } = ride;
  try {
    const answer = await askWith(kept, 'POST', '/activities', {
      external_id: `trackstand-${sessionId}`,
      name,
      // There the day is the athlete's, whose time zone may be another one.
      oldest: isoDay(record.startedAtMs - dayMs),
      newest: isoDay(record.startedAtMs + dayMs),
      file: base64(fitOf(record, serialOf(sessionId))),
    });
    const sentAs = text(answer, 'activity_id');
    // What is not kept here is found there the next time.
    await rides.update(sessionId, (former) => ({ ...former, sentAs })).catch(() => {});
    return { kind: text(answer, 'outcome') === 'known' ? 'known' : 'sent' };
  } catch (error) {
    return notSent(error);
  }
}

function notSent(error: unknown): Sent {
  const code = error instanceof AccountError ? error.code : '';
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'not-sent', sentence: notSentText(code, message) };
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  // A call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 8_192)
    binary += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(binary);
}

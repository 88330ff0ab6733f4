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
  /** Asked again for a ride that is under way there, it is the same sending; `isAgain`: although it was sent once. Never rejects. */
  readonly send: (ride: KeptRide, isAgain?: boolean) => Promise<Sent>;
  /** It goes there as soon as it can, from a later page too. Never rejects. */
  readonly sendLater: (sessionId: string) => Promise<void>;
  /** Sends what is to go there, one after the other. Never rejects. */
  readonly sendWaiting: () => Promise<void>;
  /** The sending of that ride that is under way. */
  readonly sending: (sessionId: string) => Promise<Sent> | undefined;
}

const place = '/v1/intervals';
const dayMs = 86_400_000;

/** Milliseconds for a ride to go to the service, on a slow network, and from there to intervals.icu, which has 25 s. */
const sendMaxMs = 90_000;

/** A key with anything else in it is a slip of copying. */
const keyForm = /^[\x21-\x7e]{1,128}$/;
const noKey = 'That is no key: copy it once more, without anything before or after it.';
const nobody = 'intervals.icu does not say whose key that is.';

/** What another try does not change. */
const finalCodes: readonly string[] = ['intervals-file-refused', 'bad-request', 'body-too-large'];

type Rides = Pick<RideStore, 'list' | 'update'>;

export function intervalsLink(rides: Rides): IntervalsLink {
  const underWay = new Map<string, Promise<Sent>>();
  const sendOnce = (ride: KeptRide, isAgain = false): Promise<Sent> => {
    const { sessionId } = ride;
    const former = underWay.get(sessionId);
    if (former !== undefined) return former;
    const sending = inTurn(sessionId, () => send(ride, rides, isAgain)).finally(() =>
      underWay.delete(sessionId),
    );
    underWay.set(sessionId, sending);
    return sending;
  };
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
      if (!keyForm.test(key)) throw new Error(noKey);
      const answer = await askWith({ key, athleteId }, 'GET', '');
      const toldId = text(answer, 'athlete_id');
      if (toldId === '') throw new Error(nobody);
      const name = text(answer, 'name') || toldId;
      return { key, athleteId, toldId, name, sendsRides: false };
    },
    planned,
    send: sendOnce,
    sendLater: async (sessionId) => {
      const kept = keptKey();
      if (kept === null) return;
      const change = (ride: KeptRide): KeptRide => ({ ...ride, sendTo: kept.toldId });
      await rides.update(sessionId, change).catch(() => {});
    },
    sendWaiting: async () => {
      const toldId = keptKey()?.toldId;
      const waiting = (await rides.list().catch(() => [])).filter(
        ({ sendTo }) => sendTo !== undefined && sendTo === toldId,
      );
      for (const ride of waiting) await sendOnce(ride);
    },
    sending: (sessionId) => underWay.get(sessionId),
  };
}

/** Another tab's sending of that ride comes first. Where there are no locks the service looks whether it is there. */
function inTurn(sessionId: string, sending: () => Promise<Sent>): Promise<Sent> {
  return navigator.locks?.request(`intervals-${sessionId}`, sending) ?? sending();
}

function askWith(
  { key, athleteId }: Pick<KeptKey, 'key' | 'athleteId'>,
  method: string,
  path: string,
  body?: Body,
): Promise<Body> {
  const where = `${place}/athletes/${encodeURIComponent(athleteId)}${path}`;
  const authorization = `Basic ${btoa(`API_KEY:${key}`)}`;
  return ask(method, where, body, { authorization, ...(body && { maxMs: sendMaxMs }) });
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
    // The service does not offer it any more.
    if (error instanceof AccountError && error.code === 'not-found') return { kind: 'none' };
    const sentence = error instanceof AccountError ? error.message : String(error);
    return { kind: 'trouble', sentence };
  }
}

async function send(ride: KeptRide, rides: Rides, isAgain: boolean): Promise<Sent> {
  const kept = keptKey();
  const record = recordOf(ride);
  if (kept === null || record === null) return notSent(new Error('there is no key here'));
  const { sessionId, name } = ride;
  const former = (await rides.list().catch(() => [])).find((one) => one.sessionId === sessionId);
  if (!isAgain && former?.sentAs?.athleteId === kept.toldId) return { kind: 'sent' };
  try {
    const answer = await askWith(kept, 'POST', '/activities', {
      external_id: `trackstand-${sessionId}`,
      name,
      // There the day is the athlete's, whose time zone may be another one.
      oldest: isoDay(record.startedAtMs - dayMs),
      newest: isoDay(record.startedAtMs + dayMs),
      file: base64(fitOf(record, serialOf(sessionId))),
    });
    const sentAs = { athleteId: kept.toldId, activityId: text(answer, 'activity_id') };
    // What is not kept here is found there the next time.
    await rides.update(sessionId, (one) => ({ ...settled(one), sentAs })).catch(() => {});
    return { kind: text(answer, 'outcome') === 'known' ? 'known' : 'sent' };
  } catch (error) {
    if (error instanceof AccountError && finalCodes.includes(error.code))
      await rides.update(sessionId, settled).catch(() => {});
    return notSent(error);
  }
}

/** It is not to be sent any more. */
function settled(ride: KeptRide): KeptRide {
  const { sendTo: _, ...rest } = ride;
  return rest;
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

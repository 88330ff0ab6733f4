/** The requests to intervals.icu: one address that the operator set, a few paths, and a bound on everything that comes back. */
import type { Clock } from '../../shared/clock.ts';
import {
  findActivity,
  readAthlete,
  readPlanned,
  readUploaded,
  type PlannedWorkout,
} from './intervals-answers.ts';
import { IntervalsProblemError } from './intervals-problems.ts';

/** Whose request it is: a personal key, and an athlete it may see, `0` for its own. */
export interface IntervalsCaller {
  readonly key: string;
  readonly athleteId: string;
  /** Counts a request to intervals.icu before it is sent; rejects with what is answered when it is one too many. */
  readonly take: () => Promise<void>;
}

export interface FinishedRide {
  /** Ours: the same for the same ride. */
  readonly externalId: string;
  readonly name: string;
  /** Days it was ridden between, as `2026-11-30`: the athlete may live in another time zone than the device says. */
  readonly oldest: string;
  readonly newest: string;
  /** A .fit. */
  readonly file: Uint8Array<ArrayBuffer>;
}

export interface SentRide {
  readonly outcome: 'sent' | 'known';
  readonly activityId: string;
}

/** All reject with IntervalsProblemError. */
export interface IntervalsApi {
  readonly athlete: (caller: IntervalsCaller) => Promise<{ athleteId: string; name: string }>;
  /** Of today, where the athlete lives, and of the six days after. */
  readonly planned: (caller: IntervalsCaller) => Promise<readonly PlannedWorkout[]>;
  readonly send: (caller: IntervalsCaller, ride: FinishedRide) => Promise<SentRide>;
}

export interface IntervalsApiParts {
  /** Without a slash at its end. */
  readonly url: string;
  /** Milliseconds for all that one caller asks for, to the last byte. */
  readonly answerMaxMs: number;
  readonly answerBytesMax: number;
  readonly clock: Pick<Clock, 'elapsedMs'>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface Asked {
  /** Below the athlete. */
  readonly path: string;
  readonly form?: FormData;
  readonly signal: AbortSignal;
}

type Ask = (caller: IntervalsCaller, asked: Asked) => Promise<Answer>;

/** Seconds to wait where nobody says how long. */
const restS = 5;
const restMaxS = 86_400;
/** Milliseconds for which one 429 is an answer to everybody at most: intervals.icu counts by address, and perhaps by key. */
const restOfAllMaxMs = 60_000;

export function intervalsApi(parts: IntervalsApiParts): IntervalsApi {
  const { clock } = parts;
  let busyUntilMs = -Infinity;
  const ask: Ask = async (caller, asked) => {
    const restMs = busyUntilMs - clock.elapsedMs();
    if (restMs > 0) throw busyThere(Math.ceil(restMs / 1_000));
    await caller.take();
    try {
      return await answerOf(parts, caller, asked);
    } catch (error) {
      const { code, more } = error as IntervalsProblemError;
      if (code === 'intervals-busy')
        busyUntilMs =
          clock.elapsedMs() + Math.min((more.retryAfterS ?? restS) * 1_000, restOfAllMaxMs);
      throw error;
    }
  };
  const within = (): AbortSignal => AbortSignal.timeout(parts.answerMaxMs);
  const plan = '/events?category=WORKOUT&ext=zwo&resolve=true&limit=40';
  const underWay = new Map<string, Promise<SentRide>>();
  return {
    athlete: async (caller) => read(readAthlete, await ask(caller, { path: '', signal: within() })),
    planned: async (caller) =>
      read(readPlanned, await ask(caller, { path: plan, signal: within() })),
    // Of two that come at once the second would not find what the first one is sending.
    send: (caller, ride) => {
      const id = [caller.athleteId, ride.externalId, caller.key].join(' ');
      const former = underWay.get(id);
      if (former !== undefined) return former;
      const signal = within();
      const sending = send(
        (path, form) => ask(caller, { path, signal, ...(form && { form }) }),
        ride,
      ).finally(() => underWay.delete(id));
      underWay.set(id, sending);
      return sending;
    },
  };
}

/** What is there already is looked for first: there only equal files count as one, and two devices write the same ride differently. */
async function send(
  ask: (path: string, form?: FormData) => Promise<Answer>,
  ride: FinishedRide,
): Promise<SentRide> {
  const { externalId, name, oldest, newest, file } = ride;
  const days = new URLSearchParams({ oldest, newest });
  const listed = await ask(`/activities?${days.toString()}`);
  const known = read((body) => findActivity(body, externalId), listed);
  if (known !== '') return { outcome: 'known', activityId: known };
  const form = new FormData();
  form.set('file', new Blob([file]), 'ride.fit');
  const about = new URLSearchParams({ name, external_id: externalId });
  const answer = await ask(`/activities?${about.toString()}`, form);
  // 201 when something new came of it, and 200 when the file was there.
  const outcome = answer.status === 201 ? 'sent' : 'known';
  return { outcome, activityId: read(readUploaded, answer) };
}

function read<Value>(reader: (body: unknown) => Value | undefined, { body }: Answer): Value {
  const value = reader(body);
  if (value === undefined) throw away('an answer of another form');
  return value;
}

const away = (reason: string): IntervalsProblemError =>
  new IntervalsProblemError('intervals-away', { reason });

const busyThere = (retryAfterS: number): IntervalsProblemError =>
  new IntervalsProblemError('intervals-busy', {
    retryAfterS,
    detail: `intervals.icu takes no more requests just now: try again in ${waitText(retryAfterS)}.`,
  });

/** The bound is the service's own. */
export const busyHere = (retryAfterS: number): IntervalsProblemError =>
  new IntervalsProblemError('intervals-busy', {
    retryAfterS,
    detail: `Too many riders of this service ask intervals.icu just now: try again in ${waitText(retryAfterS)}.`,
  });

function waitText(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  return seconds < 5_400 ? `${Math.ceil(seconds / 60)} minutes` : `${Math.ceil(seconds / 3_600)} h`;
}

async function answerOf(
  parts: IntervalsApiParts,
  { key, athleteId }: IntervalsCaller,
  { path, form, signal }: Asked,
): Promise<Answer> {
  const { url, answerBytesMax } = parts;
  try {
    const response = await fetch(`${url}/athlete/${athleteId}${path}`, {
      ...(form !== undefined && { method: 'POST', body: form }),
      headers: {
        authorization: `Basic ${Buffer.from(`API_KEY:${key}`).toString('base64')}`,
        accept: 'application/json',
        'user-agent': 'trackstand',
      },
      // The key is for this address alone, wherever it points to.
      redirect: 'manual',
      signal,
    });
    const problem = problemOf(response, { athleteId, isFile: form !== undefined });
    if (problem !== undefined) {
      await response.body?.cancel();
      throw problem;
    }
    const body: unknown = JSON.parse(await textOf(response, answerBytesMax));
    return { status: response.status, body };
  } catch (error) {
    if (error instanceof IntervalsProblemError) throw error;
    throw away(reasonOf(error));
  }
}

function problemOf(
  { status, headers }: Response,
  { athleteId, isFile }: { readonly athleteId: string; readonly isFile: boolean },
) {
  if (status === 200 || status === 201) return undefined;
  if (status === 403 && athleteId !== '0')
    return new IntervalsProblemError('intervals-key-refused', { detail: notForAthlete });
  if (status === 401 || status === 403) return new IntervalsProblemError('intervals-key-refused');
  if (status === 404) return new IntervalsProblemError('intervals-athlete-unknown');
  if (status === 429) return busyThere(secondsOf(headers.get('retry-after')));
  if (isFile && [400, 413, 415, 422].includes(status))
    return new IntervalsProblemError('intervals-file-refused', { reason: `status ${status}` });
  return away(`status ${status}`);
}

const notForAthlete = 'intervals.icu does not take that key for that athlete.';

/** Another way to say it is a date; who answers with that is asked again soon. */
function secondsOf(retryAfter: string | null): number {
  const seconds = /^\d{1,9}$/.test(retryAfter ?? '') ? Number(retryAfter) : restS;
  return Math.min(Math.max(seconds, 1), restMaxS);
}

async function textOf({ body }: Response, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (bytes > bytesMax) throw away('an answer that is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Names and codes alone: a message may repeat what was sent. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'no JSON';
  if (!(error instanceof Error)) return 'unknown';
  const code = (error.cause as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : error.name;
}

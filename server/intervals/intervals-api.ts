/** The requests to intervals.icu: one address that the operator set, a few paths, and a bound on everything that comes back. */
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
  /** Milliseconds from a request to the last byte of its answer. */
  readonly answerMaxMs: number;
  readonly answerBytesMax: number;
  /** Requests at once. intervals.icu takes 10 a second from one address, which is this service's for all riders. */
  readonly inFlightMax: number;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

type Ask = (caller: IntervalsCaller, path: string, form?: FormData) => Promise<Answer>;

/** Seconds to wait where nobody says how long. */
const restS = 5;
const restMaxS = 86_400;

export function intervalsApi(parts: IntervalsApiParts): IntervalsApi {
  let inFlight = 0;
  const ask: Ask = async (...request) => {
    if (inFlight >= parts.inFlightMax) throw busy(restS);
    inFlight++;
    try {
      return await answerOf(parts, ...request);
    } finally {
      inFlight--;
    }
  };
  return {
    athlete: async (caller) => read(readAthlete, await ask(caller, '')),
    planned: async (caller) =>
      read(
        readPlanned,
        await ask(caller, '/events?category=WORKOUT&ext=zwo&resolve=true&limit=40'),
      ),
    send: (caller, ride) => send(ask, caller, ride),
  };
}

/** What is there already is looked for first: there only equal files count as one, and two devices write the same ride differently. */
async function send(ask: Ask, caller: IntervalsCaller, ride: FinishedRide): Promise<SentRide> {
  const { externalId, name, oldest, newest, file } = ride;
  const days = new URLSearchParams({ oldest, newest });
  const listed = await ask(caller, `/activities?${days.toString()}`);
  const known = read((body) => findActivity(body, externalId), listed);
  if (known !== '') return { outcome: 'known', activityId: known };
  const form = new FormData();
  form.set('file', new Blob([file]), 'ride.fit');
  const about = new URLSearchParams({ name, external_id: externalId });
  const answer = await ask(caller, `/activities?${about.toString()}`, form);
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

const busy = (retryAfterS: number): IntervalsProblemError =>
  new IntervalsProblemError('intervals-busy', {
    retryAfterS,
    detail: `intervals.icu takes no more requests just now: try again in ${waitText(retryAfterS)}.`,
  });

function waitText(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  return seconds < 5_400 ? `${Math.ceil(seconds / 60)} minutes` : `${Math.ceil(seconds / 3_600)} h`;
}

async function answerOf(
  parts: IntervalsApiParts,
  { key, athleteId }: IntervalsCaller,
  path: string,
  form?: FormData,
): Promise<Answer> {
  const { url, answerMaxMs, answerBytesMax } = parts;
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
      signal: AbortSignal.timeout(answerMaxMs),
    });
    const problem = problemOf(response, form !== undefined);
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

function problemOf({ status, headers }: Response, isFile: boolean) {
  if (status === 200 || status === 201) return undefined;
  if (status === 401 || status === 403) return new IntervalsProblemError('intervals-key-refused');
  if (status === 404) return new IntervalsProblemError('intervals-athlete-unknown');
  if (status === 429) return busy(secondsOf(headers.get('retry-after')));
  if (isFile && [400, 413, 415, 422].includes(status))
    return new IntervalsProblemError('intervals-file-refused', { reason: `status ${status}` });
  return away(`status ${status}`);
}

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

/** A rider's plan from intervals.icu, and their rides to it, by a key of their own. [INTERVALS.md](INTERVALS.md) is its contract. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as v from 'valibot';

import { systemClock } from '../../shared/clock.ts';
import { planNameSchema } from '../../shared/workout/plan.ts';
import { AccountProblemError } from '../accounts/account-problems.ts';
import type { AccountRoom, AccountRoomParts } from '../accounts/account-room.ts';
import { addressKey } from '../admission/address-key.ts';
import { daySchema } from './intervals-answers.ts';
import {
  busyHere,
  intervalsApi,
  type IntervalsApi,
  type IntervalsApiParts,
  type IntervalsCaller,
} from './intervals-api.ts';
import { installIntervalsProblems, IntervalsProblemError } from './intervals-problems.ts';

/** A page asks once whenever it is opened, and a club shares an address; nobody tries keys at that rate. */
const addressRate = { name: 'intervals-address', burst: 60, eachMs: 10_000 };

type Bounds = Omit<IntervalsApiParts, 'url'> & {
  readonly serviceRate: Parameters<AccountRoomParts['take']>[0];
  /** Answers at once, until their last byte has left: what they hold is in memory meanwhile. */
  readonly inFlightMax: number;
};

const bounds: Bounds = {
  // intervals.icu takes 10 a second from one address, which is this service's for all riders: with the burst it is never more.
  serviceRate: { name: 'intervals-service', burst: 5, eachMs: 200 },
  // The page waits a little longer.
  answerMaxMs: 25_000,
  // A week's workouts, or the activities of three days with all their figures.
  answerBytesMax: 1_048_576,
  inFlightMax: 8,
  clock: systemClock,
};

/** Seconds. */
const restS = 5;

/** What nginx lets through by itself: as base64 a ride of half a day. */
const fileBodyBytesMax = 1_048_576;

const rideSchema = v.object({
  external_id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/)),
  name: planNameSchema,
  oldest: daySchema,
  newest: daySchema,
  file: v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{16,}={0,2}$/)),
});
const rideForm = '{external_id, name, oldest, newest, file}';

const place = '/v1/intervals';
const one = `${place}/athletes/:athlete_id`;

/** `more`: other bounds, for tests. */
export function intervalsRoom(url: string, more: Partial<Bounds> = {}): AccountRoom {
  const { serviceRate, inFlightMax, ...parts } = { ...bounds, ...more };
  const api = intervalsApi({ url, ...parts });
  return (app, { take }) => {
    // Encapsulated, so that its problems are its own.
    void app.register((below, _options, done) => {
      installIntervalsProblems(below);
      below.get(place, (_request, reply) => reply.send({ site: new URL(url).host }));
      installRoutes(below, { api, take, serviceRate, inFlightMax });
      done();
    });
  };
}

interface RouteParts
  extends Pick<AccountRoomParts, 'take'>, Pick<Bounds, 'serviceRate' | 'inFlightMax'> {
  readonly api: IntervalsApi;
}

function installRoutes(app: FastifyInstance, parts: RouteParts): void {
  const { api, take, serviceRate, inFlightMax } = parts;
  const callerOf = (request: FastifyRequest): IntervalsCaller => ({
    key: keyOf(request),
    athleteId: athleteIdOf(request),
    take: () => take(serviceRate, 'all').catch(tellBusy),
  });
  // Before anything of a body is read.
  const onRequest = async (request: FastifyRequest): Promise<void> => {
    callerOf(request);
    await take(addressRate, addressKey(request.ip));
  };
  // Not before the body is there: who sends that slowly keeps nobody out.
  const preHandler = inFlightBound(inFlightMax);
  app.get(one, { onRequest, preHandler }, async (request, reply) => {
    const { athleteId, name } = await api.athlete(callerOf(request));
    return reply.send({ athlete_id: athleteId, name });
  });
  app.get(`${one}/workouts`, { onRequest, preHandler }, async (request, reply) => {
    const planned = await api.planned(callerOf(request));
    const workouts = planned.map(({ eventId, ...workout }) => ({ event_id: eventId, ...workout }));
    return reply.send({ workouts });
  });
  const taking = { bodyLimit: fileBodyBytesMax, config: { body: rideSchema } };
  app.post(`${one}/activities`, { onRequest, preHandler, ...taking }, async (request, reply) => {
    const { outcome, activityId } = await api.send(callerOf(request), readRide(request));
    return reply.send({ outcome, activity_id: activityId });
  });
}

function inFlightBound(inFlightMax: number) {
  let inFlight = 0;
  return (_request: FastifyRequest, { raw }: FastifyReply): Promise<void> => {
    if (inFlight >= inFlightMax) return Promise.reject(busyHere(restS));
    inFlight++;
    // Also of an answer whose reader went away.
    raw.once('close', () => inFlight--);
    return Promise.resolve();
  };
}

/** Rejects. Who came here tried nothing too often: others did. */
function tellBusy(error: unknown): never {
  if (!(error instanceof AccountProblemError)) throw error;
  throw busyHere(error.retryAfterS ?? restS);
}

/** Throws IntervalsProblemError. A key is 25 letters and digits today. */
function keyOf({ headers: { authorization = '' } }: FastifyRequest): string {
  const [, encoded = ''] = /^Basic ([A-Za-z0-9+/]{1,300}={0,2})$/i.exec(authorization) ?? [];
  const text = Buffer.from(encoded, 'base64').toString('latin1');
  const [, key] = /^API_KEY:([\x21-\x7e]{1,128})$/.exec(text) ?? [];
  if (key === undefined) throw new IntervalsProblemError('intervals-key-refused');
  return key;
}

/** Throws IntervalsProblemError. It becomes part of a path. */
function athleteIdOf({ params }: FastifyRequest): string {
  const read = v.safeParse(
    v.object({ athlete_id: v.pipe(v.string(), v.regex(/^i?\d{1,12}$/)) }),
    params,
  );
  if (!read.success) throw new IntervalsProblemError('intervals-athlete-unknown');
  return read.output.athlete_id;
}

/** Throws IntervalsProblemError. */
function readRide({ body }: FastifyRequest) {
  const read = v.safeParse(rideSchema, body);
  if (!read.success) throw notAsDocumented(`The body is ${rideForm}.`);
  const { external_id: externalId, name, oldest, newest } = read.output;
  const file = Uint8Array.from(Buffer.from(read.output.file, 'base64'));
  // The header's own mark: this is no place to leave other files by.
  if (Buffer.from(file.subarray(8, 12)).toString('latin1') !== '.FIT')
    throw notAsDocumented('The file is no .fit.');
  return { externalId, name, oldest, newest, file };
}

const notAsDocumented = (detail: string): IntervalsProblemError =>
  new IntervalsProblemError('bad-request', { detail });

/** A rider's plan from intervals.icu, and their rides to it, by a key of their own. [INTERVALS.md](INTERVALS.md) is its contract. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as v from 'valibot';

import { planNameSchema } from '../../shared/workout/plan.ts';
import type { AccountRoom, AccountRoomParts } from '../accounts/account-room.ts';
import { addressKey } from '../admission/address-key.ts';
import {
  intervalsApi,
  type IntervalsApi,
  type IntervalsApiParts,
  type IntervalsCaller,
} from './intervals-api.ts';
import { installIntervalsProblems, IntervalsProblemError } from './intervals-problems.ts';

/** A page asks once whenever it is opened, and a club shares an address; nobody tries keys at that rate. */
const addressRate = { name: 'intervals-address', burst: 60, eachMs: 10_000 };

const bounds: Omit<IntervalsApiParts, 'url'> = {
  answerMaxMs: 20_000,
  // Forty workouts of 50 kB, or the activities of three days with all their figures.
  answerBytesMax: 4_194_304,
  inFlightMax: 8,
};

/** What nginx lets through by itself: as base64 a ride of half a day. */
const fileBodyBytesMax = 1_048_576;

const daySchema = v.pipe(v.string(), v.regex(/^20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/));

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
export function intervalsRoom(
  url: string,
  more: Partial<Omit<IntervalsApiParts, 'url'>> = {},
): AccountRoom {
  const api = intervalsApi({ url, ...bounds, ...more });
  return (app, parts) => {
    // Encapsulated, so that its problems are its own.
    void app.register((below, _options, done) => {
      installIntervalsProblems(below);
      installRoutes(below, parts, { api, site: new URL(url).host });
      done();
    });
  };
}

function installRoutes(
  app: FastifyInstance,
  { take }: Pick<AccountRoomParts, 'take'>,
  { api, site }: { readonly api: IntervalsApi; readonly site: string },
): void {
  const callerOf = async (request: FastifyRequest): Promise<IntervalsCaller> => {
    const caller = { key: keyOf(request), athleteId: athleteIdOf(request) };
    await take(addressRate, addressKey(request.ip));
    return caller;
  };
  app.get(place, (_request, reply) => reply.send({ site }));
  app.get(one, async (request, reply) => {
    const { athleteId, name } = await api.athlete(await callerOf(request));
    return reply.send({ athlete_id: athleteId, name });
  });
  app.get(`${one}/workouts`, async (request, reply) => {
    const planned = await api.planned(await callerOf(request));
    const workouts = planned.map(({ eventId, ...workout }) => ({ event_id: eventId, ...workout }));
    return reply.send({ workouts });
  });
  const taking = { bodyLimit: fileBodyBytesMax, config: { body: rideSchema } };
  app.post(`${one}/activities`, taking, async (request, reply) => {
    const caller = await callerOf(request);
    const { outcome, activityId } = await api.send(caller, readRide(request));
    return reply.send({ outcome, activity_id: activityId });
  });
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

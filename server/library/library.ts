/** Workouts that riders keep in their account: the same list on every device. [LIBRARY.md](LIBRARY.md) is its contract. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as v from 'valibot';

import { idSchema } from '../../shared/protocol/frames.ts';
import { bodyBytesMax } from '../../shared/protocol/limits.ts';
import { planNameSchema, planSchema, type Plan } from '../../shared/workout/plan.ts';
import type { AccountRoom, AccountRoomParts } from '../accounts/account-room.ts';
import { installLibraryProblems, LibraryProblemError } from './library-problems.ts';
import { workoutBook, type KeptWorkout, type LibraryQuota } from './workout-book.ts';

/** Years of workouts; a plan is some 5 kB, and the largest 256 KiB. */
const quotaDefault: LibraryQuota = { countMax: 200, bytesMax: 8_388_608 };

/** What an account may change: a full library at once, for who signs in with one, then one every two seconds. */
const changeRate = { name: 'library-account', burst: 400, eachMs: 2_000 };

const bodies = {
  // What can be ridden can be kept: the same schema and the same bytes as when a session begins with it.
  workout: { schema: v.object({ plan: planSchema }), form: '{plan}', bodyBytesMax },
  name: { schema: v.object({ name: planNameSchema }), form: '{name}', bodyBytesMax: 4_096 },
} as const;

const list = '/v1/accounts/me/workouts';
const one = `${list}/:workout_id`;

export function workoutLibrary(quota: LibraryQuota = quotaDefault): AccountRoom {
  return (app, parts) => {
    // Encapsulated, so that its problems are its own.
    void app.register((below, _options, done) => {
      installLibraryProblems(below);
      installRoutes(below, parts, quota);
      done();
    });
  };
}

function installRoutes(
  app: FastifyInstance,
  { accountOf, take, statements }: AccountRoomParts,
  quota: LibraryQuota,
): void {
  const book = workoutBook(statements, quota);
  const changing = async (request: FastifyRequest) => {
    const accountId = await accountOf(request);
    await take(changeRate, accountId);
    return { accountId, workoutId: workoutIdOf(request) };
  };
  app.get(list, async (request, reply) => {
    const workouts = await book.list(await accountOf(request));
    return reply.send({ workouts: workouts.map(told) });
  });
  app.get(one, async (request, reply) => {
    const accountId = await accountOf(request);
    const found = await book.find(accountId, workoutIdOf(request));
    if (found === undefined) throw new LibraryProblemError('workout-unknown');
    const plan = { ...(JSON.parse(found.plan) as Plan), name: found.name };
    return reply.send({ ...told(found), plan });
  });
  app.put(one, taking(bodies.workout), async (request, reply) => {
    const { accountId, workoutId } = await changing(request);
    const { plan } = readBody(bodies.workout, request);
    const workout = { workoutId, name: plan.name, plan: JSON.stringify(plan) };
    const outcome = await book.keep(accountId, workout);
    if (outcome !== 'kept') throw new LibraryProblemError(refusals[outcome]);
    return reply.code(204).send();
  });
  app.patch(one, taking(bodies.name), async (request, reply) => {
    const { accountId, workoutId } = await changing(request);
    const { name } = readBody(bodies.name, request);
    if (!(await book.rename(accountId, workoutId, name)))
      throw new LibraryProblemError('workout-unknown');
    return reply.code(204).send();
  });
  app.delete(one, async (request, reply) => {
    const { accountId, workoutId } = await changing(request);
    if (!(await book.remove(accountId, workoutId)))
      throw new LibraryProblemError('workout-unknown');
    return reply.code(204).send();
  });
}

/** An account that is deleted at this moment has no library. */
const refusals = { full: 'library-full', absent: 'workout-unknown' } as const;

function told({ workoutId, name, createdAt }: KeptWorkout): object {
  return { workout_id: workoutId, name, created_at: createdAt.toISOString() };
}

/** Options of a route that takes that body; the schema is there for whoever lists the routes. */
function taking(body: { readonly schema: v.GenericSchema; readonly bodyBytesMax: number }) {
  return { bodyLimit: body.bodyBytesMax, config: { body: body.schema } };
}

/** Throws LibraryProblemError. */
function readBody<Schema extends v.GenericSchema>(
  { schema, form }: { readonly schema: Schema; readonly form: string },
  request: FastifyRequest,
): v.InferOutput<Schema> {
  const body = v.safeParse(schema, request.body);
  if (body.success) return body.output;
  const [{ message, path }] = body.issues;
  const place = path === undefined ? '' : ` ${v.getDotPath(body.issues[0]) ?? ''}: ${message}`;
  throw new LibraryProblemError('bad-request', `The body is ${form}.${place.slice(0, 300)}`);
}

/** Throws LibraryProblemError. */
function workoutIdOf(request: FastifyRequest): string {
  const params = v.safeParse(v.object({ workout_id: idSchema }), request.params);
  if (!params.success) throw new LibraryProblemError('workout-unknown');
  return params.output.workout_id;
}

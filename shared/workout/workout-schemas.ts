/** What a workout is created with, what can be asked of it and what can happen in it. */
import * as v from 'valibot';

import type { Named } from '../session/session-model.ts';
import { brakeSchema } from './brake.ts';
import { planSchema, storableText } from './plan.ts';

/** Ms since the Unix epoch; never falls from one event of a session to the next. */
const atMs = v.pipe(v.number(), v.integer(), v.minValue(0));
const reason = v.exactOptional(v.pipe(storableText, v.minLength(1), v.maxLength(64)));

/** 5 kW is twice what a sprinter reaches: above it a sensor is misread. Below 0 W a trainer is rolling out, and 0 is meant. */
const powerW = v.pipe(v.number(), v.minValue(-500), v.maxValue(5000));
const cadenceRpm = v.pipe(v.number(), v.minValue(0), v.maxValue(300));
/** 0 is how a strap without contact says nothing. */
const heartRateBpm = v.pipe(v.number(), v.minValue(0), v.maxValue(300));
/** Of the plan's target: half to one and a half. Beyond that another plan is meant. */
const intensity = v.pipe(v.number(), v.minValue(0.5), v.maxValue(1.5));

/** The plan is fixed for the session, and so is the FTP all its targets and metrics refer to. With a brake it is a free ride. */
export const workoutInputSchema = v.pipe(
  v.object({
    plan: planSchema,
    ftpW: v.pipe(v.number(), v.minValue(30), v.maxValue(800)),
    brake: v.exactOptional(brakeSchema),
  }),
  v.check(
    ({ plan, brake }) => brake === undefined || plan.segments.every(({ kind }) => kind === 'free'),
    'A ride with a brake has no targets beside it.',
  ),
);
/** What a workout session is created with. */
export type WorkoutInput = v.InferOutput<typeof workoutInputSchema>;

/** Commands by name. Null and absent both mean that the sensor said nothing. */
export const workoutCommands = {
  start: v.object({}),
  sample: v.object({
    powerW: v.exactOptional(v.nullable(powerW)),
    cadenceRpm: v.exactOptional(v.nullable(cadenceRpm)),
    heartRateBpm: v.exactOptional(v.nullable(heartRateBpm)),
  }),
  pause: v.object({ reason }),
  resume: v.object({}),
  /** To the start of the next segment, or the plan's end. */
  skip: v.object({}),
  /** Rides the rest of the plan at this fraction of its targets; absolute, so repeating it changes nothing. */
  adjust: v.object({ intensity }),
  /** In a free ride, what the trainer brakes with from now on; absolute too. */
  'set-brake': v.object({ brake: brakeSchema }),
  lap: v.object({}),
  finish: v.object({}),
  /** From now on this device rides, and others look on. */
  'take-control': v.object({}),
};
export type WorkoutCommand = Named<typeof workoutCommands>;

/** Events by name. Together with the input they are the whole ride. */
export const workoutEvents = {
  started: v.object({ atMs }),
  sampled: v.object({
    atMs,
    /** Second of riding time the sample belongs to, from 0. */
    second: v.pipe(v.number(), v.integer(), v.minValue(0)),
    powerW: v.nullable(powerW),
    cadenceRpm: v.nullable(cadenceRpm),
    heartRateBpm: v.nullable(heartRateBpm),
  }),
  paused: v.object({ atMs, reason }),
  resumed: v.object({ atMs }),
  /** How much of the plan was left out. */
  skipped: v.object({ atMs, byMs: v.pipe(v.number(), v.integer(), v.minValue(0)) }),
  adjusted: v.object({ atMs, intensity }),
  'brake-set': v.object({ atMs, brake: brakeSchema }),
  lapped: v.object({ atMs }),
  finished: v.object({ atMs }),
  /** By the device of that client id. */
  'control-taken': v.object({ atMs, by: v.pipe(v.string(), v.maxLength(64)) }),
};
export type WorkoutEvent = Named<typeof workoutEvents>;

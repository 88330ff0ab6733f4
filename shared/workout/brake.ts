/** What is ridden against where there is no plan: a road that climbs or falls, or a level of the trainer's own resistance. */
import * as v from 'valibot';

import { planSecondsMax, type Plan } from './plan.ts';

/** Percent. Steeper than most trainers can imitate: many go as far as they can, and some refuse it and stay where they were. */
export const gradeBounds = { min: -10, max: 20 } as const;
/** The highest level that fits on the air. What a level means, and how many there are, is the trainer's affair. */
export const levelMax = 3276.7;

export const brakeSchema = v.variant('kind', [
  /** Nothing here can be set: it is only recorded. */
  v.object({ kind: v.literal('none') }),
  v.object({
    kind: v.literal('grade'),
    gradePercent: v.pipe(v.number(), v.minValue(gradeBounds.min), v.maxValue(gradeBounds.max)),
  }),
  v.object({
    kind: v.literal('resistance'),
    level: v.pipe(v.number(), v.minValue(0), v.maxValue(levelMax)),
  }),
]);
export type Brake = Readonly<v.InferOutput<typeof brakeSchema>>;

/** Where every free ride begins. */
export const levelRoad: Brake = { kind: 'grade', gradePercent: 0 };

/**
 * The plan of a ride without one: free for as long as a plan may be. So what knows of no free rides, an older page or server, takes it
 * for a workout that asks for nothing, and loses no second of it. Brakes set are lost on it: it passes over their events, and what it
 * saves has the last brake it was given, at worst the one the ride began with. Whoever goes on from there shows that one and brakes with it
 * until the rider sets another.
 */
export const freeRidePlan: Plan = {
  name: 'Free ride',
  description: 'No plan and no end: set the grade or the resistance as you go.',
  segments: [{ kind: 'free', durationS: planSecondsMax }],
};

/** Rides a workout in tests: commands at moments, as the framework would put them. */
import { expect } from 'vitest';

import type { Plan } from '../../shared/workout/plan.ts';
import type { WorkoutCommand, WorkoutEvent } from '../../shared/workout/workout-schemas.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { workout } from '../../shared/workout/workout.ts';

/** Some moment: tests count from it. */
export const startMs = 1_800_000_000_000;

export const testPlan: Plan = {
  name: 'Test',
  description: '',
  segments: [
    { kind: 'steady', durationS: 60, fraction: 0.5 },
    { kind: 'ramp', durationS: 100, fromFraction: 0.5, toFraction: 1 },
    { kind: 'free', durationS: 40 },
  ],
};

export interface Ride {
  state: WorkoutState;
  readonly events: WorkoutEvent[];
}

export const newRide = (plan: Plan = testPlan): Ride => ({
  state: workout.initial({ plan, ftpW: 200 }),
  events: [],
});

/** Gives one command `atS` seconds after the test's beginning; the code when it is refused, else null. */
type Give = (ride: Ride, atS: number, type: WorkoutCommand['type'], data?: object) => string | null;

/** As the device of that client id. */
export function giveAs(clientId: string): Give {
  return (ride, atS, type, data = {}) => {
    const parsed = workout.parseCommand(type, data);
    if (!parsed.ok) throw new Error(parsed.problem);
    const context = { atMs: startMs + atS * 1000, clientId };
    const decision = workout.decide(ride.state, parsed.value, context);
    if ('refused' in decision) return decision.refused;
    for (const event of decision) {
      ride.state = workout.evolve(ride.state, event);
      ride.events.push(event);
    }
    return null;
  };
}

export const give = giveAs('bike');

/** Samples at the given powers, one a second from `fromS` on. */
export function samples(ride: Ride, fromS: number, powersW: readonly (number | null)[]): void {
  for (const [index, powerW] of powersW.entries())
    expect(give(ride, fromS + index, 'sample', { powerW })).toBeNull();
}

/** Rides on without power: a word every few seconds, as a device that is awake gives it. */
export function rideOn(ride: Ride, fromS: number, toS: number): void {
  for (let atS = fromS; atS < toS; atS += 5) expect(give(ride, atS, 'sample')).toBeNull();
}

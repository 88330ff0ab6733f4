import { describe, expect, it } from 'vitest';

import { freeRidePlan, gradeBounds, levelRoad } from '../../shared/workout/brake.ts';
import { planSchema } from '../../shared/workout/plan.ts';
import { workoutEvents, type WorkoutEvent } from '../../shared/workout/workout-schemas.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import {
  laps,
  planPositionS,
  summary,
  targetPowerNowW,
} from '../../shared/workout/workout-view.ts';
import { workout } from '../../shared/workout/workout.ts';
import { give, newRide, samples, startMs, testPlan, type Ride } from './workout-ride.ts';

const freeRide = (): Ride => ({
  state: workout.initial({ plan: freeRidePlan, ftpW: 200, brake: levelRoad }),
  events: [],
});
const grade = (gradePercent: number) => ({ brake: { kind: 'grade', gradePercent } });

describe('a free ride', () => {
  it('is begun with a plan that asks for nothing and with a brake, and one by a plan has none', () => {
    const input = { plan: freeRidePlan, ftpW: 200, brake: levelRoad };
    expect(workout.parseInput(input)).toEqual({ ok: true, value: input });
    expect(planSchema['~standard'].validate(freeRidePlan)).toMatchObject({ value: freeRidePlan });
    expect(freeRide().state.brake).toEqual({ kind: 'grade', gradePercent: 0 });
    const both = workout.parseInput({ ...input, plan: testPlan });
    expect(both).toMatchObject({ ok: false, problem: expect.stringMatching(/no targets/) });
    expect('brake' in newRide().state).toBe(false);
    expect(targetPowerNowW(freeRide().state, startMs)).toBeNull();
  });

  it('takes a grade or a level before the start, while riding and in a pause, and keeps it', () => {
    const ride = freeRide();
    expect(give(ride, 0, 'set-brake', grade(2.5))).toBeNull();
    give(ride, 1, 'start');
    expect(ride.state.brake).toEqual({ kind: 'grade', gradePercent: 2.5 });
    expect(give(ride, 2, 'set-brake', { brake: { kind: 'resistance', level: 12 } })).toBeNull();
    give(ride, 3, 'pause');
    expect(ride.state.brake).toEqual({ kind: 'resistance', level: 12 });
    expect(give(ride, 4, 'set-brake', grade(-4))).toBeNull();
    give(ride, 5, 'resume');
    expect(ride.state.brake).toEqual({ kind: 'grade', gradePercent: -4 });
    give(ride, 6, 'finish');
    expect(give(ride, 7, 'set-brake', grade(1))).toBe('finished');
    expect(ride.state.brake).toEqual({ kind: 'grade', gradePercent: -4 });
  });

  it('has no plan to skip in and no targets to change, and a ride by a plan has no brake', () => {
    const ride = freeRide();
    give(ride, 0, 'start');
    expect(give(ride, 1, 'skip')).toBe('no-plan');
    expect(give(ride, 1, 'adjust', { intensity: 1.1 })).toBe('no-plan');
    const planned = newRide();
    expect(give(planned, 0, 'set-brake', grade(1))).toBe('has-plan');
    expect(planned.state).toEqual(newRide().state);
  });

  it('refuses what is steeper than any road, below any level, or no brake', () => {
    const taken = (brake: object): boolean => workout.parseCommand('set-brake', { brake }).ok;
    expect(taken({ kind: 'grade', gradePercent: gradeBounds.max })).toBe(true);
    expect(taken({ kind: 'grade', gradePercent: gradeBounds.max + 0.1 })).toBe(false);
    expect(taken({ kind: 'grade', gradePercent: Number.NaN })).toBe(false);
    expect(taken({ kind: 'resistance', level: -1 })).toBe(false);
    expect(taken({ kind: 'resistance', level: 4000 })).toBe(false);
    expect(taken({ kind: 'sail' })).toBe(false);
    expect(taken({ kind: 'none' })).toBe(true);
  });

  it('is steered by the device that rides, and by no other', () => {
    const ride = freeRide();
    give(ride, 0, 'take-control');
    const parsed = workout.parseCommand('set-brake', grade(3));
    if (!parsed.ok) throw new Error(parsed.problem);
    const context = { atMs: startMs + 1000, clientId: 'telephone' };
    expect(workout.decide(ride.state, parsed.value, context)).toEqual({
      refused: 'not-in-control',
    });
  });

  it('has laps, metrics and a summary like any ride', () => {
    const ride = freeRide();
    give(ride, 0, 'start');
    samples(ride, 0, [100, 100, 200]);
    give(ride, 3, 'lap');
    samples(ride, 3, [300]);
    give(ride, 4, 'finish');
    expect(summary(ride.state)).toMatchObject({ ridingS: 4, averageW: 175, energyKj: 0.7 });
    expect(laps(ride.state).map(({ endS }) => endS)).toEqual([3, 4]);
    expect(planPositionS(ride.state, ride.state.lastMs)).toBe(4);
  });

  it('is told in events that fit their schemas, from which the same state comes again', () => {
    const ride = freeRide();
    give(ride, 0, 'start');
    give(ride, 1, 'set-brake', grade(6));
    give(ride, 2, 'finish');
    for (const { type, data } of ride.events)
      expect(workoutEvents[type]['~standard'].validate(data)).toEqual({ typed: true, value: data });
    const copied = JSON.parse(JSON.stringify(ride.events)) as typeof ride.events;
    expect(copied.reduce((state, event) => workout.evolve(state, event), freeRide().state)).toEqual(
      ride.state,
    );
  });

  it('goes through a release that knows of no brakes whole, but for the brakes set meanwhile', () => {
    // As that release has it: an event it does not know changes nothing, and a state is copied with all that is in it.
    const formerEvolve = (state: WorkoutState, event: WorkoutEvent): WorkoutState =>
      event.type === 'brake-set' ? state : workout.evolve(state, event);
    const ride = freeRide();
    give(ride, 0, 'set-brake', grade(6));
    give(ride, 1, 'start');
    samples(ride, 1, [100, 110]);
    give(ride, 3, 'set-brake', grade(8));
    samples(ride, 4, [120]);
    const saved = ride.events.slice(0, 1).reduce(workout.evolve, freeRide().state);
    const state = ride.events.slice(1).reduce(formerEvolve, saved);
    expect(state.brake).toEqual({ kind: 'grade', gradePercent: 6 });
    expect({ ...state, brake: ride.state.brake }).toEqual(ride.state);
    const resumed: Ride = { state, events: [] };
    give(resumed, 5, 'set-brake', grade(8));
    expect(resumed.state.brake).toEqual({ kind: 'grade', gradePercent: 8 });
  });
});

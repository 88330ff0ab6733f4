import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { segmentAt } from '../../shared/workout/plan.ts';
import type { RiddenSecond } from '../../shared/workout/training-metrics.ts';
import { workoutEvents } from '../../shared/workout/workout-schemas.ts';
import type { WorkoutCommand, WorkoutEvent } from '../../shared/workout/workout-schemas.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { elapsedS, laps, planPositionS, summary } from '../../shared/workout/workout-view.ts';
import { workout } from '../../shared/workout/workout.ts';
import { differences, recompute } from './metrics-recompute.ts';
import { newRide, startMs, testPlan } from './workout-ride.ts';

const reading = (most: number) =>
  fc.option(
    fc.oneof(fc.integer({ min: 0, max: most }), fc.double({ min: 0, max: most, noNaN: true })),
  );
const sample = fc.record(
  { powerW: reading(2000), cadenceRpm: reading(200), heartRateBpm: reading(220) },
  { requiredKeys: [] },
);
const bare = (...types: WorkoutCommand['type'][]) =>
  fc.record({ type: fc.constantFrom(...types), data: fc.constant({}) });
const commands = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('sample'), data: sample }) },
  { weight: 3, arbitrary: bare('start', 'resume', 'skip', 'lap') },
  { weight: 1, arbitrary: bare('pause', 'finish') },
  fc.record({
    type: fc.constant('pause'),
    data: fc.record({ reason: fc.string({ minLength: 1, maxLength: 20 }) }),
  }),
  fc.record({
    type: fc.constant('adjust'),
    data: fc.record({ intensity: fc.double({ min: 0.5, max: 1.5, noNaN: true }) }),
  }),
);
/** Mostly a fraction of a second, sometimes a long silence, sometimes a clock that is behind. */
const stepMs = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 1500 }) },
  fc.integer({ min: 0, max: 5_000_000 }),
  fc.integer({ min: -10_000, max: -1 }),
);
const steps = fc.array(fc.record({ command: commands, stepMs }), { maxLength: 120, size: 'max' });

/** Rides through random steps; `visit` sees each state after its event. */
function ride(
  taken: readonly { command: { type: string; data: object }; stepMs: number }[],
  visit: (state: WorkoutState, before: WorkoutState, event: WorkoutEvent) => void,
): WorkoutState {
  let { state } = newRide();
  let atMs = startMs;
  for (const { command, stepMs } of [
    { command: { type: 'start', data: {} }, stepMs: 0 },
    ...taken,
  ]) {
    atMs += stepMs;
    const parsed = workout.parseCommand(command.type, command.data);
    if (!parsed.ok) throw new Error(parsed.problem);
    const decision = workout.decide(state, parsed.value, { atMs, clientId: 'bike' });
    for (const event of 'refused' in decision ? [] : decision) {
      const before = state;
      state = workout.evolve(state, event);
      visit(state, before, event);
    }
  }
  return state;
}

const copied = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

it('riding time, plan position and the last moment never decrease, whatever is asked', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      ride(taken, (state, before) => {
        expect(state.lastMs).toBeGreaterThanOrEqual(before.lastMs);
        for (const clock of [elapsedS, planPositionS])
          expect(clock(state, state.lastMs)).toBeGreaterThanOrEqual(clock(before, before.lastMs));
        expect(Number.isInteger(state.riddenMs) && Number.isInteger(state.skippedMs)).toBe(true);
      });
    }),
  );
});

it('a skip lands on the start of a segment or on the end of the plan', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      ride(taken, (state, _before, event) => {
        if (event.type !== 'skipped') return;
        const positionS = planPositionS(state, state.lastMs);
        const startS = segmentAt(testPlan, positionS)?.startS ?? 200;
        expect(positionS).toBe(startS);
      });
    }),
  );
});

it('a state and an event that went through JSON fold to the same state', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      ride(taken, (state, before, event) => {
        expect(copied(state)).toEqual(state);
        expect(workout.evolve(copied(before), copied(event))).toEqual(state);
      });
    }),
  );
});

it('the summary equals a recompute from the events alone, and every second is recorded or missing', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const events: WorkoutEvent[] = [];
      const finish = { command: { type: 'finish', data: {} }, stepMs: 0 };
      const limited = taken.map((step) => ({ ...step, stepMs: Math.min(step.stepMs, 90_000) }));
      const state = ride([...limited, finish], (_state, _before, event) => events.push(event));
      const { ridingS, ...numbers } = summary(state);
      expect(differences(numbers, recompute(secondsOf(events, ridingS), 200))).toEqual([]);
      expect([ridingS, ridingS + 1]).toContain(numbers.recordedS + numbers.missingS);
      const lapSeconds = laps(state).reduce((sum, { startS, endS }) => sum + endS - startS, 0);
      expect(Math.abs(lapSeconds - elapsedS(state, 0))).toBeLessThan(1e-6);
    }),
  );
});

it('no event throws in any state, even one that could not have happened there', () => {
  const moment = fc.integer({ min: 0, max: 8_640_000_000_000_000 });
  const events = fc.oneof(
    fc.record({
      type: fc.constantFrom('started', 'paused', 'resumed', 'lapped', 'finished', 'unheard-of'),
      data: fc.record({ atMs: moment }),
    }),
    fc.record({ type: fc.constant('skipped'), data: fc.record({ atMs: moment, byMs: moment }) }),
    fc.record({
      type: fc.constant('sampled'),
      data: fc.record({
        atMs: moment,
        second: moment,
        powerW: reading(5000),
        cadenceRpm: reading(300),
        heartRateBpm: reading(300),
      }),
    }),
  );
  fc.assert(
    fc.property(fc.array(events, { maxLength: 40 }), (many) => {
      const state = many.reduce(
        (state, event) => workout.evolve(state, event as WorkoutEvent),
        newRide().state,
      );
      expect(copied(state)).toEqual(state);
      summary(state);
    }),
  );
});

it('every event fits the schema of its name', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      ride(taken, (_state, _before, { type, data }) => {
        expect(workoutEvents[type]['~standard'].validate(data)).toEqual({
          typed: true,
          value: data,
        });
      });
    }),
  );
});

/** The seconds of a ride by its events: those of a second averaged to whole numbers, all others empty. */
function secondsOf(events: readonly WorkoutEvent[], ridingS: number): RiddenSecond[] {
  const readings = new Map<number, Extract<WorkoutEvent, { type: 'sampled' }>['data'][]>();
  for (const { type, data } of events)
    if (type === 'sampled') readings.set(data.second, [...(readings.get(data.second) ?? []), data]);
  const count = Math.max(ridingS, ...[...readings.keys()].map((second) => second + 1));
  return Array.from({ length: count }, (_, second) => {
    const all = readings.get(second) ?? [];
    return {
      powerW: meanOf(all.map(({ powerW }) => powerW)),
      cadenceRpm: meanOf(all.map(({ cadenceRpm }) => cadenceRpm)),
      heartRateBpm: meanOf(all.map(({ heartRateBpm }) => heartRateBpm)),
    };
  });
}

function meanOf(values: readonly (number | null)[]): number | null {
  const given = values.filter((value) => value !== null);
  return given.length === 0
    ? null
    : Math.round(given.reduce((sum, value) => sum + value, 0) / given.length);
}

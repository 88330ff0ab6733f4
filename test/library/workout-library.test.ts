import { describe, expect, test } from 'vitest';

import {
  sameWorkout,
  shownWorkouts,
  syncSteps,
  type KeptWorkout,
} from '../../client/app/library/kept-workout.ts';
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';

const plan = (name: string) => ({
  name,
  description: '',
  segments: [{ kind: 'steady', durationS: 60, fraction: 0.5 } as const],
});
const kept = (workoutId: string, more: Partial<KeptWorkout> = {}): KeptWorkout => ({
  workoutId,
  plan: plan(workoutId),
  keptAtMs: 1,
  accountId: 'ada',
  ...more,
});
const listed = (workoutId: string, name = workoutId) => ({ workoutId, name, keptAtMs: 1 });
const told = (steps: ReturnType<typeof syncSteps>): readonly string[] =>
  steps.map((step) =>
    [step.kind, 'workout' in step ? step.workout.workoutId : step.workoutId].join(' '),
  );

describe('a library on a device and in an account', () => {
  test('is left alone where both are the same', () => {
    expect(syncSteps([kept('a')], [listed('a')], 'ada')).toEqual([]);
  });

  test('delivers what nobody has, the oldest first, and fetches what is not here', () => {
    const trial = (id: string, keptAtMs: number) => kept(id, { accountId: null, keptAtMs });
    const steps = syncSteps([trial('new', 2), trial('old', 1)], [listed('there')], 'ada');
    expect(told(steps)).toEqual(['deliver old', 'deliver new', 'fetch there']);
  });

  test('delivers again what is there since an answer that was lost', () => {
    expect(told(syncSteps([kept('a', { accountId: null })], [listed('a')], 'ada'))).toEqual([
      'deliver a',
    ]);
  });

  test('tells what was renamed and deleted here, and takes over what was there', () => {
    const here = [
      kept('a', { change: 'renamed' }),
      kept('b', { change: 'deleted' }),
      kept('c'),
      kept('d'),
      kept('e', { change: 'deleted' }),
      kept('f', { change: 'deleted', accountId: null }),
    ];
    const there = [listed('a', 'former'), listed('b'), listed('d', 'another')];
    expect(told(syncSteps(here, there, 'ada'))).toEqual([
      'rename a',
      'delete b',
      'drop c',
      'adopt d',
      'drop e',
      'drop f',
    ]);
  });

  test('is never taken into another account', () => {
    expect(told(syncSteps([kept('a'), kept('b', { change: 'renamed' })], [], 'bob'))).toEqual([
      'drop a',
      'drop b',
    ]);
    // Nor does it change one there, should the ids be the same.
    const changed = [kept('a', { change: 'renamed' }), kept('b', { change: 'deleted' })];
    expect(told(syncSteps(changed, [listed('a'), listed('b')], 'bob'))).toEqual([
      'drop a',
      'drop b',
    ]);
    expect(shownWorkouts([kept('a'), kept('b', { accountId: null })], 'bob')).toMatchObject([
      { workoutId: 'b' },
    ]);
    expect(shownWorkouts([kept('a')], null)).toEqual([]);
  });

  test('shows the one kept last first, and nothing that was deleted', () => {
    const here = [kept('a'), kept('b', { keptAtMs: 2 }), kept('c', { change: 'deleted' })];
    expect(shownWorkouts(here, 'ada').map(({ workoutId }) => workoutId)).toEqual(['b', 'a']);
  });

  test('knows a workout again whatever it is called', () => {
    const [lunch] = builtInPlans;
    if (lunch === undefined) throw new Error('There is no plan.');
    const noon = kept('a', { plan: { ...lunch.plan, name: 'Noon' } });
    expect(sameWorkout([noon], lunch.plan)).toBe(noon);
    expect(sameWorkout([noon], plan('Lunch break'))).toBeUndefined();
  });
});

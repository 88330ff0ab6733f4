import { describe, expect, test } from 'vitest';

import { dueBeep, heardPlace, type HeardPlace } from '../../client/app/beeps.ts';
import { readyWorkout } from '../../shared/workout/workout-state.ts';

const plan = {
  name: 'Two',
  description: '',
  segments: [
    { kind: 'steady', durationS: 10, fraction: 0.5 },
    { kind: 'steady', durationS: 5, fraction: 1 },
  ],
} as const;
const riding = {
  ...readyWorkout({ plan, ftpW: 200 }),
  phase: 'riding',
  startedAtMs: 0,
} as const;

/** What is heard by who looks four times a second, with the second it is heard in. */
function heard(phase: 'riding' | 'paused' = 'riding'): string[] {
  let before: HeardPlace | null = null;
  const beeps: string[] = [];
  for (let nowMs = 0; nowMs <= 20_000; nowMs += 250) {
    // A sample comes every second: without one the clock would stand.
    const now = heardPlace({ ...riding, phase, lastMs: nowMs }, nowMs);
    const beep = dueBeep(before, now);
    if (beep !== null) beeps.push(`${beep} at ${nowMs / 1000}`);
    before = now;
  }
  return beeps;
}

describe('the beeps', () => {
  test('count the last three seconds of an interval and sound the change, to the end of the plan', () => {
    expect(heard()).toEqual([
      'soon at 7',
      'soon at 8',
      'soon at 9',
      'now at 10',
      'soon at 12',
      'soon at 13',
      'soon at 14',
    ]);
  });

  test('are silent in a pause', () => {
    expect(heard('paused')).toEqual([]);
  });

  test('who skips hears nothing, and who was asleep hears no beeps that are over', () => {
    expect(dueBeep({ interval: 0, leftS: 6 }, { interval: 1, leftS: 5 })).toBeNull();
    expect(dueBeep({ interval: 0, leftS: 6 }, { interval: 3, leftS: 1 })).toBeNull();
    expect(dueBeep({ interval: 0, leftS: 1 }, { interval: 1, leftS: 5 })).toBe('now');
  });
});

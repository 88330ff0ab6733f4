import { expect, test } from 'vitest';

import { LongAgenda } from './long-agenda.ts';
import { planLong } from './long-plan.ts';

const durationMs = 60_000;

/** What is done when a run looks at those moments, until all is done. */
function doneAt(looksMs: readonly number[]): readonly string[] {
  const agenda = new LongAgenda(planLong(7, { durationMs, withRedis: true }));
  const done: string[] = [];
  for (const elapsedMs of looksMs) {
    if (agenda.isDone) break;
    const absence = agenda.takeAbsence(elapsedMs);
    if (absence !== undefined) done.push(absence.isAway ? 'device away' : 'device back');
    const outage = agenda.takeOutage(elapsedMs);
    if (outage !== undefined) done.push(outage.store);
  }
  return agenda.isDone ? done : [...done, 'and so on'];
}

test('in a run that looks often, everything is done in its time', () => {
  const looksMs = Array.from({ length: 60 }, (_, second) => second * 1_000);
  expect(doneAt(looksMs)).toEqual(['device away', 'redis', 'postgres', 'device back']);
});

test('in a run that is over at its second look, everything is still done', () => {
  const looksMs = [0, 2 * durationMs, 3 * durationMs, 4 * durationMs];
  expect(doneAt(looksMs)).toEqual(['device away', 'redis', 'device back', 'postgres']);
});

test('a run is not done while a store has not been away, or the device is', () => {
  expect(doneAt([0, durationMs])).toEqual(['device away', 'redis', 'and so on']);
});

test('without a plan there is nothing to do', () => {
  const agenda = new LongAgenda(undefined);
  expect(agenda.isDone).toBe(true);
  expect([agenda.takeOutage(durationMs), agenda.takeAbsence(durationMs)]).toEqual([
    undefined,
    undefined,
  ]);
});

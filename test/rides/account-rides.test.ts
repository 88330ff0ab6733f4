import { describe, expect, test } from 'vitest';

import { rideSteps, type AccountRide } from '../../client/app/rides/account-rides.ts';
import type { KeptRide } from '../../client/app/rides/kept-ride.ts';
import { isInParts, recordOf } from '../../client/app/rides/kept-ride.ts';
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { workout } from '../../shared/workout/workout.ts';

const [lunch] = builtInPlans;
if (lunch === undefined) throw new Error('There is no plan.');
const first = workout.initial({ plan: lunch.plan, ftpW: 200 });

const kept = (sessionId: string, more: Partial<KeptRide> = {}): KeptRide => ({
  sessionId,
  name: 'Lunch break',
  state: first,
  commands: [],
  incidents: [],
  ...more,
});
const there = (sessionId: string, more: Partial<AccountRide> = {}): AccountRide => ({
  sessionId,
  name: null,
  untilMs: 2_000,
  isOver: true,
  ...more,
});
const steps = (here: readonly KeptRide[], rides: readonly AccountRide[], isWhole = true) =>
  rideSteps(here, { accountId: 'ada', rides, isWhole }, 1_000);

describe('rides of a device and of an account', () => {
  test('are the same when each is on both', () => {
    expect(steps([kept('a')], [there('a')])).toEqual({
      fetch: [],
      live: [],
      adopt: [],
      tell: [],
      drop: [],
    });
  });

  test('come from the account when they are over, and are told of while they are not', () => {
    const { fetch, live } = steps(
      [kept('a')],
      [there('a'), there('b'), there('c', { isOver: false })],
    );
    expect(fetch.map(({ sessionId }) => sessionId)).toEqual(['b']);
    expect(live.map(({ sessionId }) => sessionId)).toEqual(['c']);
  });

  test('have the name that was given last: there, unless this device has not told of its own', () => {
    const here = [kept('a'), kept('b', { name: 'Mine', isNameNew: true })];
    const { adopt, tell } = steps(here, [
      there('a', { name: 'Noon' }),
      there('b', { name: 'Old' }),
    ]);
    expect(adopt).toEqual([{ sessionId: 'a', name: 'Noon' }]);
    expect(tell).toEqual([{ sessionId: 'b', name: 'Mine' }]);
  });

  test('go when they are copies of what was deleted elsewhere, and never when this device rode them', () => {
    const copy = { copyOf: 'ada', untilMs: 2_000 };
    const here = [
      kept('ridden here'),
      kept('deleted', copy),
      kept('its time is over', { ...copy, untilMs: 900 }),
      kept('another’s', { copyOf: 'bob', untilMs: 2_000 }),
    ];
    expect(steps(here, []).drop).toEqual(['deleted', 'another’s']);
    // Of a list that was cut nobody knows what is missing.
    expect(steps(here, [], false).drop).toEqual(['another’s']);
  });
});

describe('what is known of a ride', () => {
  const commands = [
    ['start', {}, 1_000],
    ['sample', { powerW: 200, cadenceRpm: 90, heartRateBpm: 140 }, 1_500],
    ['sample', { powerW: 210, cadenceRpm: 90, heartRateBpm: 140 }, 2_500],
    ['finish', {}, 3_000],
  ] as const;
  let state = first;
  const events = commands.flatMap(([type, data, atMs]) => {
    const command = workout.parseCommand(type, data);
    if (!command.ok) throw new Error(command.problem);
    const decision = workout.decide(state, command.value, { atMs, clientId: '' });
    if ('refused' in decision) throw new Error(decision.refused);
    for (const event of decision) state = workout.evolve(state, event);
    return decision;
  });

  test('is the same from the session’s log as from the device that rode it', () => {
    const ridden = kept('a', { state, commands });
    const copied = kept('a', { state, events });
    expect(recordOf(copied)).toEqual(recordOf(ridden));
    expect([isInParts(ridden), isInParts(copied)]).toEqual([false, false]);
  });

  test('is its summary, or a part, until the log was asked for', () => {
    const copied = kept('a', { state });
    expect(recordOf(copied)).toBeNull();
    expect(isInParts(copied)).toBe(true);
    expect(isInParts(kept('a', { state, commands: commands.slice(0, 2) }))).toBe(true);
  });
});

import { describe, expect, test } from 'vitest';

import { startRideLoop } from '../../client/app/ride-loop.ts';
import { steadyClock } from '../../client/app/steady-clock.ts';
import { silenceMaxMs } from '../../shared/workout/workout-state.ts';
import { elapsedS } from '../../shared/workout/workout-view.ts';
import { manualClock } from '../support/manual-clock.ts';
import { give, newRide, startMs } from '../workout/workout-ride.ts';
import { manualTicker } from './manual-ticker.ts';

/** A ride that has gone on for ten seconds, on a clock that people can set. */
function riding() {
  const wall = manualClock(startMs);
  const clock = steadyClock(wall);
  const ticker = manualTicker();
  const ridden = newRide();
  const view = () => ({
    state: ridden.state,
    status: 'connected' as const,
    unsaved: 0,
    unaccepted: 0,
    unkept: 0,
    receipt: undefined,
    isFinal: false,
    stopReason: undefined,
  });
  startRideLoop({
    ride: {
      clientId: 'this-device',
      view,
      send: (...[type, data]: readonly [Parameters<typeof give>[2], object]) => {
        give(ridden, (clock.nowMs() - startMs) / 1000, type, data);
      },
    },
    trainer: {
      view: () => ({
        name: 'Test',
        link: 'ready',
        abilities: { takesPower: true, takesGrade: true, levels: null },
        strap: null,
      }),
      reconnect: () => {},
      setTarget: () => {},
      onSample: () => () => {},
      close: () => {},
    },
    clock,
    ticker,
    pausesStanding: () => false,
    show: () => {},
  });
  const ride = (seconds: number): void => {
    for (let beat = 0; beat < seconds * 4; beat += 1) {
      wall.pass(250);
      ticker.tick();
    }
  };
  give(ridden, 0, 'start', {});
  // Without a reading the loop waits for the trainer after five seconds: that is another rule.
  ride(4);
  return { wall, clock, ride, elapsed: () => elapsedS(ridden.state, clock.nowMs()) };
}

describe('elapsed time', () => {
  test('goes on by what really passes when the clock is set back', () => {
    const { wall, ride, elapsed } = riding();
    expect(elapsed()).toBe(4);
    wall.setForward(-3_600_000);
    ride(0.5);
    expect(elapsed()).toBe(4.5);
  });

  test.each([
    {
      what: 'a device that slept',
      jump: (wall: ReturnType<typeof manualClock>) => wall.pass(3_600_000),
    },
    {
      what: 'a clock set forward',
      jump: (wall: ReturnType<typeof manualClock>) => wall.setForward(3_600_000),
    },
  ])('counts no more than the bound of a silence for $what', ({ jump }) => {
    const { wall, elapsed } = riding();
    jump(wall);
    expect(elapsed()).toBe(4 + silenceMaxMs / 1000);
  });
});

test('a page that comes up behind the time its ride has seen goes on from there', () => {
  const wall = manualClock(1_000_000);
  const clock = steadyClock(wall);
  clock.notBefore(1_500_000);
  expect(clock.nowMs()).toBe(1_500_000);
  wall.pass(1_000);
  expect(clock.nowMs()).toBe(1_501_000);
  clock.notBefore(1_200_000);
  expect(clock.nowMs()).toBe(1_501_000);
});

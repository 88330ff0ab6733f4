import { expect, test } from 'vitest';

import { Link } from '../../client/link.ts';
import { welcome } from '../support/client-harness.ts';
import { manualClock } from '../support/manual-clock.ts';
import { scriptedSockets } from '../support/scripted-socket.ts';

/** A link that is open, on a clock that tells how often a timer was set. */
function openLink() {
  const clock = manualClock();
  let timerCount = 0;
  const counted: typeof clock = {
    ...clock,
    after: (delayMs, callback) => {
      timerCount++;
      return clock.after(delayMs, callback);
    },
  };
  const { WebSocket, sockets } = scriptedSockets();
  const codes: number[] = [];
  const link = new Link(
    {
      url: () => 'ws://ride.example',
      WebSocket,
      clock: counted,
      begin: () => undefined,
      hello: () => ({ type: 'bye' }),
      remind: () => ({ type: 'bye' }),
    },
    { frame: () => {}, closed: (code) => codes.push(code) },
  );
  const [socket] = sockets;
  socket?.open();
  // From here on 30 s of silence are borne.
  socket?.receive(welcome);
  const hear = (): void => socket?.receive({ type: 'live', offset: 1 });
  return { clock, link, codes, hear, timers: () => timerCount };
}

test('[H5] frames within five seconds set no timer, and the next one sets one', () => {
  const { clock, hear, timers } = openLink();
  const before = timers();
  for (let number = 0; number < 9; number++) {
    clock.pass(500);
    hear();
  }
  expect(timers()).toBe(before);
  clock.pass(500);
  hear();
  expect(timers()).toBe(before + 1);
});

test('[H5] silence ends it as long after the last frame as was agreed, whenever that came', () => {
  const { clock, codes, hear } = openLink();
  for (const pauseMs of [4_900, 100, 4_999, 3_000]) {
    clock.pass(pauseMs);
    hear();
  }
  clock.pass(29_999);
  expect(codes).toEqual([]);
  clock.pass(1);
  expect(codes).toEqual([1006]);
});

import { beforeEach, describe, expect, test } from 'vitest';

import { greet, startClient, type ClientHarness } from '../support/client-harness.ts';

describe('a client and breaks that come close after each other', () => {
  let clock: ClientHarness['clock'];
  let sockets: ClientHarness['sockets'];
  let socketAt: ClientHarness['socketAt'];

  beforeEach(() => {
    ({ clock, sockets, socketAt } = startClient());
  });

  test('[P2] a break soon after another one is a first one again once the service lasted as long as the gap before it', () => {
    greet(socketAt(0));
    socketAt(0).end(1006);
    clock.pass(100);
    for (let number = 1; number <= 5; number++) {
      greet(socketAt(number), { result: 'resumed' });
      clock.pass(100);
      socketAt(number).end(1006);
      clock.pass(100);
    }
    expect(sockets.length).toBe(7);
  });

  test('[P2] a server that welcomes and closes is given ever more time', () => {
    greet(socketAt(0));
    socketAt(0).end(1006);
    const pausesMs = [100, 250, 500, 1_000, 2_000];
    for (const [number, pauseMs] of pausesMs.entries()) {
      clock.pass(pauseMs - 1);
      expect(sockets.length).toBe(number + 1);
      clock.pass(1);
      greet(socketAt(number + 1), { result: 'resumed' });
      clock.pass(99);
      socketAt(number + 1).end(1006);
    }
  });

  test.each([
    ['4102, too many connections', 4102],
    ['4110, the session moved', 4110],
  ])(
    '[P2] who is asked to back off does, although the service lasted longer than the gap: %s',
    (_what, code) => {
      greet(socketAt(0));
      const pausesMs = [100, 250, 500, 1_000, 2_000];
      for (const [number, pauseMs] of pausesMs.entries()) {
        clock.pass(2_500);
        socketAt(number).end(code);
        clock.pass(pauseMs - 1);
        expect(sockets.length).toBe(number + 1);
        clock.pass(1);
        greet(socketAt(number + 1), { result: 'resumed' });
      }
      clock.pass(5_000);
      socketAt(5).end(code);
      clock.pass(100);
      expect(sockets.length).toBe(7);
    },
  );
});

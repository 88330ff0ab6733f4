import { describe, expect, test } from 'vitest';

import { retryDelayMs } from '../../client/reconnect.ts';
import { stableMs } from '../../client/status.ts';
import { greet, startClient } from '../support/client-harness.ts';

describe('coming back', () => {
  test('[P2] the first retry is spread over the server’s first bound, later ones double up to its longest', () => {
    const spans = [0, 1, 2, 3, 10].map((attempt) =>
      retryDelayMs(attempt, [200, 20_000], 0.5, 3_600_000),
    );
    expect(spans).toEqual([100, 250, 500, 1_000, 10_000]);
    expect(retryDelayMs(0, [200, 20_000], 0, 0)).toBe(0);
  });

  test('[P2] nobody waits longer than it has been tried so far, or two seconds', () => {
    const spans = [0, 1_000, 3_000, 60_000].map((triedMs) =>
      retryDelayMs(10, [200, 20_000], 0.5, triedMs),
    );
    expect(spans).toEqual([1_000, 1_000, 1_500, 10_000]);
    expect(retryDelayMs(10, [200, 500], 0.5, 0)).toBe(250);
  });

  test('[P2] who drew short pauses only is back soon all the same after a short outage, and spares the server in a long one', () => {
    const draws = [0, 0, 0, 0, 0, 0, 0, 0];
    const { clock, client, sockets, socketAt } = startClient({
      random: () => draws.shift() ?? 0.999,
    });
    greet(socketAt(0));
    clock.pass(stableMs);
    const dialledMs: number[] = [];
    const lostMs = clock.elapsedMs();
    socketAt(-1).end(1006);
    while (clock.elapsedMs() - lostMs < 120_000) {
      const count = sockets.length;
      clock.pass(1);
      if (sockets.length === count) continue;
      dialledMs.push(clock.elapsedMs() - lostMs);
      socketAt(-1).end(1006);
    }
    expect(client.view().status).toBe('offline');
    expect(dialledMs.slice(8).map((ms) => Math.round(ms / 1_000))).toEqual([
      2, 4, 8, 16, 32, 52, 72, 92, 112,
    ]);
  });
});

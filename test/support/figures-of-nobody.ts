/** Figures of an instance that has just begun, for tests that look at what is made of them. */
import type { Figures } from '../../server/operations/figures.ts';
import { zeroSessionCounts } from '../../server/session/session-counts.ts';
import { durationHistogram } from '../../server/telemetry/duration-histogram.ts';

export function figuresOfNobody(): Figures {
  return {
    release: 'one',
    phase: 'ready',
    sessions: 0,
    unsavedSessions: 0,
    checkpointLagMs: 0,
    connections: 0,
    handOvers: 0,
    greetings: { welcomed: 0, unwelcomed: 0 },
    backupAgeMs: 0,
    counts: zeroSessionCounts(),
    postgres: { failures: 0, isCircuitOpen: false },
    redis: { failures: 0, isCircuitOpen: false },
    hashing: { pendingCount: 0, hashMs: 0 },
    process: {
      residentBytes: 0,
      heapBytes: 0,
      cpuS: 0,
      uptimeS: 0,
      loopDelayP99Ms: 0,
      loopDelayMaxMs: 0,
    },
    requestsByClass: [0, 0, 0, 0, 0, 0],
    requestDurations: durationHistogram([10]).samples(),
    closes: new Map([['1006', 0]]),
  };
}

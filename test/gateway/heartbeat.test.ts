import { expect, test } from 'vitest';

import { startHeartbeat } from '../../server/gateway/heartbeat.ts';
import { heartbeatMs, pongTimeoutMs } from '../../shared/protocol/limits.ts';
import { manualClock } from '../support/manual-clock.ts';

function watched() {
  const clock = manualClock();
  const told: string[] = [];
  const begin = (name: string) =>
    startHeartbeat(clock, {
      ask: (n) => told.push(`${clock.nowMs() % 100_000} ${name} ${n}`),
      missed: () => told.push(`${clock.nowMs() % 100_000} ${name} missed`),
    });
  return { clock, told, begin };
}

test('[H5] connections that came within a moment are asked together, none later than a heartbeat allows', () => {
  const { clock, told, begin } = watched();
  const first = begin('a');
  clock.pass(60);
  const second = begin('b');
  clock.pass(heartbeatMs - pongTimeoutMs - 60);
  expect(told).toEqual(['10000 a 1', '10000 b 1']);
  first.answered();
  second.answered();
  clock.pass(pongTimeoutMs + heartbeatMs - pongTimeoutMs);
  expect(told.slice(2)).toEqual(['30000 a 2', '30000 b 2']);
});

test('[B6] a reader that turns out to be gone when it is asked is not waited for', () => {
  const clock = manualClock();
  const told: string[] = [];
  const beat: { stop: () => void } = startHeartbeat(clock, {
    ask: () => beat.stop(),
    missed: () => told.push('missed'),
  });
  clock.pass(3 * heartbeatMs);
  expect(told).toEqual([]);
});

test('[H5] who does not answer is told of once, and who is stopped never', () => {
  const { clock, told, begin } = watched();
  begin('a');
  const stopped = begin('b');
  clock.pass(heartbeatMs - pongTimeoutMs);
  stopped.stop();
  clock.pass(3 * heartbeatMs);
  expect(told).toEqual(['10000 a 1', '10000 b 1', '20000 a missed']);
});

/** Leaving without anybody noticing: not ready, ask every connection to move, save, close, in this order. */
import { delay, type Clock } from '../../shared/clock.ts';
import { closeCodes } from '../../shared/protocol/close-codes.ts';
import type { Connection } from '../gateway/connection.ts';
import type { SessionRegistry } from '../session/session-registry.ts';
import type { Lifecycle } from './lifecycle.ts';

export interface DrainParts {
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
  readonly registry: SessionRegistry;
  readonly connections: ReadonlySet<Connection>;
  readonly settings: DrainSettings;
}

export interface DrainSettings {
  /** How long the proxy needs to notice that this instance is not ready. It serves on meanwhile. */
  readonly noticeMs: number;
  /** Connections asked to move a second. */
  readonly movesPerS: number;
  /** How long connections have to move after the last was asked. */
  readonly graceMs: number;
}

/**
 * Gives out moments to move at the bounded rate. `sinceMs` is the time since the first was given out: who is asked later need not
 * wait for slots that have passed.
 */
export function moveSlots({
  movesPerS,
  graceMs,
}: DrainSettings): (leavingCount: number, sinceMs: number) => MoveSlot {
  let given = 0;
  return (leavingCount, sinceMs) => {
    // Clocks run in fractions of milliseconds, frames do not: a client ignores one that asks it to move in 0.7 ms.
    const slotMs = Math.max(0, Math.floor((given++ * 1000) / movesPerS - sinceMs));
    return { slotMs, deadlineMs: Math.ceil((leavingCount * 1000) / movesPerS) + graceMs };
  };
}

interface MoveSlot {
  readonly slotMs: number;
  readonly deadlineMs: number;
}

/** How often it is looked whether everybody has moved. */
const pollMs = 25;

/** Resolves when the last checkpoint is written and every connection is closed. [D1] [D3] */
export async function drain(parts: DrainParts): Promise<void> {
  const { lifecycle, clock, registry, connections, settings } = parts;
  lifecycle.enter('leaving');
  // Until the proxy has noticed it sends new connections and sessions here: refused, they would be errors.
  if (settings.noticeMs > 0) await delay(clock, settings.noticeMs);
  lifecycle.enter('draining');
  const nextSlot = moveSlots(settings);
  let endMs = clock.elapsedMs() + settings.graceMs;
  for (const connection of connections) {
    const { slotMs, deadlineMs } = nextSlot(connections.size, 0);
    connection.goAway(slotMs, deadlineMs);
    endMs = clock.elapsedMs() + deadlineMs;
  }
  while (connections.size > 0 && clock.elapsedMs() < endMs) await delay(clock, pollMs);
  registry.stop();
  await registry.retireAll(closeCodes.drained, 'the instance is shutting down');
  for (const connection of connections) connection.close(closeCodes.drained, 'shutting down');
  lifecycle.enter('stopped');
}

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
  /** How long the proxy needs to notice that this instance is not ready. */
  readonly noticeMs: number;
  /** Connections asked to move a second. */
  readonly movesPerS: number;
  /** How long connections have to move after the last was asked. */
  readonly graceMs: number;
}

/** How often it is looked whether everybody has moved. */
const pollMs = 25;

/** Resolves when the last checkpoint is written and every connection is closed. [D1] [D3] */
export async function drain(parts: DrainParts): Promise<void> {
  const { lifecycle, clock, registry, connections, settings } = parts;
  lifecycle.enter('draining');
  await delay(clock, settings.noticeMs);
  const deadlineMs = Math.ceil((connections.size * 1000) / settings.movesPerS) + settings.graceMs;
  [...connections].forEach((connection, index) => {
    connection.goAway(Math.floor((index * 1000) / settings.movesPerS), deadlineMs);
  });
  const endMs = clock.elapsedMs() + deadlineMs;
  while (connections.size > 0 && clock.elapsedMs() < endMs) await delay(clock, pollMs);
  registry.stop();
  await registry.retireAll(closeCodes.drained, 'the instance is shutting down');
  for (const connection of connections) connection.close(closeCodes.drained, 'shutting down');
  lifecycle.enter('stopped');
}

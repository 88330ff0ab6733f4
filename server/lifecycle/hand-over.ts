/** Handing connections to another instance while staying ready: what a deploy does after the proxy's routes lead elsewhere. */
import { readlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { delay, type Clock } from '../../shared/clock.ts';
import { closeCodes } from '../../shared/protocol/close-codes.ts';
import type { Connection } from '../gateway/connection.ts';
import type { SessionRegistry } from '../session/session-registry.ts';
import { moveSlots, type DrainSettings } from './drain.ts';

export interface HandOverParts {
  readonly clock: Clock;
  readonly registry: SessionRegistry;
  readonly connections: ReadonlySet<Connection>;
  readonly settings: DrainSettings;
  /** Whether who comes by this route now gets here. */
  readonly leadsHere: (route: string | undefined) => Promise<boolean>;
}

/** How often it is looked who has moved, and who has become able to. */
const pollMs = 25;

/**
 * Asks every connection whose route leads elsewhere to move, at the bounded rate, and closes at the deadline those that did not.
 * The instance stays ready: whoever is routed back here is served. Resolves when nobody is left to move. [D2] [D3]
 */
export async function handOver(parts: HandOverParts): Promise<void> {
  const { clock, connections, settings } = parts;
  const startMs = clock.elapsedMs();
  const nextSlot = moveSlots(settings);
  const endsMs = new Map<Connection, number>();
  for (;;) {
    const leaving = await leavingOf(parts);
    const sinceMs = clock.elapsedMs() - startMs;
    for (const connection of leaving) {
      const endMs = endsMs.get(connection);
      if (endMs === undefined) {
        const { slotMs, deadlineMs } = nextSlot(leaving.length, sinceMs);
        if (connection.goAway(slotMs, deadlineMs))
          endsMs.set(connection, clock.elapsedMs() + deadlineMs);
      } else if (clock.elapsedMs() >= endMs && connections.has(connection))
        connection.close(closeCodes.drained, 'this instance hands its connections over');
    }
    const left = [...endsMs.keys()].filter((connection) => !connections.has(connection));
    for (const connection of left) endsMs.delete(connection);
    await Promise.all(left.map(({ sessionId }) => letGo(parts, sessionId)));
    if (leaving.length === 0) return;
    await delay(clock, pollMs);
  }
}

/** A host kept for a session that went elsewhere would answer those who are routed back here from an old state, and be fenced. */
async function letGo({ registry }: HandOverParts, sessionId: string): Promise<void> {
  const host = registry.hosts.get(sessionId);
  if (host === undefined || host.readers.size > 0) return;
  // Not retired: whoever is routed back meanwhile is taken up again.
  await host.flush();
  if (host.readers.size === 0 && host.unsavedSinceMs === undefined)
    host.release(closeCodes.drained, 'the session was handed over');
}

async function leavingOf({ connections, leadsHere }: HandOverParts): Promise<Connection[]> {
  const routes = [...new Set([...connections].map(({ route }) => route))];
  const here = new Map(
    await Promise.all(routes.map(async (route) => [route, await leadsHere(route)] as const)),
  );
  return [...connections].filter(({ route }) => here.get(route) !== true);
}

/**
 * Routes are symbolic links beside this instance's own socket, which a deploy points elsewhere. Without a socket of its own, or for who
 * came by no route, there is nothing to look at: handing over then means everybody.
 */
export const routesBeside =
  (socketPath: string | undefined) =>
  async (route: string | undefined): Promise<boolean> => {
    if (socketPath === undefined || route === undefined || !/^v\d\d$/.test(route)) return false;
    const target = await readlink(join(dirname(socketPath), `${route}.sock`)).catch(() => '');
    return target === basename(socketPath);
  };

/** Hand-overs of an instance. A deploy compares the counts before and after it asked, and so knows when nobody is left. */
export interface HandOvers {
  /** Asked again while it is at it, it goes on: each look at the routes is a new one. */
  start(): void;
  /** How many have come to their end. */
  readonly count: () => number;
}

export function countedHandOvers(
  act: () => Promise<void>,
  failed: (error: unknown) => void,
): HandOvers {
  let isActing = false;
  let count = 0;
  return {
    start: () => {
      if (isActing) return;
      isActing = true;
      act()
        .then(() => {
          count++;
        }, failed)
        .finally(() => {
          isActing = false;
        });
    },
    count: () => count,
  };
}

/** Sessions that go on through every deploy: real clients that send numbered commands, and know what must come of them. */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { startRider, startedMs, type Rider } from '../support/rider.ts';
import { isSaved } from '../support/watching.ts';
import { sessionsNotIn } from './stored-commands.ts';

export interface RideAlong {
  readonly commandCount: () => number;
  /** Moves of each client since last asked. */
  takeMoves(): number[];
  /** Milliseconds of each time a client was without a connection. */
  readonly gapsMs: readonly number[];
  /** Most that began within 100 ms. */
  peak(): number;
  /**
   * Sends no more, waits until everything is saved, and compares what clients show and, given its address, what Postgres has.
   * Resolves to how many sessions are not as they must be.
   */
  finish(postgres?: string): Promise<number>;
  /** Sends no more and compares nothing: for when something else went wrong. */
  stop(): void;
}

/** Milliseconds in which everything that was given must be saved; what is not saved by then is lost. */
const savedMsMax = 5 * 60_000;

const tickMs = 50;

/** How many begin at once. */
const togetherCount = 20;

export async function startRideAlong(
  url: string,
  sessionCount: number,
  commandsPerS: number,
  client: Parameters<typeof startRider>[1] = {},
): Promise<RideAlong> {
  const riders: Rider[] = [];
  const gapsMs: number[] = [];
  let moves: number[] = [];
  /** By tenth of a second. */
  const begun = new Map<number, number>();
  const note = (): void => {
    const tenth = Math.floor(performance.now() / 100);
    begun.set(tenth, (begun.get(tenth) ?? 0) + 1);
  };
  const begin = async (index: number): Promise<void> => {
    const rider = await startRider(url, client);
    rider.give({ type: 'start', data: {} });
    await rider.when(isSaved);
    watch(rider, {
      moved: () => {
        note();
        moves[index] = (moves[index] ?? 0) + 1;
      },
      back: (gapMs) => {
        note();
        gapsMs.push(gapMs);
      },
    });
    riders.push(rider);
  };
  // Each waits for a checkpoint, which is written for many at once.
  for (let first = 0; first < sessionCount; first += togetherCount)
    await Promise.all(
      Array.from({ length: Math.min(togetherCount, sessionCount - first) }, (_, index) =>
        begin(first + index),
      ),
    );
  let given = riders.length;
  let turn = 0;
  const startMs = performance.now();
  const timer = setInterval(() => {
    const dueCount = ((performance.now() - startMs) / 1000) * commandsPerS;
    for (; turn < dueCount; turn++, given++)
      riders[turn % riders.length]?.give({ type: 'sample', data: { powerW: turn % 400 } });
  }, tickMs);
  const stop = (): void => {
    clearInterval(timer);
    for (const { session } of riders) session.close();
  };
  return {
    commandCount: () => given,
    gapsMs,
    takeMoves: () => {
      const taken = riders.map((_, index) => moves[index] ?? 0);
      moves = [];
      return taken;
    },
    peak: () => Math.max(0, ...begun.values()),
    finish: async (postgres) => {
      clearInterval(timer);
      const limit = new AbortController();
      const tooLate = delay(savedMsMax, undefined, { signal: limit.signal }).catch(() => undefined);
      const views = await Promise.all(
        riders.map((rider) => Promise.race([rider.when(isSaved), tooLate])),
      );
      limit.abort();
      const differing = new Set(
        riders.filter(
          (rider, index) =>
            !isDeepStrictEqual(asJson(views[index]?.state), asJson(rider.expected())),
        ),
      );
      if (postgres !== undefined)
        for (const rider of await ridersNotIn(postgres, riders)) differing.add(rider);
      stop();
      return differing.size;
    },
    stop,
  };
}

const ridersNotIn = (postgres: string, riders: readonly Rider[]): Promise<Rider[]> =>
  sessionsNotIn(postgres, riders, ({ session, givenCount }) => ({
    sessionId: session.sessionId,
    clientId: session.clientId,
    times: Array.from({ length: givenCount() }, (_, index) => startedMs + index * 1_000),
  }));

/** What is absent and what is undefined are the same once it has been on the wire. */
const asJson = (state: unknown): unknown => JSON.parse(JSON.stringify(state));

function watch(
  { session }: Rider,
  told: { readonly moved: () => void; readonly back: (gapMs: number) => void },
): void {
  let before = session.view().status;
  let lostMs = 0;
  session.subscribe(({ status }) => {
    if (status === before) return;
    if (status === 'moving') told.moved();
    const wasHere = before === 'connected' || before === 'moving';
    const isHere = status === 'connected' || status === 'moving';
    if (wasHere && !isHere) lostMs = performance.now();
    if (!wasHere && isHere) told.back(performance.now() - lostMs);
    before = status;
  });
}

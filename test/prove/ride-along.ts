/** Sessions that go on through every deploy: real clients that send numbered commands, and know what must come of them. */
import { isDeepStrictEqual } from 'node:util';

import { startRider, type Rider } from '../support/rider.ts';
import { isSaved } from '../support/watching.ts';

export interface RideAlong {
  readonly commandCount: () => number;
  /** Moves of each client since last asked. */
  takeMoves(): number[];
  /** Milliseconds of each time a client was without a connection. */
  readonly gapsMs: readonly number[];
  /** Sends no more, waits until everything is saved, and compares. Resolves to how many sessions are not as they must be. */
  finish(): Promise<number>;
}

const tickMs = 50;

/** How many begin at once. */
const togetherCount = 20;

export async function startRideAlong(
  url: string,
  sessionCount: number,
  commandsPerS: number,
): Promise<RideAlong> {
  const riders: Rider[] = [];
  const gapsMs: number[] = [];
  let moves: number[] = [];
  const begin = async (index: number): Promise<void> => {
    const rider = await startRider(url);
    rider.give({ type: 'start', data: {} });
    await rider.when(isSaved);
    watch(rider, {
      moved: () => {
        moves[index] = (moves[index] ?? 0) + 1;
      },
      back: (gapMs) => gapsMs.push(gapMs),
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
  return {
    commandCount: () => given,
    gapsMs,
    takeMoves: () => {
      const taken = riders.map((_, index) => moves[index] ?? 0);
      moves = [];
      return taken;
    },
    finish: async () => {
      clearInterval(timer);
      const views = await Promise.all(riders.map((rider) => rider.when(isSaved)));
      const differing = riders.filter(
        (rider, index) => !isDeepStrictEqual(asJson(views[index]?.state), asJson(rider.expected())),
      );
      for (const { session } of riders) session.close();
      return differing.length;
    },
  };
}

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

/** Time that jumps from event to event. Whatever happens at the same moment happens in an order that somebody else decides. */
import type { Clock } from '../../shared/clock.ts';

export interface VirtualClock extends Clock {
  /** Milliseconds with fractions: orders what happens within one millisecond of `nowMs`. */
  readonly timeMs: number;
  /** Calls back at that time, or now if it has passed; the result cancels. */
  at(timeMs: number, callback: () => void): () => void;
  /** Runs the next event and all that follows from it at once. Returns false when nothing is left to wait for. */
  runNext(): Promise<boolean>;
  /** Runs every event up to that time, or until told that it is over. */
  runUntil(timeMs: number, isOver?: () => boolean): Promise<void>;
}

interface Event {
  readonly atMs: number;
  readonly tie: number;
  readonly callback: () => void;
  isCancelled: boolean;
}

/** `drawTie` orders events of the same time: the lower one comes first. */
export function virtualClock(startMs: number, drawTie: () => number): VirtualClock {
  const heap: Event[] = [];
  let timeMs = startMs;

  const schedule = (atMs: number, callback: () => void): (() => void) => {
    const event = { atMs: Math.max(atMs, timeMs), tie: drawTie(), callback, isCancelled: false };
    push(heap, event);
    return () => {
      event.isCancelled = true;
    };
  };

  const clock: VirtualClock = {
    get timeMs() {
      return timeMs;
    },
    nowMs: () => Math.floor(timeMs),
    elapsedMs: () => timeMs,
    after: (delayMs, callback) => schedule(timeMs + delayMs, callback),
    at: schedule,
    runNext: async () => {
      dropCancelled(heap);
      const event = pop(heap);
      if (event === undefined) return false;
      timeMs = event.atMs;
      event.callback();
      await microtasksDone();
      return true;
    },
    runUntil: async (endMs, isOver = () => false) => {
      for (;;) {
        dropCancelled(heap);
        const [next] = heap;
        if (isOver() || next === undefined || next.atMs > endMs) break;
        await clock.runNext();
      }
      if (!isOver()) timeMs = Math.max(timeMs, endMs);
    },
  };
  return clock;
}

/**
 * Ticks come after all microtasks: by then every promise that could go on has gone on, however long the chain. A turn of the event
 * loop would say the same and cost a third of a simulated run.
 */
const microtasksDone = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

const isBefore = (a: Event, b: Event): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.tie < b.tie);

function dropCancelled(heap: Event[]): void {
  while (heap[0]?.isCancelled === true) pop(heap);
}

function push(heap: Event[], event: Event): void {
  let place = heap.length;
  heap.push(event);
  while (place > 0) {
    const above = (place - 1) >> 1;
    const parent = heap[above] as Event;
    if (!isBefore(event, parent)) break;
    heap[place] = parent;
    place = above;
  }
  heap[place] = event;
}

function pop(heap: Event[]): Event | undefined {
  const [first] = heap;
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let place = 0;
  for (;;) {
    let below = 2 * place + 1;
    const left = heap[below];
    const right = heap[below + 1];
    if (left === undefined) break;
    if (right !== undefined && isBefore(right, left)) below++;
    const child = heap[below] as Event;
    if (!isBefore(child, last)) break;
    heap[place] = child;
    place = below;
  }
  heap[place] = last;
  return first;
}

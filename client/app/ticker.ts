/** The beat the page runs on. It only says "look at the clock": nobody counts its beats, so a late one costs nothing. */

export interface Ticker {
  /** Calls back about four times a second. Returns a function that stops it. */
  onTick(listener: () => void): () => void;
}

/** Milliseconds between beats where there is no worker; as in `ticker-worker.js`. */
const periodMs = 250;

/** Beats in hidden tabs too, where the browser lets a worker run. */
export function startTicker(): Ticker {
  const listeners = new Set<() => void>();
  const tick = (): void => {
    for (const listener of listeners) listener();
  };
  beatInWorker(tick);
  return {
    onTick: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The page's own timer beats until the worker's does: should its file be out of reach, nothing has to notice. */
function beatInWorker(tick: () => void): void {
  const timer = setInterval(tick, periodMs);
  try {
    const worker = new Worker('ticker-worker.js');
    worker.addEventListener('message', () => clearInterval(timer), { once: true });
    worker.addEventListener('message', tick);
  } catch {
    // A browser without workers: the timer goes on.
  }
}

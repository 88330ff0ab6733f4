/** A beat that comes when a test says so. */
import type { Ticker } from '../../client/app/ticker.ts';

export interface ManualTicker extends Ticker {
  tick(): void;
}

export function manualTicker(): ManualTicker {
  const listeners = new Set<() => void>();
  return {
    onTick: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tick: () => {
      for (const listener of listeners) listener();
    },
  };
}

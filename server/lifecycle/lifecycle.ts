/** starting → ready → leaving (not ready any more, and serving on until the proxy has noticed) → draining → stopped. */

export type Phase = 'starting' | 'ready' | 'leaving' | 'draining' | 'stopped';

export interface Lifecycle {
  phase(): Phase;
  /** Moves on; a step back is our own mistake and throws. */
  enter(phase: Phase): void;
}

const order: readonly Phase[] = ['starting', 'ready', 'leaving', 'draining', 'stopped'];

export function createLifecycle(): Lifecycle {
  let current: Phase = 'starting';
  return {
    phase: () => current,
    enter: (phase) => {
      if (order.indexOf(phase) < order.indexOf(current))
        throw new Error(`An instance that is ${current} cannot become ${phase}.`);
      current = phase;
    },
  };
}

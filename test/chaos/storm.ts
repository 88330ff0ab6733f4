/** One storm: faults at their moments, each ended at its time, all ended at the end. */
import { delay, systemClock } from '../../shared/clock.ts';
import type { PlannedFault } from './fault-plan.ts';
import { begin, type Scene } from './faults.ts';
import type { History } from './history.ts';

/** Milliseconds between two looks whether the run is over. */
const lookMs = 50;

/** Faults by kind that were done to something. */
export type FaultCounts = Map<string, number>;

export class Storm {
  readonly #scene: Scene;
  readonly #history: History;
  readonly #counts: FaultCounts;
  readonly #active = new Map<string, () => Promise<void>>();
  /** What went wrong with the run's own hands. */
  #failure: { readonly error: unknown } | undefined;
  #number = 0;

  constructor(scene: Scene, history: History, counts: FaultCounts) {
    this.#scene = scene;
    this.#history = history;
    this.#counts = counts;
  }

  get activeCount(): number {
    return this.#active.size;
  }

  /** Throws when the run itself could not do or undo a fault. */
  async rage(plan: readonly PlannedFault[], isOver: () => boolean): Promise<void> {
    for (const planned of plan) {
      const dueMs = systemClock.nowMs() + planned.afterMs;
      while (systemClock.nowMs() < dueMs && !isOver())
        await delay(systemClock, Math.min(lookMs, Math.max(0, dueMs - systemClock.nowMs())));
      if (isOver() || this.#failure !== undefined) break;
      this.#begin(planned);
    }
    await this.#calm();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #begin(planned: PlannedFault): void {
    const begun = begin(this.#scene, planned);
    if (begun === undefined) return;
    const { kind, durationMs } = planned;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    const { what, heal } = begun;
    const title = `${kind}: ${what}`;
    if (heal === undefined) {
      this.#history.add(title);
      return;
    }
    const key = `${++this.#number} ${title}`;
    this.#history.add(`${key} begins, for ${durationMs} ms`);
    this.#active.set(key, () => this.#end(key, heal));
    systemClock.after(durationMs, () => void this.#active.get(key)?.());
  }

  /** Once, whoever asks first; stays active until it is done. */
  #end(key: string, heal: () => void | Promise<void>): Promise<void> {
    const ending = this.#heal(key, heal);
    this.#active.set(key, () => ending);
    return ending;
  }

  async #heal(key: string, heal: () => void | Promise<void>): Promise<void> {
    try {
      await heal();
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#history.add(`${key} is over`);
    this.#active.delete(key);
  }

  async #calm(): Promise<void> {
    await Promise.all([...this.#active.values()].map((end) => end()));
    this.#history.add('calm');
  }
}

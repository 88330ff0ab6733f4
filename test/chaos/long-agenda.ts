/** What of a long plan is due, as the run comes to it: late sometimes, and never left out. */
import type { LongOutage, LongPlan } from './long-plan.ts';

export class LongAgenda {
  readonly #absence: LongPlan['absence'] | undefined;
  #outages: readonly LongOutage[];
  #device: 'present' | 'away' | 'back';

  /** Without a plan there is nothing to do. */
  constructor(plan: LongPlan | undefined) {
    this.#absence = plan?.absence;
    this.#outages = plan?.outages ?? [];
    this.#device = plan === undefined ? 'back' : 'present';
  }

  /** Whether each store was away, and the device was and is back. */
  get isDone(): boolean {
    return this.#outages.length === 0 && this.#device === 'back';
  }

  /** The outage the next storm is to be, once. */
  takeOutage(elapsedMs: number): LongOutage | undefined {
    const [due] = this.#outages;
    if (due === undefined || due.fromMs > elapsedMs) return undefined;
    this.#outages = this.#outages.slice(1);
    return due;
  }

  /** Which device is to go away now, or to come back; taken modulo their number. Nothing happens twice. */
  takeAbsence(
    elapsedMs: number,
  ): { readonly device: number; readonly isAway: boolean } | undefined {
    if (this.#absence === undefined || this.#device === 'back') return undefined;
    const { device, fromMs, untilMs } = this.#absence;
    const isAway = this.#device === 'present';
    if (elapsedMs < (isAway ? fromMs : untilMs)) return undefined;
    this.#device = isAway ? 'away' : 'back';
    return { device, isAway };
  }
}

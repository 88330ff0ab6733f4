/** Kills the server again and again while it is being used. */
import { delay, systemClock } from '../../shared/clock.ts';
import type { KillMoment } from './kill-plan.ts';

export class Chaos {
  readonly #moments: readonly KillMoment[];
  readonly #killServer: () => Promise<boolean>;
  #strikeCount = 0;
  #killCount = 0;
  #isServing = true;

  /** `killServer` resolves when the next server serves, with false when there was none to kill. */
  constructor(moments: readonly KillMoment[], killServer: () => Promise<boolean>) {
    this.#moments = moments;
    this.#killServer = killServer;
  }

  /** Servers killed and replaced so far. */
  get killCount(): number {
    return this.#killCount;
  }

  /** Whether the last server killed has been replaced. */
  get isServing(): boolean {
    return this.#isServing;
  }

  /** Whether the next kill belongs after that row. */
  isDueAfter(row: number): boolean {
    return this.#moments[this.#strikeCount]?.row === row;
  }

  /** Kills; the next server starts while the ride goes on. */
  async strike(): Promise<void> {
    const { lagMs = 0 } = this.#moments[this.#strikeCount] ?? {};
    await delay(systemClock, lagMs);
    this.#strikeCount += 1;
    this.#isServing = false;
    void this.#replace();
  }

  async #replace(): Promise<void> {
    if (await this.#killServer()) this.#killCount += 1;
    this.#isServing = true;
  }
}

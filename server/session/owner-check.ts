/** Whether this owner still is one: who only listens would never learn that the session went on elsewhere. [O2] */
import type { Clock } from '../../shared/clock.ts';
import type { AppendResult } from '../store/journal.ts';
import type { SessionLog } from './session-log.ts';

export class OwnerCheck {
  readonly #clock: Clock;
  #confirmedMs: number;
  #isDue = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#confirmedMs = clock.elapsedMs();
  }

  /** When a store last took this owner for one, or was asked. */
  get confirmedMs(): number {
    return this.#confirmedMs;
  }

  get isDue(): boolean {
    return this.#isDue;
  }

  /** Is to be asked at the next opportunity. */
  request(): void {
    this.#isDue = true;
    this.confirmed();
  }

  confirmed(): void {
    this.#confirmedMs = this.#clock.elapsedMs();
  }

  /** Asks if it is due. Returns what speaks against this owner, if anything does. */
  async perform(
    log: SessionLog,
    head: number,
    savedHead: number | undefined,
  ): Promise<Exclude<AppendResult, 'appended'> | undefined> {
    if (!this.#isDue) return undefined;
    this.#isDue = false;
    const result = await log.confirm(head, savedHead);
    return result === 'appended' || result === 'unavailable' ? undefined : result;
  }
}

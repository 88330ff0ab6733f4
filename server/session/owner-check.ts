/** Whether this owner still is one: who only listens would never learn that the session went on elsewhere. [O2] */
import type { Clock } from '../../shared/clock.ts';
import type { AppendResult } from '../store/journal.ts';
import type { OwnedPlace, SessionLog } from './session-log.ts';

export class OwnerCheck {
  readonly #log: SessionLog;
  readonly #clock: Clock;
  #confirmedMs: number;
  #isDue = false;

  constructor(log: SessionLog, clock: Clock) {
    this.#log = log;
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

  /** What speaks against this owner, or `appended` when nothing does. */
  ask(place: OwnedPlace, isWanted: () => boolean): Promise<AppendResult | 'unavailable'> {
    this.#isDue = false;
    this.confirmed();
    return this.#log.confirm(place, isWanted);
  }
}

/** Whether this owner still is one: who only listens would never learn that the session went on elsewhere. [O2] */
import type { Clock } from '../../shared/clock.ts';
import { StoreUnavailableError, type AppendResult } from '../store/journal.ts';
import { FencedError } from './claim-session.ts';
import type { SessionLog } from './session-log.ts';
import type { SessionSaver } from './session-saver.ts';

export interface OwnershipParts {
  readonly log: SessionLog;
  readonly saver: SessionSaver;
  readonly clock: Clock;
  /** Makes Postgres hear of this owner, if it can be asked: it was away when the session was opened. */
  readonly claim: () => Promise<void>;
  /** A store does not take this owner for one. */
  readonly lost: (result: Exclude<AppendResult, 'appended'>) => Promise<void>;
}

export class Ownership {
  readonly #parts: OwnershipParts;
  #confirmedMs: number;
  #isDue = false;

  constructor(parts: OwnershipParts) {
    this.#parts = parts;
    this.#confirmedMs = parts.clock.elapsedMs();
  }

  /** When the log was last written to, or was to be looked at. */
  get confirmedMs(): number {
    return this.#confirmedMs;
  }

  /** Whether the log is to be asked, when nothing else is under way there. */
  get isDue(): boolean {
    return this.#isDue;
  }

  confirmed(): void {
    this.#confirmedMs = this.#parts.clock.elapsedMs();
  }

  /** Asks Postgres, and the log at its next opportunity. Commands wait for none of it but the log's answer. */
  async request(): Promise<void> {
    this.#isDue = true;
    this.confirmed();
    // As the log Postgres is asked in its turn.
    const result = this.#parts.log.isInRedis ? await this.#askPostgres() : 'appended';
    if (result !== 'appended' && result !== 'unavailable') await this.#parts.lost(result);
  }

  /** Asks the log once, when that is due, which is the caller's to look at: where it does not answer now, the next command will tell. */
  async check(head: number): Promise<void> {
    this.#isDue = false;
    const result = await this.#parts.log.confirm(head, () => false);
    if (result !== 'appended' && result !== 'unavailable') await this.#parts.lost(result);
  }

  /**
   * For a client that saw a later epoch: whoever began that one may have reached Postgres alone, and then Redis knows nothing of it.
   * Rejects with FencedError when this is no owner any more, and with StoreUnavailableError when Postgres does not say.
   */
  async prove(): Promise<void> {
    const result = await this.#askPostgres();
    if (result === 'appended') return;
    if (result === 'unavailable')
      throw new StoreUnavailableError('Postgres', 'it does not say who owns the session');
    await this.#parts.lost(result);
    throw new FencedError('A later epoch has begun.');
  }

  /** For what clients were told to be saved: restored from a backup it may have forgotten that, or it knows a next owner. */
  async #askPostgres(): Promise<AppendResult | 'unavailable'> {
    const { log, saver, claim } = this.#parts;
    if (saver.confirmableOffset === undefined) await claim();
    const head = saver.confirmableOffset;
    return head === undefined ? 'unavailable' : log.confirmSaved(head);
  }
}

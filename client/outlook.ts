/** What the app sees of a session: made when it is looked at, and kept until something changes. */
import type { Entry } from '../shared/protocol/frames.ts';
import type { AnyModel } from '../shared/session/session-model.ts';
import { foresee, type Forecast } from './forecast.ts';
import { lastSeq, type Outbox } from './outbox.ts';
import type { Replica } from './replica.ts';
import type { ClientView } from './status.ts';

/** What a view is made of besides the forecast. */
export interface Facts extends Omit<ClientView, 'state' | 'unsaved' | 'unaccepted' | 'unkept'> {
  readonly replica: Replica;
  readonly outbox: Outbox;
  /** Highest seq in the device's storage. */
  readonly keptSeq: number;
}

export interface OutlookParts {
  readonly model: AnyModel;
  readonly clientId: string;
  readonly facts: () => Facts;
  readonly warn: (problem: unknown) => void;
}

export class Outlook {
  readonly #parts: OutlookParts;
  readonly #listeners = new Set<(view: ClientView) => void>();
  /** Made anew when the session turned out differently. */
  #forecast: Forecast | undefined;
  #view: ClientView | undefined;

  constructor(parts: OutlookParts) {
    this.#parts = parts;
  }

  get forecast(): Forecast {
    const { model, clientId, facts } = this.#parts;
    return (this.#forecast ??= foresee(model, clientId, facts()));
  }

  get view(): ClientView {
    if (this.#view !== undefined) return this.#view;
    const { state } = this.forecast;
    const { outbox, keptSeq, receipt, isFinal, status, stopReason } = this.#parts.facts();
    const last = lastSeq(outbox);
    const unsaved = last - outbox.checkpointed;
    const unaccepted = last - outbox.accepted;
    const unkept = Math.min(last - keptSeq, unaccepted);
    this.#view = { state, unsaved, unaccepted, unkept, receipt, isFinal, status, stopReason };
    return this.#view;
  }

  /** Calls back after every change, and once now. Returns a function that stops it. */
  subscribe(listener: (view: ClientView) => void): () => void {
    this.#listeners.add(listener);
    listener(this.view);
    return () => this.#listeners.delete(listener);
  }

  /** These entries came: was it foreseen? */
  compare(entries: readonly Entry[]): void {
    if (this.#forecast?.agreesWith(entries) === false) this.#forecast = undefined;
  }

  /** Everything may be different. */
  forget(): void {
    this.#forecast = undefined;
  }

  /** Tells everybody; one that throws keeps nobody from hearing. */
  changed(): void {
    this.#view = undefined;
    if (this.#listeners.size === 0) return;
    const { view } = this;
    for (const listener of this.#listeners) {
      try {
        listener(view);
      } catch (error) {
        this.#parts.warn(error);
      }
    }
  }
}

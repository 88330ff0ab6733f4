/**
 * What a ride must come to, reckoned by hand: which events a command causes, and what events add up to. It is the second opinion
 * on the workout's rules and shares no code with them.
 */
import type { Issued } from './command-source.ts';

export type RideEvent = readonly [type: string, data: Readonly<Record<string, unknown>>];

/** What a command must come to: its events, or the code of its refusal. */
export type Outcome = { readonly events: readonly RideEvent[] } | { readonly refused: string };

/** Totals that the state must show. */
export interface Totals {
  readonly phase: string;
  readonly lastMs: number;
  readonly intensity: number;
  readonly lapsAtMs: readonly number[];
  readonly pauses: readonly string[];
  readonly recordedS: number;
  readonly energyJ: number;
}

/** A ride's clock stands still after so many milliseconds without an event: the rider was away, which counts as a pause. */
const silenceMsMax = 10_000;
const pauseCountMax = 200;

interface Second {
  readonly number: number;
  readonly powersW: number[];
}

export class Ledger {
  #phase: 'ready' | 'riding' | 'paused' = 'ready';
  #lastMs = 0;
  #sinceMs = 0;
  #riddenMs = 0;
  #intensity = 1;
  readonly #lapsAtMs: number[] = [];
  readonly #pauses: string[] = [];
  #second: Second | undefined;
  #recordedS = 0;
  #energyJ = 0;

  totals(): Totals {
    return {
      phase: this.#phase,
      lastMs: this.#lastMs,
      intensity: this.#intensity,
      lapsAtMs: this.#lapsAtMs,
      pauses: this.#pauses,
      recordedS: this.#recordedS,
      energyJ: this.#energyJ,
    };
  }

  /** What the command comes to if it is decided now. */
  due(command: Issued): Outcome {
    const refused = this.#refusal(command.type);
    if (refused !== undefined) return { refused };
    const atMs = Math.max(command.atMs, this.#lastMs);
    const fromMs = this.#lastMs + silenceMsMax;
    // Leaves room for a pause the rider asks for.
    const isAway =
      this.#phase === 'riding' && atMs > fromMs && this.#pauses.length < pauseCountMax - 1;
    const away: readonly RideEvent[] = isAway
      ? [
          ['paused', { atMs: fromMs, reason: 'away' }],
          ['resumed', { atMs }],
        ]
      : [];
    const riddenMs = this.#riddenMsAt(isAway ? fromMs : atMs);
    return { events: [...away, eventOf(command, atMs, Math.floor(riddenMs / 1000))] };
  }

  /** Takes the next event of the log, whatever was due. */
  take([type, data]: RideEvent): void {
    const atMs = Math.max(Number(data['atMs']), this.#lastMs);
    switch (type) {
      case 'started':
        this.#phase = 'riding';
        this.#sinceMs = atMs;
        break;
      case 'paused':
        this.#riddenMs = this.#riddenMsAt(atMs);
        this.#phase = 'paused';
        this.#pauses.push(String(data['reason']));
        break;
      case 'resumed':
        this.#phase = 'riding';
        this.#sinceMs = atMs;
        break;
      case 'lapped':
        this.#lapsAtMs.push(atMs);
        break;
      case 'adjusted':
        this.#intensity = Number(data['intensity']);
        break;
      case 'sampled':
        this.#sample(Number(data['second']), Number(data['powerW']));
        break;
    }
    this.#lastMs = atMs;
  }

  #riddenMsAt(atMs: number): number {
    if (this.#phase !== 'riding') return this.#riddenMs;
    return this.#riddenMs + Math.min(atMs, this.#lastMs + silenceMsMax) - this.#sinceMs;
  }

  #refusal(type: Issued['type']): string | undefined {
    if (this.#phase === 'ready')
      return type === 'start' || type === 'adjust' ? undefined : 'not-started';
    if (type === 'start') return 'already-started';
    if (this.#phase === 'riding') return type === 'resume' ? 'not-paused' : undefined;
    return ['sample', 'pause', 'lap'].includes(type) ? 'paused' : undefined;
  }

  /** A second is counted when a later one with a sample begins; one that is counted already gets nothing more. */
  #sample(second: number, powerW: number): void {
    if (this.#second !== undefined && second > this.#second.number) {
      const { powersW } = this.#second;
      const sumW = powersW.reduce((sum, power) => sum + power, 0);
      this.#recordedS += 1;
      this.#energyJ += Math.round(sumW / powersW.length);
      this.#second = undefined;
    }
    this.#second ??= { number: second, powersW: [] };
    this.#second.powersW.push(powerW);
  }
}

/** The event of a command that is not refused. */
export function eventOf({ type, data }: Issued, atMs: number, second: number): RideEvent {
  switch (type) {
    case 'start':
      return ['started', { atMs }];
    case 'pause':
      return ['paused', { ...data, atMs }];
    case 'resume':
      return ['resumed', { atMs }];
    case 'lap':
      return ['lapped', { atMs }];
    case 'adjust':
      return ['adjusted', { ...data, atMs }];
    case 'sample':
      return ['sampled', { ...data, atMs, second }];
    case 'skip':
    case 'set-brake':
    case 'take-control':
    case 'finish':
      throw new Error(`Nobody gives the command ${type} here.`);
  }
}

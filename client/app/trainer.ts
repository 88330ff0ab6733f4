/** The port to a trainer: what the page needs of one, simulated or over Bluetooth. */

/** What the trainer is to brake against. */
export type TrainerTarget =
  /** Hold this power, whatever the cadence. `cadenceRpm` is what the plan asks of the rider. */
  | { readonly kind: 'power'; readonly powerW: number; readonly cadenceRpm?: number | undefined }
  /** No target: the rider chooses. */
  | { readonly kind: 'free' }
  /** The ride stands: nothing to brake. */
  | { readonly kind: 'rest' };

/** One reading; null where a sensor says nothing. */
export interface TrainerSample {
  /** By the page's clock, ms since the Unix epoch. */
  readonly atMs: number;
  readonly powerW: number | null;
  readonly cadenceRpm: number | null;
  readonly heartRateBpm: number | null;
}

export interface Trainer {
  /** For people: `Simulated trainer`. */
  readonly name: string;
  /** The latest target wins; the same one again is harmless. */
  setTarget(target: TrainerTarget): void;
  /** Calls back about once a second. Returns a function that stops it. */
  onSample(listener: (sample: TrainerSample) => void): () => void;
  close(): void;
}

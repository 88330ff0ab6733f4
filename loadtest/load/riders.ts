/** What riders are told, and what they tell. */
import type { RecordableHistogram } from 'node:perf_hooks';

import type { SubjectName } from './subjects.ts';

export interface ConnectRiders {
  readonly kind: 'connect';
  readonly subject: SubjectName;
  readonly port: number;
  readonly count: number;
}

export interface Ride {
  readonly kind: 'ride';
  readonly seconds: number;
  /**
   * `inFlight`: each rider keeps so many events under way. `hz`: each rider's events come at their moments, whatever became of the
   * ones before, and a delay counts from the moment an event was due.
   */
  readonly load: { readonly inFlight: number } | { readonly hz: number };
}

/** All connections break in one moment, or some do, by somebody else's doing, within a second of being asked. */
export interface Break {
  readonly kind: 'break';
  readonly isOwn: boolean;
}

/** Milliseconds from the break until somebody was served again, for each who lost the connection. */
export interface Recovery {
  readonly backMs: readonly number[];
  /** Dials there were. */
  readonly dialCount: number;
  readonly missing: number;
}

export type GeneratorQuestion = ConnectRiders | Ride | Break | { readonly kind: 'usage' };

/** Milliseconds. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface RideResult {
  /** Events that were answered. */
  readonly events: number;
  /** From the moment an event was due to its answer. */
  readonly latencies: Latencies;
  /** From the moment an event was due until it was sent: what the generator itself is late. */
  readonly lateness: Latencies;
  /** Sent and never answered, at the end. */
  readonly missing: number;
}

export interface Fleet {
  connect(more: ConnectRiders): Promise<void>;
  ride(ride: Ride): Promise<RideResult>;
  /** Of the real client only. */
  recover?(broken: Break): Promise<Recovery>;
}

/** The histogram counts microseconds. */
export function latenciesOf(histogram: RecordableHistogram): Latencies {
  const at = (percentile: number): number => histogram.percentile(percentile) / 1_000;
  return {
    count: histogram.count,
    p50: at(50),
    p90: at(90),
    p99: at(99),
    max: histogram.max / 1_000,
  };
}

export const record = (histogram: RecordableHistogram, ms: number): void =>
  histogram.record(Math.max(1, Math.round(ms * 1_000)));

/** How long things took: all together, and second by second. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Milliseconds. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Of what was answered in that second. */
export interface Moment {
  readonly second: number;
  readonly p50: number;
  readonly p99: number;
}

export interface Latency {
  record(ms: number): void;
  all(): Latencies;
  overTime(): Moment[];
}

/** `isOverTime`: keeps a histogram a second. `settleS`: what is recorded in the first of them is counted, and no more. */
export function watchLatency({ isOverTime = false, settleS = 0 } = {}): Latency {
  const all = createHistogram();
  let count = 0;
  const startMs = performance.now();
  const seconds: { readonly second: number; readonly histogram: RecordableHistogram }[] = [];
  return {
    record: (ms) => {
      count++;
      const elapsedS = (performance.now() - startMs) / 1_000;
      if (elapsedS < settleS) return;
      const value = Math.max(1, Math.round(ms * 1_000));
      all.record(value);
      if (!isOverTime) return;
      const second = Math.floor(elapsedS);
      if (seconds.at(-1)?.second !== second) seconds.push({ second, histogram: createHistogram() });
      seconds.at(-1)?.histogram.record(value);
    },
    all: () => ({ ...latenciesOf(all), count }),
    overTime: () =>
      seconds.map(({ second, histogram }) => {
        const { p50, p99 } = latenciesOf(histogram);
        return { second, p50, p99 };
      }),
  };
}

/** The histogram counts microseconds. */
function latenciesOf(histogram: RecordableHistogram): Latencies {
  const { count } = histogram;
  const at = (percentile: number): number => histogram.percentile(percentile) / 1_000;
  return {
    count,
    p50: at(50),
    p90: at(90),
    p99: at(99),
    max: count === 0 ? 0 : histogram.max / 1_000,
  };
}

/** Of several generators. Percentiles cannot be added up: the middle is their mean, the tail the worst one's. */
export function together(parts: readonly Latencies[]): Latencies {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const worst = (name: 'p90' | 'p99' | 'max'): number =>
    Math.max(...parts.map((part) => part[name]));
  const p50 = parts.reduce((sum, part) => sum + part.p50 * part.count, 0) / Math.max(1, count);
  return { count, p50, p90: worst('p90'), p99: worst('p99'), max: worst('max') };
}

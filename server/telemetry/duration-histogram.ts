/** How long things took, in buckets: two additions for each, and nothing kept of any one. */
import type { Sample } from './prometheus-text.ts';

export interface DurationHistogram {
  readonly observe: (durationMs: number) => void;
  /** Seconds, as Prometheus has them. */
  readonly samples: () => readonly Sample[];
}

export function durationHistogram(boundsMs: readonly number[]): DurationHistogram {
  const counts = [...boundsMs, Infinity].map(() => 0);
  let sumMs = 0;
  return {
    observe: (durationMs) => {
      const at = boundsMs.findIndex((boundMs) => durationMs <= boundMs);
      const index = at === -1 ? boundsMs.length : at;
      counts[index] = (counts[index] ?? 0) + 1;
      sumMs += durationMs;
    },
    samples: () => {
      let count = 0;
      const buckets = [...boundsMs, Infinity].map((boundMs, index) => {
        count += counts[index] ?? 0;
        const le = boundMs === Infinity ? '+Inf' : String(boundMs / 1_000);
        return { suffix: '_bucket' as const, labels: { le }, value: count };
      });
      return [
        ...buckets,
        { suffix: '_sum', value: sumMs / 1_000 },
        { suffix: '_count', value: count },
      ];
    },
  };
}

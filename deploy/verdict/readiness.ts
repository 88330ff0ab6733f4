/** When an instance may get traffic: ready, of the right release, without a break for the minimum healthy time. Pure. */

export interface Sight {
  /** Process id and restarts, as the driver says; undefined when it is not running. */
  readonly life: string | undefined;
  /** What `/readyz` answered: status of the answer, and its body's. */
  readonly ready:
    | { readonly code: number; readonly status: string; readonly phase: string }
    | undefined;
  readonly release: string | undefined;
}

export interface ReadinessLimits {
  readonly release: string;
  /** How long it must be ready without a break. */
  readonly healthyMs: number;
  /** From the first look; the healthy time counts as well. */
  readonly deadlineMs: number;
}

export interface Watch {
  readonly startMs: number;
  readonly life: string | undefined;
  /** Since when it has been ready without a break. */
  readonly readySinceMs: number | undefined;
}

export type Readiness =
  | { readonly kind: 'waiting'; readonly watch: Watch; readonly why: string }
  | { readonly kind: 'ready'; readonly afterMs: number }
  /** `died`: its process ended; else it may yet get ready. */
  | { readonly kind: 'failed' | 'died'; readonly why: string };

export const firstWatch = (nowMs: number): Watch => ({
  startMs: nowMs,
  life: undefined,
  readySinceMs: undefined,
});

/** One look. A process that ended or was restarted fails at once: it would do so again under the riders. */
export function look(
  watch: Watch,
  sight: Sight,
  nowMs: number,
  limits: ReadinessLimits,
): Readiness {
  const afterMs = nowMs - watch.startMs;
  if (sight.life === undefined) return { kind: 'died', why: 'its process ended' };
  if (watch.life !== undefined && watch.life !== sight.life)
    return { kind: 'died', why: 'its process ended and was started again' };
  if (sight.release !== undefined && sight.release !== limits.release)
    return { kind: 'failed', why: `it says that it is release ${sight.release}` };
  const why = whyNot(sight);
  if (why !== undefined) {
    if (afterMs >= limits.deadlineMs)
      return { kind: 'failed', why: `${why} after ${limits.deadlineMs / 1000} s` };
    return {
      kind: 'waiting',
      watch: { ...watch, life: sight.life, readySinceMs: undefined },
      why,
    };
  }
  const readySinceMs = watch.readySinceMs ?? nowMs;
  if (nowMs - readySinceMs >= limits.healthyMs) return { kind: 'ready', afterMs };
  if (afterMs >= limits.deadlineMs + limits.healthyMs)
    return { kind: 'failed', why: `it was not ready for ${limits.healthyMs / 1000} s on end` };
  return {
    kind: 'waiting',
    watch: { ...watch, life: sight.life, readySinceMs },
    why: 'it is ready, and must stay so',
  };
}

function whyNot({ ready, release }: Sight): string | undefined {
  if (ready === undefined || release === undefined) return 'it does not answer';
  if (ready.code !== 200) return `it is not ready (${ready.phase})`;
  if (ready.status !== 'ready') return `a store does not answer it (${ready.status})`;
  return undefined;
}

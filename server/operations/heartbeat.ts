/** Every few seconds an instance notes how it is, where every other instance and a migration can read it. */
import type { Clock } from '../../shared/clock.ts';
import type { StoredReport } from '../store/instances.ts';
import { StoreUnavailableError } from '../store/journal.ts';

/** A migration that takes something away asks who was heard of within two minutes: many beats may get lost. */
const beatMs = 10_000;

export interface HeartbeatParts {
  readonly clock: Clock;
  /** Reads what there is to say; called once for each beat. */
  readonly report: () => StoredReport;
  readonly note: (report: StoredReport) => Promise<void>;
  readonly reportError: (error: unknown) => void;
}

export interface Heartbeat {
  /** Says it now, and then again and again. */
  readonly start: () => void;
  /** Says it once more: something changed that others want to see at once. */
  readonly beat: () => Promise<void>;
  /** Resolves when nothing is under way any more; nothing is said afterwards. */
  readonly stop: () => Promise<void>;
}

export function createHeartbeat({ clock, report, note, reportError }: HeartbeatParts): Heartbeat {
  let cancel: (() => void) | undefined;
  let beating: Promise<void> | undefined;
  let isOver = false;
  const beat = async (): Promise<void> => {
    if (isOver) return;
    // One at a time: a slow database gets no line of them.
    beating ??= note(report())
      .catch((error: unknown) => {
        // While Postgres is away the circuit says so.
        if (!(error instanceof StoreUnavailableError)) reportError(error);
      })
      .finally(() => {
        beating = undefined;
      });
    await beating;
  };
  const start = (): void => {
    if (isOver) return;
    void beat();
    cancel = clock.after(beatMs, start);
  };
  return {
    start,
    beat,
    stop: async () => {
      isOver = true;
      cancel?.();
      await beating;
    },
  };
}

/** The server asks for signs of life, the client answers from its message handler: timers of hidden tabs sleep, messages do not. [H5] */
import type { Clock } from '../../shared/clock.ts';
import { heartbeatMs, pongTimeoutMs } from '../../shared/protocol/limits.ts';

export interface HeartbeatEvents {
  /** Ping number `n`. */
  readonly ask: (n: number) => void;
  /** No answer came in time. Nothing is asked any more. */
  readonly missed: () => void;
}

export interface Heartbeat {
  answered(): void;
  stop(): void;
}

/** Milliseconds of the grid on which questions are put: those that are due together share a turn, in which code and data are at hand. */
const gridMs = 100;

export function startHeartbeat(clock: Clock, { ask, missed }: HeartbeatEvents): Heartbeat {
  let askedCount = 0;
  let isAnswerDue = false;
  let isStopped = false;
  let cancel: () => void;
  const wait = (): void => {
    const dueMs = clock.elapsedMs() + heartbeatMs - pongTimeoutMs;
    cancel = clock.after(dueMs - (dueMs % gridMs) - clock.elapsedMs(), () => {
      isAnswerDue = true;
      ask(++askedCount);
      // Whoever is asked may turn out to be too slow a reader, and gone.
      if (isStopped) return;
      cancel = clock.after(pongTimeoutMs, () => {
        if (isAnswerDue) missed();
        else wait();
      });
    });
  };
  wait();
  return {
    answered: () => {
      isAnswerDue = false;
    },
    stop: () => {
      isStopped = true;
      cancel();
    },
  };
}

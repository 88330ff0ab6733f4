/** Spares everybody the wait for a store that does not answer: after a failure, calls fail at once for a moment. */
import type { Clock } from '../../shared/clock.ts';
import { StoreUnavailableError, type Journal } from './journal.ts';

/** Milliseconds between two tries of a store that is away. */
export const restMs = 500;

/** How a store has been, for whoever wants to know. */
export interface CircuitWatch {
  failures: number;
  /** By the clock's elapsed time: until then the store, or a part of it, is not asked again. */
  openUntilMs: number;
}

export const calmCircuit = (): CircuitWatch => ({ failures: 0, openUntilMs: 0 });

export interface CircuitOptions {
  readonly partOf?: (sessionId: string) => string;
  readonly watch?: CircuitWatch;
}

/**
 * The same journal; what fails with StoreUnavailableError is not asked again for a moment, so that nobody waits for a time-out in
 * line. `partOf` names the part of the store that has a session: while one part is away, sessions in others do not notice.
 */
export function withCircuit(
  journal: Journal,
  store: 'Redis' | 'Postgres',
  clock: Clock,
  { partOf = () => 'all', watch = calmCircuit() }: CircuitOptions = {},
): Journal {
  const openUntilMs = new Map<string, number>();
  function asked<Result>(sessionId: string, ask: () => Promise<Result>): Promise<Result> {
    const part = partOf(sessionId);
    if (clock.elapsedMs() < (openUntilMs.get(part) ?? 0))
      return Promise.reject(new StoreUnavailableError(store, 'it did not answer a moment ago'));
    return ask().catch((error: unknown) => {
      if (error instanceof StoreUnavailableError && !error.isAboutSession) {
        watch.failures++;
        watch.openUntilMs = clock.elapsedMs() + restMs;
        openUntilMs.set(part, watch.openUntilMs);
      }
      throw error;
    });
  }
  return {
    takeOver: (claim) => asked(claim.sessionId, () => journal.takeOver(claim)),
    append: (batch) => asked(batch.sessionId, () => journal.append(batch)),
    confirm: (place) => asked(place.sessionId, () => journal.confirm(place)),
    startEpoch: (start) => asked(start.sessionId, () => journal.startEpoch(start)),
    archive: (archiving) => asked(archiving.sessionId, () => journal.archive(archiving)),
    trim: (trim) => asked(trim.sessionId, () => journal.trim(trim)),
    peek: (sessionId) => asked(sessionId, () => journal.peek(sessionId)),
  };
}

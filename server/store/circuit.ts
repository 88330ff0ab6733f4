/** Spares everybody the wait for a store that does not answer: after a failure, calls fail at once for a moment. */
import type { Clock } from '../../shared/clock.ts';
import { StoreUnavailableError, type Journal } from './journal.ts';

/** Milliseconds between two tries of a store that is away. */
const restMs = 500;

/** The same journal; what fails with StoreUnavailableError is not asked again for a moment, so that nobody waits for a time-out in line. */
export function withCircuit(journal: Journal, store: 'Redis' | 'Postgres', clock: Clock): Journal {
  let openUntilMs = 0;
  async function asked<Result>(ask: () => Promise<Result>): Promise<Result> {
    if (clock.nowMs() < openUntilMs)
      throw new StoreUnavailableError(store, 'it did not answer a moment ago');
    try {
      return await ask();
    } catch (error) {
      if (error instanceof StoreUnavailableError) openUntilMs = clock.nowMs() + restMs;
      throw error;
    }
  }
  return {
    takeOver: (claim) => asked(() => journal.takeOver(claim)),
    append: (batch) => asked(() => journal.append(batch)),
    confirm: (place) => asked(() => journal.confirm(place)),
    startEpoch: (start) => asked(() => journal.startEpoch(start)),
    trim: (trim) => asked(() => journal.trim(trim)),
    peek: (sessionId) => asked(() => journal.peek(sessionId)),
  };
}

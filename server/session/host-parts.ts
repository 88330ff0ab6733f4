/** What a session's host is given. */
import type { Clock } from '../../shared/clock.ts';
import type { Journals } from '../store/journals.ts';
import type { SessionCounts } from './session-counts.ts';
import type { WelcomeParts } from './welcome.ts';

export interface HostParts extends WelcomeParts {
  readonly journals: Journals;
  readonly clock: Clock;
  /** The model threw, or our own code did: for the operator's log. */
  readonly reportError: (error: unknown, sessionId: string) => void;
  /** Counted into when somebody wants to know. */
  readonly counts?: SessionCounts | undefined;
  /** Called once, when the host has let the session go; with its checkpoint under way, if there is one. It does not reject. */
  readonly released: (saving: Promise<void> | undefined) => void;
}

/** What a connection is made with. */
import type { Clock } from '../../shared/clock.ts';
import type { Witness } from '../../shared/protocol/frames.ts';
import type { Limits } from '../../shared/protocol/limits.ts';
import type { SessionRegistry } from '../session/session-registry.ts';
import type { SchemaParts } from './schema-refusal.ts';
import type { ReminderParts } from './take-reminder.ts';

export interface ConnectionParts extends SchemaParts, ReminderParts {
  readonly registry: SessionRegistry;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly proveToken: (sessionId: string, clientId: string, token: string) => number | undefined;
  readonly isProven: (sessionId: string, witness: Witness) => boolean;
  /** The next number of a hello on this instance. */
  readonly countArrival: () => number;
  /** Somebody is attached to a session; `refuse` may be called soon, and never at once. What it returns is called when the connection is over. [F4] */
  readonly entered?: ((sessionId: string, refuse: () => void) => () => void) | undefined;
  readonly reportError: (error: unknown, sessionId: string) => void;
}

export interface ConnectionFacts {
  readonly sessionId: string;
  readonly clientId: string;
  readonly route?: string | undefined;
  /** Does that, and what is sent meanwhile goes out in one write. */
  readonly inOneWrite?: (work: () => void) => void;
}

/** Which journals an instance has, and what follows from it. */
import type { Journal, SessionCatalog } from './journal.ts';

export interface Journals {
  /** Redis, when there is one: accepted means it is there. Without it Postgres is the log, and accepted means checkpointed. */
  readonly log?: Journal | undefined;
  /** Postgres. */
  readonly checkpoints: Journal & SessionCatalog;
}

/**
 * Clauses of the invariants that no run of the simulator shows: another rule heals the mistake before anybody is told of it, or the
 * simulated sessions have nothing of the kind. Each has a test elsewhere, seen to fail with the mistake in place. Commands that no
 * client's outbox holds (of back ends, of timers) are not in the product at all.
 */
import type { Invariant } from './tampering.ts';

interface Guarded {
  readonly invariant: Invariant;
  readonly clause: string;
  /** In `test/`. */
  readonly file: string;
  readonly title: string;
}

export const guardedElsewhere: readonly Guarded[] = [
  {
    invariant: 4,
    clause: 'a store tells "behind" from "fenced"',
    file: 'store/journal-contract.ts',
    title: '[O4] a batch that does not continue the log is behind, not fenced, and changes nothing',
  },
  {
    invariant: 4,
    clause: 'an owner that is behind saves what only its memory holds',
    file: 'end-to-end/ownership.test.ts',
    title:
      '[R8] Redis emptied under a running owner: what it had goes to Postgres, and clients go on under a new epoch',
  },
  {
    invariant: 5,
    clause: 'what nobody signed raises nothing',
    file: 'end-to-end/ownership.test.ts',
    title:
      '[R4] a client that has seen more than the log has opens the session anew, when it can prove it',
  },
  {
    invariant: 6,
    clause: 'Redis alone is opened only at or above what the client saw',
    file: 'session/reconcile.test.ts',
    title: '[R11] while Postgres is away Redis counts when it has all that the client has seen',
  },
  {
    invariant: 6,
    clause: 'a Redis that is back keeps what its owner does not have',
    file: 'session/session-log.test.ts',
    title: '[R11] what Redis holds and this owner does not have is not written over',
  },
  {
    invariant: 10,
    clause: 'an ended session takes the tail of a client that was away',
    file: 'end-to-end/end-of-life.test.ts',
    title:
      '[L1] [L2] finished, archived, forgotten by Redis, read by another device; weeks later the first one delivers its tail once',
  },
  {
    invariant: 10,
    clause: 'what came too late is recorded, counted and shown',
    file: 'end-to-end/end-of-life.test.ts',
    title:
      '[L5] what comes after a workout was finished elsewhere is recorded, counted, told, and stays with its device',
  },
  {
    invariant: 12,
    clause: 'a right that was given up is not served',
    file: 'gateway/revocation.test.ts',
    title:
      '[A7] the connection is closed with 4003, no token works any more, and other clients go on',
  },
];

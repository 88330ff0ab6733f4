/** The hook for services whose sessions belong to somebody: who begins one, and what may be done with one for its owner. */
import type { FastifyInstance } from 'fastify';

import type { Entry } from '../../shared/protocol/frames.ts';
import type { RateLimit } from '../store/rate-limit.ts';

/** What the service decides. */
export interface SessionOwners {
  /**
   * Who begins a session, by the Authorization header of the request: nobody it knows; somebody who must be turned away, now or for
   * good; or an owner, whom the session is given to as soon as it stands.
   */
  readonly begins: (authorization: string | undefined) => Promise<Beginning>;
  /** Whose a session is, as an id that stays the same; undefined for nobody's. */
  readonly ownerOf: (sessionId: string) => Promise<string | undefined>;
  /** Whether that header is an operator's, who is shown how every instance is. Rejects with StoreUnavailableError. */
  readonly isOperator?: (authorization: string | undefined) => Promise<boolean>;
  /** How the hashing of passwords is, for metrics: hashes under way or waiting, and milliseconds that one takes. */
  readonly hashing?: () => { readonly pendingCount: number; readonly hashMs: number };
}

export type Beginning =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'refused' }
  /** Has begun as many as it may for now. */
  | { readonly kind: 'limited'; readonly retryAfterS: number }
  | {
      readonly kind: 'owner';
      readonly own: (sessionId: string, clientId: string) => Promise<void>;
    };

/** What the framework does for owners. All reject with StoreUnavailableError or FencedError while it cannot be done. */
export interface SessionOffice {
  /** Whether a client may take the session up with that token. */
  readonly prove: (
    sessionId: string,
    clientId: string,
    token: string,
  ) => Promise<'proven' | 'refused' | 'session-unknown'>;
  /** Lets one more client, with an id of its own, take up a session that is there. `base`: where clients reach the service. */
  readonly admit: (
    sessionId: string,
    base: string,
  ) => { readonly clientId: string; readonly resumeUrl: string };
  /** A session as whoever has its token gets it [R10], for who is known to own it; undefined when there is none any more. */
  readonly read: (sessionId: string) => Promise<object | undefined>;
  /** Every entry that Postgres has of a session, in order. One session at a time: a long one takes the event loop for a moment. */
  readonly history: (sessionId: string) => Promise<readonly Entry[]>;
  /** Ends a client's right to the session, wherever it is connected. Asking again is safe. */
  readonly revoke: (sessionId: string, clientId: string) => Promise<void>;
  /** How often a key may do something. */
  readonly limit: RateLimit;
  /** How long a tombstone must stand for a session that its owner deletes, in ms. */
  readonly tombstoneMs: number;
  /**
   * Puts away what is left of sessions that are deleted in Postgres: their connections here and their logs in Redis. Other instances
   * find out with their next write, or within 20 s. [L6]
   */
  readonly forget: (sessionIds: readonly string[]) => Promise<void>;
}

/** Called once, inside the plugin, so that routes installed here have its front door and its way with errors. */
export type ConnectOwners = (app: FastifyInstance, office: SessionOffice) => Promise<SessionOwners>;

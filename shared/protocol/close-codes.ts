/** Every code a connection is closed with, and the client's whole duty for it: 40xx stop, 41xx back off, 42xx come back as told. */

export type CloseClass = 'stop' | 'back-off' | 'come-back';

export const closeCodes = {
  /** The client said `bye`, or the app closed the session handle. */
  left: 4000,
  /** The other side broke a rule of the protocol; the reason names it. */
  protocolError: 4001,
  /** The token is wrong, of another session, or retired. */
  forbidden: 4003,
  /** No such session, or its retention is over. The client keeps its outbox. */
  unknownSession: 4004,
  /** The session's time is over; `gone` before it told what became of the client's commands. [L4] */
  gone: 4005,
  /** A newer connection of the same client is there. Never reconnect by itself: two tabs would put each other out for ever. */
  replaced: 4009,
  /** No common subprotocol. */
  unsupportedVersion: 4010,
  /** The client's schema version is older than the session's state: the app must be loaded anew. */
  clientTooOld: 4011,
  /** The service went back to an older schema version than the client's: the app must be loaded anew. */
  clientTooNew: 4012,
  /** Our own mistake; the session is opened anew. */
  internal: 4100,
  /** Redis and Postgres cannot be asked now. */
  storeUnavailable: 4101,
  /** The instance or the session has as many connections as it takes. */
  overloaded: 4102,
  /** More frames or more commands in flight than the limits allow. */
  rateExceeded: 4103,
  /** No answer to a ping. */
  heartbeatMissed: 4108,
  /** The reader did not keep up; it resumes by snapshot. */
  slowReader: 4109,
  /** Another instance owns the session now, or continuity had to be proven anew. */
  fenced: 4110,
  /** The instance is shutting down. */
  drained: 4200,
  /** The client's state schema is newer than this instance's: another instance will do. */
  schemaTooNew: 4203,
  /** The client's storage was copied or rolled back: resume with a new incarnation. */
  diverged: 4204,
} as const;

export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes];

/**
 * What a client does after a close. Codes that are not ours (1000, 1001, 1006, 1009, 1011, 1012 …) come from the network, from
 * proxies and from page loads, and mean no more than "the connection is gone".
 */
export function closeClass(code: number): CloseClass {
  if (code >= 4000 && code < 4100) return 'stop';
  if (code >= 4200 && code < 4300) return 'come-back';
  return 'back-off';
}

/** Whether a server asked for a pause, which is more than a connection that is gone. */
export function isAskedToBackOff(code: number): boolean {
  return code >= 4100 && code < 4200;
}

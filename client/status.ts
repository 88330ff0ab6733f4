/** What an app shows of the connection, and what it may tell after a break. */
import type { StopReason } from './stop-reason.ts';

export type Status =
  | 'connected'
  /** The server asked to move; the old connection serves until the next one does, or closes moments before. */
  | 'moving'
  | 'reconnecting'
  /** Several tries failed, or the device says that there is no network. Everything goes on and is kept. */
  | 'offline'
  /** Ended for good; `stopReason` says why. */
  | 'stopped';

/** How a break went: for the rider, for support, for logs. */
export interface ResumeReceipt {
  /** Milliseconds between the loss of the connection and being served again; 0 for a move without a break. */
  readonly gapMs: number;
  /** Entries of the session that were missed and came afterwards. */
  readonly replayed: number;
  /** Commands of this device sent again. */
  readonly resent: number;
  /**
   * Commands of this device that came to nothing: given before it knew that the session had ended, and refused for that, or kept
   * neither here nor there any more. Rises after the break, too, as answers to what was sent again come in. [L5]
   */
  readonly lost: number;
  /** `gone`: its time was over. `deleted`: its owner wanted that; nothing counts as lost then. [L4] [L6] */
  readonly result: 'new' | 'resumed' | 'rebuilt' | 'gone' | 'deleted';
}

/** A session as this device sees it at a moment. */
export interface ClientView {
  readonly state: unknown;
  readonly status: Status;
  /** Commands not in Postgres yet. */
  readonly unsaved: number;
  /** Commands not in the session's log yet. */
  readonly unaccepted: number;
  /**
   * Commands that only this page has: not in the service's log, and not in the device's storage, which is full or closed. For moments
   * some are on their way there; when it stays above a few, a page that goes takes them along.
   */
  readonly unkept: number;
  /** How the latest break or start went. */
  readonly receipt: ResumeReceipt | undefined;
  /** The session has ended and Postgres has all of it: this device may forget it without losing anything. [L1] */
  readonly isFinal: boolean;
  /** Set when the status is `stopped`. */
  readonly stopReason: StopReason | undefined;
}

/** Milliseconds of service after which a break counts as a first one again, however long the one before it was. */
export const stableMs = 5_000;

/** Tries that fail in a row before the status says offline. */
export const offlineAfterAttempts = 4;

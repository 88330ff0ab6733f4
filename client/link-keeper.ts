/** Keeps one link to the session alive: retries with jitter, moves before it breaks, stops when it must. */
import { closeClass, isAskedToBackOff } from '../shared/protocol/close-codes.ts';
import type { ClientFrame, ServerFrame } from '../shared/protocol/frames.ts';
import { Link, type LinkParts } from './link.ts';
import { defaultBackoffMs, retryDelayMs } from './reconnect.ts';
import { offlineAfterAttempts, stableMs, type Status } from './status.ts';
import { stopReasonOf, type StopReason } from './stop-reason.ts';

export interface LinkKeeperParts extends LinkParts {
  /** In [0, 1). */
  readonly random: () => number;
}

export interface LinkKeeperEvents {
  readonly frame: (frame: ServerFrame) => void;
  readonly statusChanged: () => void;
  /** The link that served is gone, and nothing may be sent until the next one is welcomed. */
  readonly unlinked: () => void;
}

/** Milliseconds between two tries of a move. */
const moveRetryMs = 500;

export class LinkKeeper {
  readonly #parts: LinkKeeperParts;
  readonly #events: LinkKeeperEvents;
  #status: Status = 'reconnecting';
  #stopReason: StopReason | undefined;
  #link: Link | undefined;
  #nextLink: Link | undefined;
  #attempt = 0;
  #backoffMs: readonly [number, number] = defaultBackoffMs;
  /** Since when no link serves; undefined while one does. */
  #lostAtMs: number | undefined;
  /** How long the break was after which a link serves, and since when it does; undefined while none does. */
  #served: { readonly gapMs: number; readonly sinceMs: number } | undefined;
  #cancelTimer: () => void = () => {};

  constructor(parts: LinkKeeperParts, events: LinkKeeperEvents) {
    this.#parts = parts;
    this.#events = events;
    this.#lostAtMs = parts.clock.nowMs();
  }

  get status(): Status {
    return this.#status;
  }

  get stopReason(): StopReason | undefined {
    return this.#stopReason;
  }

  /** Drops what there is and connects now. */
  connect(): void {
    this.#dropLinks();
    this.#link = this.#open(
      (frame) => this.#events.frame(frame),
      (code) => this.#lost(code),
    );
  }

  send(frame: ClientFrame | string): void {
    this.#link?.send(frame);
  }

  /** The server's hint of how to come back. */
  setBackoff(backoffMs: readonly [number, number]): void {
    this.#backoffMs = backoffMs;
  }

  /** What came cannot be used: begins anew, but not at once, because it may be the same again. */
  startOver(): void {
    this.#countAsFirst();
    this.#dropLinks();
    this.#lostAtMs = this.#parts.clock.nowMs();
    this.#setStatus('reconnecting');
    this.#retry();
  }

  /** The session is served again. Returns for how many milliseconds it was not; 0 after a move that the old link lasted out. */
  served(): number {
    const nowMs = this.#parts.clock.nowMs();
    // By the time of day, because a device that sleeps stops every other clock; but that one is set back sometimes.
    const gapMs = Math.max(0, nowMs - (this.#lostAtMs ?? nowMs));
    this.#lostAtMs = undefined;
    this.#served = { gapMs, sinceMs: this.#parts.clock.elapsedMs() };
    this.#setStatus('connected');
    return gapMs;
  }

  /** Opens the next connection before leaving this one, at the moment the server gave it. [D2] */
  move(slotMs: number): void {
    if (this.#status !== 'connected') return;
    this.#setStatus('moving');
    this.#openNext(slotMs);
  }

  #openNext(delayMs: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#parts.clock.after(delayMs, () => {
      const next: Link = this.#open(
        (frame) => this.#nextFrame(next, frame),
        (code) => this.#nextLost(next, code),
      );
      this.#nextLink = next;
    });
  }

  /** The device woke up or has another network: do not wait for a timer to notice. */
  wake(): void {
    if (this.#status === 'stopped') return;
    if (this.#link !== undefined) this.#link.probe();
    else if (this.#nextLink === undefined) {
      this.#attempt = 0;
      this.connect();
    }
  }

  wentOffline(): void {
    if (this.#status === 'reconnecting') this.#setStatus('offline');
  }

  stop(reason: StopReason): void {
    this.#dropLinks();
    this.#stopReason = reason;
    this.#setStatus('stopped');
  }

  #dropLinks(): void {
    this.#served = undefined;
    this.#cancelTimer();
    this.#link?.drop();
    this.#nextLink?.drop();
    this.#link = undefined;
    this.#nextLink = undefined;
    this.#events.unlinked();
  }

  #open(frame: (frame: ServerFrame) => void, closed: (code: number) => void): Link {
    return new Link(this.#parts, { frame, closed });
  }

  /** With the welcome on the new connection the old one has done its duty. */
  #nextFrame(next: Link, frame: ServerFrame): void {
    if (this.#nextLink === next && frame.type === 'welcome') {
      this.#link?.drop();
      this.#link = next;
      this.#nextLink = undefined;
    }
    if (this.#link === next) this.#events.frame(frame);
  }

  /** A move that fails leaves the old connection in charge, and is tried again until the server closes it. */
  #nextLost(next: Link, code: number): void {
    if (this.#link === next) this.#lost(code);
    else if (this.#nextLink === next) {
      this.#nextLink = undefined;
      if (this.#link === undefined) this.#lost(code);
      else this.#openNext(moveRetryMs);
    }
  }

  #lost(code: number): void {
    this.#link = undefined;
    this.#cancelTimer();
    this.#events.unlinked();
    this.#lostAtMs ??= this.#parts.clock.nowMs();
    this.#countAsFirst(isAskedToBackOff(code) ? stableMs : this.#served?.gapMs);
    // The other half of a move is still under way and decides: the session it opens may be what closed this link, moments before its
    // welcome, and nobody is told of a break for that.
    if (this.#nextLink !== undefined) return;
    if (this.#status === 'connected' || this.#status === 'moving') this.#setStatus('reconnecting');
    // After 4204 too: the next welcome tells where the storages part. [R7]
    if (closeClass(code) === 'stop') this.stop(stopReasonOf(code));
    else this.#retry();
  }

  /**
   * A break after so long a service is a first one again. Were the pauses of one break added to the next, ten cuts would end in one
   * of 20 s; but a server that asks for a pause, or only welcomes and closes, is given ever more time.
   */
  #countAsFirst(afterMs = stableMs): void {
    const served = this.#served;
    this.#served = undefined;
    if (served === undefined) return;
    const servedMs = this.#parts.clock.elapsedMs() - served.sinceMs;
    if (servedMs >= Math.min(afterMs, stableMs)) this.#attempt = 0;
  }

  #retry(): void {
    const attempt = this.#attempt++;
    if (attempt >= offlineAfterAttempts) this.#setStatus('offline');
    const delayMs = retryDelayMs(attempt, this.#backoffMs, this.#parts.random());
    this.#cancelTimer = this.#parts.clock.after(delayMs, () => this.connect());
  }

  #setStatus(status: Status): void {
    this.#status = status;
    this.#events.statusChanged();
  }
}

/** One WebSocket to a session, from hello to its end: frames in and out, heartbeat, and a probe for sockets that only look alive. */
import type { Clock } from '../shared/clock.ts';
import { decodeServerFrame, encodeFrame } from '../shared/protocol/codec.ts';
import { ProtocolError } from '../shared/protocol/errors.ts';
import type { ClientFrame, ServerFrame } from '../shared/protocol/frames.ts';
import { subprotocols } from '../shared/protocol/version.ts';

/** The part of a browser's WebSocket that is used; `ws` has it too. */
export interface WebSocketLike {
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: 'close',
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

export interface LinkEvents {
  /** Every frame but those a link answers itself. */
  readonly frame: (frame: ServerFrame) => void;
  /** Once; the code is 1006 when the network, not the server, ended it. */
  readonly closed: (code: number, reason: string) => void;
}

export interface LinkParts {
  readonly url: () => string;
  readonly WebSocket: WebSocketConstructor;
  readonly clock: Clock;
  /** Set while the service does not know the session: asks for it. Resolves with the code to end with when it did not answer well. */
  readonly begin: () => Promise<number | undefined> | undefined;
  /** Made when the socket is open: what the client has by then. */
  readonly hello: () => ClientFrame;
  /** What the session began with, for a server that has forgotten it. [R12] */
  readonly remind: () => ClientFrame;
}

/** Milliseconds for a connection to be opened and welcomed before the next try. */
const welcomeTimeoutMs = 5_000;

/** Milliseconds for an answer to a probe after the device woke up or changed networks. */
const probeTimeoutMs = 3_000;

/** Milliseconds after which a frame sets the timer for silence anew. */
const rewatchMs = 5_000;

/** What a socket ends with when nobody said why. */
export const abnormalClosure = 1006;

export class Link {
  #socket: WebSocketLike | undefined;
  readonly #clock: Clock;
  readonly #events: LinkEvents;
  readonly #parts: LinkParts;
  #isOpen = false;
  #isClosed = false;
  #silenceMaxMs = welcomeTimeoutMs;
  /** When it is over unless something was heard by then, by the clock's elapsed time. */
  #silentAtMs = 0;
  /** When that was last watched for from a frame. */
  #watchedMs = 0;
  #cancelSilence: () => void = () => {};
  #probeCount = 0;

  constructor(parts: LinkParts, events: LinkEvents) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#events = events;
    this.#expectWithin();
    const begun = parts.begin();
    if (begun === undefined) this.#open();
    else
      void begun.then((code) => {
        if (code !== undefined) this.#end(code, 'not begun');
        else if (!this.#isClosed) this.#open();
      });
  }

  #open(): void {
    const { WebSocket, url, hello } = this.#parts;
    const socket = new WebSocket(url(), [...subprotocols]);
    this.#socket = socket;
    socket.addEventListener('open', () => {
      this.#isOpen = true;
      this.send(hello());
    });
    socket.addEventListener('message', ({ data }) => this.#receive(data));
    socket.addEventListener('close', ({ code, reason }) => this.#end(code, reason));
    // What is wrong is told by the close that follows; unheard, `ws` would throw it.
    socket.addEventListener('error', () => {});
    this.#heardSomething();
  }

  /** Does nothing before the socket is open and after it is closed: what counts is sent again after the next welcome. */
  send(frame: ClientFrame | string): void {
    if (this.#isOpen && !this.#isClosed)
      this.#socket?.send(typeof frame === 'string' ? frame : encodeFrame(frame));
  }

  /** Asks for a sign of life; without one the link ends soon. For wake-ups, when the network may be another one. */
  probe(): void {
    if (this.#isClosed || !this.#isOpen) return;
    this.send({ type: 'ping', n: ++this.#probeCount });
    this.#expectWithin(probeTimeoutMs);
  }

  /** Ends the link without an event. */
  drop(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelSilence();
    this.#socket?.close(1000);
  }

  #receive(data: unknown): void {
    const frame = this.#isClosed ? undefined : decode(data);
    if (frame === undefined) return;
    this.#heardSomething();
    if (frame.type === 'welcome') {
      this.#silenceMaxMs = frame.heartbeat_ms + frame.pong_timeout_ms;
      this.#expectWithin();
    }
    // Answered here, from the message, because timers of hidden tabs may sleep for a minute. [H5]
    if (frame.type === 'ping') this.send({ type: 'pong', n: frame.n });
    else if (frame.type === 'forgotten') this.send(this.#parts.remind());
    else if (frame.type !== 'pong') this.#events.frame(frame);
  }

  #heardSomething(): void {
    const nowMs = this.#clock.elapsedMs();
    this.#silentAtMs = nowMs + this.#silenceMaxMs;
    // A timer for each frame would cost more than reading it; but browsers put off timers that timers of a hidden tab set.
    if (nowMs >= this.#watchedMs + rewatchMs) this.#expectWithin();
  }

  #expectWithin(ms = this.#silenceMaxMs): void {
    this.#watchedMs = this.#clock.elapsedMs();
    this.#silentAtMs = this.#watchedMs + ms;
    this.#cancelSilence();
    this.#watchSilence(ms);
  }

  /** Looks again when something was heard meanwhile. */
  #watchSilence(ms: number): void {
    this.#cancelSilence = this.#clock.after(ms, () => {
      const leftMs = this.#silentAtMs - this.#clock.elapsedMs();
      if (leftMs > 0) {
        this.#watchSilence(leftMs);
        return;
      }
      this.#socket?.close(1000);
      // A dead network does not answer the closing handshake either; the link is over now.
      this.#end(abnormalClosure, 'silent');
    });
  }

  #end(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelSilence();
    this.#events.closed(code, reason);
  }
}

/** Frames this version does not know are for newer clients, and mean nothing to this one. */
function decode(data: unknown): ServerFrame | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    return decodeServerFrame(data);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

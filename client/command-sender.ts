/** Decides when commands leave: at once when nothing is in flight, else gathered for a moment, never more than the server takes. */
import type { Clock } from '../shared/clock.ts';
import { encodeCommandsFrame } from '../shared/protocol/codec.ts';
import { fittingCount } from '../shared/protocol/command-size.ts';
import { defaultLimits, type Limits } from '../shared/protocol/limits.ts';
import { commandsBetween, type Outbox } from './outbox.ts';

/** Milliseconds a command waits for company at most. */
const gatherMs = 100;

/** Share of the server's bound of frames a second that commands use; the rest is for pongs and probes. [B5] */
const frameShare = 0.5;

export class CommandSender {
  readonly #clock: Clock;
  readonly #send: (frame: string) => void;
  #limits: Limits = defaultLimits;
  #keptSeq = 0;
  #sentSeq = 0;
  #acceptedSeq = 0;
  #isOpen = false;
  #isGathering = false;
  /** When the next frame may leave, by the clock's elapsed time. */
  #restedAtMs = 0;
  #isPumping = false;
  /** Set while a timer waits for that. */
  #cancelRest: (() => void) | undefined;
  #latest: Outbox | undefined;

  constructor(clock: Clock, send: (frame: string) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Highest seq sent over any connection so far. */
  get sentSeq(): number {
    return this.#sentSeq;
  }

  /** Commands up to this one are in the device's storage: only those are sent. */
  kept(seq: number): void {
    this.#keptSeq = seq;
  }

  /** A connection is there; the server has everything up to that seq, and takes so much at a time. */
  resume(acceptedSeq: number, limits: Limits): void {
    this.#limits = limits;
    this.#acceptedSeq = acceptedSeq;
    this.#sentSeq = acceptedSeq;
    this.#isOpen = true;
    this.#restedAtMs = 0;
    this.#cancelRest?.();
    this.#cancelRest = undefined;
  }

  /** The connection is gone: nothing leaves until the next one is welcomed. */
  suspend(): void {
    this.#isOpen = false;
  }

  accepted(seq: number): void {
    this.#acceptedSeq = Math.max(this.#acceptedSeq, seq);
    this.#sentSeq = Math.max(this.#sentSeq, this.#acceptedSeq);
  }

  rewind(sentSeq: number): void {
    this.#sentSeq = sentSeq;
  }

  pump(outbox: Outbox): void {
    this.#latest = outbox;
    if (!this.#isOpen || this.#sentSeq >= this.#keptSeq) return;
    if (this.#sentSeq === this.#acceptedSeq) {
      const restMs = this.#restedAtMs - this.#clock.elapsedMs();
      if (restMs <= 0) this.#transmit(outbox);
      else
        this.#cancelRest ??= this.#clock.after(restMs, () => {
          this.#cancelRest = undefined;
          this.pump(this.#latest ?? outbox);
        });
    } else if (!this.#isGathering) {
      this.#isGathering = true;
      this.#clock.after(gatherMs, () => {
        this.#isGathering = false;
        if (this.#isOpen && this.#latest !== undefined) this.#transmit(this.#latest);
      });
    }
  }

  /** At the end of this turn: what an app gives in one turn goes in one frame. */
  pumpSoon(outbox: Outbox): void {
    this.#latest = outbox;
    if (this.#isPumping) return;
    this.#isPumping = true;
    queueMicrotask(() => {
      this.#isPumping = false;
      if (this.#latest !== undefined) this.pump(this.#latest);
    });
  }

  #transmit(outbox: Outbox): void {
    const room = this.#limits.in_flight_max - (this.#sentSeq - this.#acceptedSeq);
    const through = Math.min(this.#keptSeq, this.#sentSeq + room);
    if (through <= this.#sentSeq) return;
    const seq = this.#sentSeq + 1;
    const waiting = commandsBetween(outbox, seq, through).map((command) => JSON.stringify(command));
    const texts = waiting.slice(0, fittingCount(waiting, this.#limits));
    this.#sentSeq += texts.length;
    this.#send(encodeCommandsFrame(seq, texts));
    // However quick the server answers, frames keep a distance that stays within its bound.
    const distanceMs = 1_000 / (this.#limits.frames_per_s_max * frameShare);
    this.#restedAtMs = this.#clock.elapsedMs() + distanceMs;
    // What found no room in this frame leaves with the next one.
    this.pump(outbox);
  }
}

/** WebSockets between devices and instances: in order per direction, after random delays, until something is cut. */
import type { WebSocketConstructor, WebSocketLike } from '../../client/link.ts';
import type { Socket } from '../../server/gateway/socket.ts';
import type { ClientFrame, ServerFrame } from '../../shared/protocol/frames.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';
import type { Random } from './random.ts';
import type { SimProcess } from './sim-process.ts';
import type { Tampering } from './tampering.ts';
import type { Trace } from './trace.ts';
import type { Hearing, WireOracle } from './wire-oracle.ts';

export interface NetworkParts {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly trace: Trace;
  readonly oracle: WireOracle;
  readonly tampering: Tampering;
}

/** What an accepting instance does with a socket. */
export interface ServerEars {
  receive(text: string): void;
  gone(): void;
}

/** Takes a socket in, or refuses it: no instance there, or one that is leaving. */
export type Accept = (socket: Socket, hearing: Hearing) => ServerEars | undefined;

export interface Destination {
  readonly process: SimProcess;
  readonly accept: Accept;
}

/** One direction of a connection. */
class Lane {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  #lastAtMs = 0;
  #stalledUntilMs = 0;
  #survivesUntilMs = Infinity;

  constructor(clock: VirtualClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  send(deliver: () => void): void {
    const soonestMs = this.#clock.timeMs + this.#random.skewed(0.5, 120);
    const atMs = Math.max(soonestMs, this.#lastAtMs + 0.01, this.#stalledUntilMs);
    this.#lastAtMs = atMs;
    this.#clock.at(atMs, () => {
      if (atMs <= this.#survivesUntilMs) deliver();
    });
  }

  /** What is under way arrives for a little longer; nothing after that. */
  cut(graceMs: number): void {
    this.#survivesUntilMs = Math.min(this.#survivesUntilMs, this.#clock.timeMs + graceMs);
  }

  stall(forMs: number): void {
    this.#stalledUntilMs = this.#clock.timeMs + forMs;
  }
}

type Listener = (event: never) => void;

export const cutKinds = ['both', 'client-unaware', 'server-unaware', 'silent'] as const;
export type CutKind = (typeof cutKinds)[number];

export class Line {
  readonly page: SimProcess;
  readonly hearing: Hearing;
  destination: Destination | undefined;
  isSlowReader = false;
  /** Looks at what the client sends, and may change or swallow it. */
  beforeSend: (text: string) => string | undefined = (text) => text;
  readonly #parts: NetworkParts;
  readonly #toServer: Lane;
  readonly #toClient: Lane;
  readonly #listeners = new Map<string, Listener[]>();
  readonly #tamper: ((text: string) => string | undefined) | undefined;
  #ears: ServerEars | undefined;
  #isClientDone = false;
  #isServerDone = false;

  constructor(page: SimProcess, hearing: Hearing, parts: NetworkParts) {
    this.page = page;
    this.hearing = hearing;
    this.#parts = parts;
    this.#toServer = new Lane(parts.clock, parts.random);
    this.#toClient = new Lane(parts.clock, parts.random);
    this.#tamper = parts.tampering.toClient?.();
  }

  get isOver(): boolean {
    return this.#isClientDone && this.#isServerDone;
  }

  /** Undefined when there is no way to any instance. */
  dial(destination: Destination | undefined): void {
    this.destination = destination;
    if (destination === undefined) {
      this.#isServerDone = true;
      // Refused at once, or nothing answers and the client's own patience ends it.
      if (this.#parts.random.chance(0.8)) this.#later(() => this.#clientEnds(1006, ''));
      return;
    }
    this.#toServer.send(() => destination.process.run(() => this.#arrive(destination)));
    if (destination.process.isDead) this.#later(() => this.#clientEnds(1006, ''));
  }

  listen(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  clientSends(written: string): void {
    const text = this.#isClientDone ? undefined : this.beforeSend(written);
    if (text === undefined) return;
    const frame = JSON.parse(text) as ClientFrame;
    this.#parts.trace.note(this.page.name, '→', text);
    this.#parts.oracle.sent(this.hearing, frame);
    const heard = isWithoutHashes(frame) ? JSON.stringify({ ...frame, hashes: undefined }) : text;
    this.#toServer.send(() =>
      this.destination?.process.run(() => {
        if (!this.#isServerDone) this.#ears?.receive(heard);
      }),
    );
  }

  clientCloses(): void {
    if (this.#isClientDone) return;
    this.#isClientDone = true;
    this.#toServer.send(() => this.#serverEnds());
  }

  /** The page is gone: its system says so to the other side, or cannot any more. */
  pageDied(): void {
    this.#isClientDone = true;
    if (this.#parts.random.chance(0.8)) this.#toServer.send(() => this.#serverEnds());
  }

  instanceDied(): void {
    this.#isServerDone = true;
    if (this.#parts.random.chance(0.7)) this.#later(() => this.#clientEnds(1006, ''));
  }

  cut(kind: CutKind): void {
    const graceMs = this.#parts.random.skewed(0, 100);
    this.#toServer.cut(graceMs);
    this.#toClient.cut(graceMs);
    if (kind === 'both' || kind === 'server-unaware') this.#later(() => this.#clientEnds(1006, ''));
    if (kind === 'both' || kind === 'client-unaware') this.#later(() => this.#serverEnds());
  }

  stall(forMs: number): void {
    this.#toServer.stall(forMs);
    this.#toClient.stall(forMs);
  }

  #arrive(destination: Destination): void {
    const ears = destination.accept(this.#serverSocket(), this.hearing);
    if (ears === undefined) {
      this.#isServerDone = true;
      this.#toClient.send(() => this.#clientEnds(1006, ''));
      return;
    }
    this.#ears = ears;
    this.#toClient.send(() => this.#inPage(() => this.#tell('open', {})));
  }

  #serverSocket(): Socket {
    const waitingBytes = (): number => (this.isSlowReader ? 2_000_000 : 0);
    return {
      get bufferedAmount() {
        return waitingBytes();
      },
      send: (text) => this.#serverSends(text),
      close: (code, reason) => {
        if (this.#isServerDone) return;
        this.#parts.trace.note(
          this.destination?.process.name ?? '',
          `closes ${this.page.name}`,
          code,
          reason,
        );
        this.#toClient.send(() => {
          this.#clientEnds(code, reason);
          this.#toServer.send(() => this.#serverEnds());
        });
      },
      terminate: () => {
        this.#serverEnds();
        this.#later(() => this.#clientEnds(1006, ''));
      },
    };
  }

  #serverSends(text: string): void {
    if (this.#isServerDone) return;
    const told = JSON.parse(text) as ServerFrame;
    this.#parts.oracle.told(this.hearing, told);
    const tampered = this.#tamper === undefined ? text : this.#tamper(text);
    if (tampered === undefined) return;
    const frame = tampered === text ? told : (JSON.parse(tampered) as ServerFrame);
    this.#toClient.send(() =>
      this.#inPage(() => {
        this.#parts.trace.note(this.page.name, '←', tampered);
        this.#parts.oracle.heard(this.hearing, frame);
        this.#tell('message', { data: tampered });
      }),
    );
  }

  #serverEnds(): void {
    this.destination?.process.run(() => {
      if (this.#isServerDone) return;
      this.#isServerDone = true;
      this.#ears?.gone();
    });
  }

  #clientEnds(code: number, reason: string): void {
    this.#inPage(() => {
      this.#isClientDone = true;
      this.#parts.trace.note(this.page.name, 'hears the end', code, reason);
      this.#tell('close', { code, reason });
    });
  }

  #inPage(work: () => void): void {
    this.page.run(() => {
      if (!this.#isClientDone) work();
    });
  }

  #tell(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never);
  }

  #later(work: () => void): void {
    this.#parts.clock.after(this.#parts.random.skewed(1, 400), work);
  }
}

/** As an older client sends them, and an older server reads them: what one computes, the other was told. [C8] */
const isWithoutHashes = (frame: ClientFrame): boolean =>
  frame.type === 'commands' && frame.seq % 3 === 0;

/** The WebSocket of one page: each new one is a line of the network. */
export function webSocketFor(dial: () => Line): WebSocketConstructor {
  return class implements WebSocketLike {
    readonly #line = dial();

    addEventListener(type: string, listener: Listener): void {
      this.#line.listen(type, listener);
    }

    send(text: string): void {
      this.#line.clientSends(text);
    }

    close(): void {
      this.#line.clientCloses();
    }
  };
}

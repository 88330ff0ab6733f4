/** One WebSocket: handshake deadline, heartbeat, bounds, and the one place where errors become close codes. */
import { closeCodes, type CloseCode } from '../../shared/protocol/close-codes.ts';
import { decodeClientFrame, encodeFrame } from '../../shared/protocol/codec.ts';
import { ProtocolError } from '../../shared/protocol/errors.ts';
import type { ClientFrame, Hello } from '../../shared/protocol/frames.ts';
import { helloTimeoutMs } from '../../shared/protocol/limits.ts';
import { fullBucket, takeToken, type TokenBucket } from '../admission/token-bucket.ts';
import { FencedError } from '../session/claim-session.ts';
import { goneFrame } from '../session/gone-frame.ts';
import type { Reader, Sighting } from '../session/reader.ts';
import type { SessionHost } from '../session/session-host.ts';
import { StoreUnavailableError } from '../store/journal.ts';
import { closeReason } from './close-reason.ts';
import { checkSize } from './command-size.ts';
import type { ConnectionFacts, ConnectionParts } from './connection-parts.ts';
import type { Greeting } from './greeting-counts.ts';
import { startHeartbeat, type Heartbeat } from './heartbeat.ts';
import { knowsSchema, schemaRefusal, schemaTooNew } from './schema-refusal.ts';
import { sessionUnknown } from './session-unknown.ts';
import type { Socket } from './socket.ts';
import { takeReminder } from './take-reminder.ts';

/** Milliseconds a closed socket has to finish the closing handshake. */
const closeTimeoutMs = 5_000;

type State =
  | { readonly kind: 'awaiting-hello' }
  | { readonly kind: 'attaching' }
  /** No store knows the session; the client may. [R12] */
  | { readonly kind: 'awaiting-remind'; readonly reader: Reader }
  | { readonly kind: 'attached'; readonly host: SessionHost; readonly reader: Reader }
  | { readonly kind: 'closed' };

export class Connection {
  readonly sessionId: string;
  /** Which of the proxy's routes it came by, as the proxy names them. */
  readonly route: string | undefined;
  greeting: Greeting = 'awaited';
  readonly #clientId: string;
  readonly #socket: Socket;
  readonly #inOneWrite: (work: () => void) => void;
  readonly #parts: ConnectionParts;
  #state: State = { kind: 'awaiting-hello' };
  #bucket: TokenBucket;
  #inFlightCount = 0;
  #heartbeat: Heartbeat | undefined;
  #cancelTimer: () => void;
  #leave: (() => void) | undefined;

  constructor(
    socket: Socket,
    { sessionId, clientId, route, inOneWrite = (work) => work() }: ConnectionFacts,
    parts: ConnectionParts,
  ) {
    this.sessionId = sessionId;
    this.route = route;
    this.#clientId = clientId;
    this.#socket = socket;
    this.#inOneWrite = inOneWrite;
    this.#parts = parts;
    this.#bucket = fullBucket(parts.clock.elapsedMs(), parts.limits.frames_per_s_max);
    this.#cancelTimer = parts.clock.after(helloTimeoutMs, () =>
      // No mistake of the client's: a network that stalls must not end a session for good.
      this.close(closeCodes.heartbeatMissed, 'hello-timeout: no hello came in time'),
    );
  }

  /** A text frame came in. */
  receive(text: string): void {
    if (this.#state.kind === 'closed') return;
    try {
      this.#countFrame();
      this.#take(decodeClientFrame(text), text.length);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The socket is gone, whoever ended it. */
  gone(): void {
    const former = this.#state;
    this.#state = { kind: 'closed' };
    this.#cancelTimer();
    this.#heartbeat?.stop();
    this.#leave?.();
    if (former.kind === 'attached') former.host.detach(former.reader);
  }

  close(code: CloseCode, reason: string): void {
    if (this.#state.kind === 'closed') return;
    this.gone();
    this.#cancelTimer = this.#parts.clock.after(closeTimeoutMs, () => this.#socket.terminate());
    this.#socket.close(code, closeReason(reason));
  }

  /** Asks the client to open its next connection within that slot, and to leave this one then. False when it is too early to ask. [D2] */
  goAway(slotMs: number, deadlineMs: number): boolean {
    if (this.#state.kind !== 'attached') return false;
    this.#send(encodeFrame({ type: 'goaway', slot_ms: slotMs, deadline_ms: deadlineMs }));
    return true;
  }

  #take(frame: ClientFrame, frameChars: number): void {
    if (frame.type === 'ping') {
      this.#send(encodeFrame({ type: 'pong', n: frame.n }));
      return;
    }
    if (frame.type === 'pong') {
      this.#heartbeat?.answered();
      return;
    }
    if (frame.type === 'bye') {
      this.close(closeCodes.left, 'left');
      return;
    }
    if (frame.type === 'hello') {
      void this.#greet(frame);
      return;
    }
    if (frame.type === 'remind') {
      void this.#revive(frame);
      return;
    }
    if (this.#state.kind !== 'attached')
      throw new ProtocolError(
        'hello-expected',
        'The first frame is hello; commands follow welcome.',
      );
    const { seq, commands, hashes } = frame;
    checkSize(commands, frameChars, this.#parts.limits);
    this.#countInFlight(commands.length);
    this.#state.host.receive(this.#state.reader, seq, commands, hashes);
  }

  async #greet(hello: Hello): Promise<void> {
    try {
      if (this.#state.kind !== 'awaiting-hello')
        throw new ProtocolError('hello-repeated', 'A connection says hello once.');
      const generation = this.#prove(hello);
      if (!knowsSchema(this.#parts, hello)) {
        this.#cancelTimer();
        this.#state = { kind: 'attaching' };
        throw await schemaRefusal(this.#parts, this.sessionId, hello);
      }
      const reader = this.#reader(hello, generation);
      this.#cancelTimer();
      this.#state = { kind: 'attaching' };
      if ((await this.#attach(reader)) === 'attached') return;
      this.#state = { kind: 'awaiting-remind', reader };
      this.#cancelTimer = this.#parts.clock.after(helloTimeoutMs, () =>
        this.close(closeCodes.heartbeatMissed, 'remind-timeout: no reminder came in time'),
      );
      this.#send(encodeFrame({ type: 'forgotten' }));
    } catch (error) {
      this.#fail(error);
    }
  }

  async #revive(frame: Extract<ClientFrame, { type: 'remind' }>): Promise<void> {
    try {
      if (this.#state.kind !== 'awaiting-remind')
        throw new ProtocolError('bad-frame', 'Only what was forgotten is reminded of.');
      const { reader } = this.#state;
      this.#cancelTimer();
      this.#state = { kind: 'attaching' };
      const { kind } = reader.hello;
      await takeReminder(this.#parts, { sessionId: this.sessionId, kind }, frame);
      if (this.#isClosed()) return;
      if ((await this.#attach(reader)) === 'unknown') throw sessionUnknown();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #attach(reader: Reader): Promise<'attached' | 'unknown'> {
    const found = await this.#parts.registry.find(this.sessionId, reader.sighting);
    // The socket may have gone while the stores were asked.
    if (this.#isClosed()) return 'attached';
    if (found.kind === 'unknown') return 'unknown';
    if (found.kind === 'gone') {
      this.#send(encodeFrame(goneFrame(found, reader)));
      this.close(closeCodes.gone, 'session-gone: its time is over');
      return 'attached';
    }
    if (found.kind === 'too-new') throw schemaTooNew();
    const recalled = await this.#parts.registry.prepare(found.host, reader);
    if (this.#isClosed()) return 'attached';
    const member = { ...reader, recalled };
    this.#state = { kind: 'attached', host: found.host, reader: member };
    found.host.attach(member);
    // It may have been turned away at once.
    if (this.#isClosed()) return 'attached';
    this.#leave = this.#parts.entered?.(this.sessionId, () =>
      this.close(closeCodes.overloaded, 'too-many-connections: the account has its number'),
    );
    this.#heartbeat = startHeartbeat(this.#parts.clock, {
      ask: (n) => this.#send(encodeFrame({ type: 'ping', n })),
      missed: () => this.close(closeCodes.heartbeatMissed, 'no answer to a ping'),
    });
    return 'attached';
  }

  /** Nothing is looked up, opened or changed for someone who cannot prove the token. [A2] */
  #prove({ token }: Hello): number {
    const generation = this.#parts.proveToken(this.sessionId, this.#clientId, token);
    if (generation === undefined)
      throw new ProtocolError('token-invalid', 'The token is not for this.', closeCodes.forbidden);
    return generation;
  }

  #reader(hello: Hello, generation: number): Reader {
    this.greeting = 'asked';
    return {
      clientId: this.#clientId,
      hello,
      generation,
      arrival: this.#parts.countArrival(),
      sighting: this.#sighting(hello, generation),
      recalled: undefined,
      send: (frame) => this.#send(frame),
      sendTogether: (frames) => this.#sendTogether(frames),
      close: (code, reason) => this.close(code, reason),
      settled: (count) => {
        this.#inFlightCount -= count;
      },
      welcomed: () => void (this.greeting = 'welcomed'),
    };
  }

  /** What nobody signed is not taken for seen. [R4] */
  #sighting({ witness }: Hello, generation: number): Sighting | undefined {
    if (witness === undefined || !this.#parts.isProven(this.sessionId, witness)) return undefined;
    return { clientId: this.#clientId, generation, position: witness };
  }

  #send(frame: string): void {
    if (this.#mayBeSentTo()) this.#socket.send(frame);
  }

  #sendTogether(frames: readonly string[]): void {
    if (!this.#mayBeSentTo()) return;
    this.#inOneWrite(() => {
      for (const frame of frames) this.#socket.send(frame);
    });
  }

  /** What waits is counted before anything joins it: a single large snapshot is no sign of a slow reader. */
  #mayBeSentTo(): boolean {
    if (this.#isClosed()) return false;
    if (this.#socket.bufferedAmount <= this.#parts.limits.send_buffer_bytes_max) return true;
    this.close(closeCodes.slowReader, 'slow-reader: the send buffer is full');
    return false;
  }

  #countFrame(): void {
    const { clock, limits } = this.#parts;
    const bucket = takeToken(this.#bucket, clock.elapsedMs(), limits.frames_per_s_max);
    if (bucket === undefined)
      throw new ProtocolError(
        'too-many-frames',
        'Too many frames a second.',
        closeCodes.rateExceeded,
      );
    this.#bucket = bucket;
  }

  #countInFlight(count: number): void {
    const { in_flight_max: inFlightMax } = this.#parts.limits;
    this.#inFlightCount += count;
    if (this.#inFlightCount > inFlightMax)
      throw new ProtocolError(
        'too-many-in-flight',
        `At most ${inFlightMax} commands wait to be accepted.`,
        closeCodes.rateExceeded,
      );
  }

  #isClosed(): boolean {
    return this.#state.kind === 'closed';
  }

  #fail(error: unknown): void {
    if (error instanceof ProtocolError)
      this.close(error.closeCode, `${error.code}: ${error.message}`);
    else if (error instanceof StoreUnavailableError)
      this.close(closeCodes.storeUnavailable, 'store-unavailable: try again');
    else if (error instanceof FencedError) this.close(closeCodes.fenced, 'the session moved');
    else {
      this.#parts.reportError(error, this.sessionId);
      this.close(closeCodes.internal, 'internal');
    }
  }
}

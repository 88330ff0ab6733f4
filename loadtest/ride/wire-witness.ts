/**
 * Listens on the wire beside the client and keeps its own account: which commands went out, which outcomes the service says
 * stand in the session's log, how long the connection was gone. It knows nothing of what the client makes of the same frames.
 */
import { WebSocket } from 'ws';

import type { WebSocketConstructor } from '../../client/link.ts';
import { systemClock } from '../../shared/clock.ts';
import { decodeClientFrame, decodeServerFrame } from '../../shared/protocol/codec.ts';
import { ProtocolError } from '../../shared/protocol/errors.ts';
import type { Entry, ServerFrame, Snapshot } from '../../shared/protocol/frames.ts';

export interface WireAccount {
  /** Commands with an outcome in the log. */
  readonly takenCount: number;
  /** Outcomes beyond the first of the same command. */
  readonly doubledCount: number;
  /** Commands that went over a wire another time. */
  readonly sentAgainCount: number;
  /** Codes of the refusals, each once. */
  readonly refusals: readonly string[];
  /** Highest offset of an entry the service told of, in the epoch of the latest welcome. */
  readonly headOffset: number;
  /** Longest time from the end of a connection to being served by the next, real milliseconds. */
  readonly longestGapMs: number;
}

export class WireWitness {
  readonly #outcomes = new Map<number, number>();
  readonly #seenPlaces = new Set<string>();
  readonly #refusals = new Set<string>();
  #incarnation = '';
  #sentSeq = 0;
  #sentAgainCount = 0;
  #epoch = '';
  #headOffset = 0;
  #servingSocket: unknown;
  #lostAtMs: number | undefined;
  #longestGapMs = 0;

  account(): WireAccount {
    const counts = [...this.#outcomes.values()];
    return {
      takenCount: counts.length,
      doubledCount: counts.reduce((doubled, count) => doubled + count - 1, 0),
      sentAgainCount: this.#sentAgainCount,
      refusals: [...this.#refusals],
      headOffset: this.#headOffset,
      longestGapMs: this.#longestGapMs,
    };
  }

  sent(text: string): void {
    const frame = decodeClientFrame(text);
    if (frame.type === 'hello') this.#incarnation = frame.incarnation;
    if (frame.type !== 'commands') return;
    const lastSeq = frame.seq + frame.commands.length - 1;
    const repeatedCount = Math.min(this.#sentSeq, lastSeq) - frame.seq + 1;
    this.#sentAgainCount += Math.max(0, repeatedCount);
    this.#sentSeq = Math.max(this.#sentSeq, lastSeq);
  }

  heard(socket: unknown, text: string): void {
    const frame = decode(text);
    if (frame?.type === 'welcome') this.#epoch = frame.epoch;
    else if (frame?.type === 'snapshot') this.#takeOver(frame.snapshot);
    else if (frame?.type === 'entries') for (const entry of frame.entries) this.#count(entry);
    else if (frame?.type === 'live') this.#served(socket);
  }

  closed(socket: unknown): void {
    // Of a move's two connections only the one in charge counts.
    if (socket !== this.#servingSocket) return;
    this.#servingSocket = undefined;
    this.#lostAtMs = systemClock.nowMs();
  }

  #served(socket: unknown): void {
    this.#servingSocket = socket;
    if (this.#lostAtMs === undefined) return;
    this.#longestGapMs = Math.max(this.#longestGapMs, systemClock.nowMs() - this.#lostAtMs);
    this.#lostAtMs = undefined;
  }

  /** An entry told twice, once live and once in a replay, is still one entry of the log: its place says so. */
  #count(entry: Entry): void {
    const place = `${this.#epoch}/${entry.offset}`;
    if (this.#seenPlaces.has(place)) return;
    this.#seenPlaces.add(place);
    this.#headOffset = entry.offset;
    if ('joined' in entry) return;
    this.#outcomes.set(entry.seq, (this.#outcomes.get(entry.seq) ?? 0) + 1);
    if (entry.refused !== undefined) this.#refusals.add(entry.refused);
  }

  /** A snapshot instead of a replay: what it holds is in the log, what it lacks is not, whatever was told before. */
  #takeOver({ writers, offset }: Snapshot): void {
    const own = writers.find(({ incarnation }) => incarnation === this.#incarnation);
    const accepted = own?.accepted ?? 0;
    for (const seq of this.#outcomes.keys()) if (seq > accepted) this.#outcomes.delete(seq);
    for (let seq = 1; seq <= accepted; seq++)
      if (!this.#outcomes.has(seq)) this.#outcomes.set(seq, 1);
    this.#headOffset = offset;
  }
}

/** The `WebSocket` of `ws`, with the witness listening to both directions. */
export function witnessedWebSocket(witness: WireWitness): WebSocketConstructor {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      this.addEventListener('message', ({ data }) => {
        if (typeof data === 'string') witness.heard(this, data);
      });
      this.addEventListener('close', () => witness.closed(this));
    }

    // The client sends text and nothing else.
    override send(data: Parameters<WebSocket['send']>[0]): void {
      if (typeof data === 'string') witness.sent(data);
      super.send(data);
    }
  };
}

/** Frames of a newer service mean nothing to this one, as to the client. */
function decode(text: string): ServerFrame | undefined {
  try {
    return decodeServerFrame(text);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

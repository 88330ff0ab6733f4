/**
 * Listens on the wire of one device and holds the service to what it says there. It parses the frames itself and knows nothing
 * of what the client makes of them.
 */
import { isDeepStrictEqual } from 'node:util';

import type { FindingKind } from './findings.ts';

export interface EarEvents {
  readonly found: (kind: FindingKind, sentence: string) => void;
  /** The service says that Postgres has commands up to that seq. */
  readonly toldCheckpointed: (incarnation: string, seq: number, atMs: number) => void;
  /** For people who follow what happened to a session. */
  readonly note: (text: string) => void;
}

/** Contents of a session's log as its readers heard them, by epoch and offset; shared by the devices of the session. */
export type HeardLog = Map<string, unknown>;

/** As it crosses the wire. */
type WireCommand = readonly [type: string, data: unknown, atMs: number];

interface Told {
  accepted: number;
  checkpointed: number;
}

/** What is known of one WebSocket. */
interface Hearing {
  readonly number: number;
  incarnation: string;
  epoch: string;
  /** Offset of the latest entry applied; undefined until the start is known. */
  offset: number | undefined;
  /** When the latest frame came. */
  heardMs: number;
}

interface Frame {
  readonly type: string;
  readonly [field: string]: unknown;
}

export class WireEar {
  readonly #events: EarEvents;
  readonly #heardLog: HeardLog;
  readonly #hearings = new Map<number, Hearing>();
  #latest: Hearing | undefined;
  /** Highest watermarks by incarnation and epoch. */
  readonly #told = new Map<string, Told>();
  /** Highest checkpointed by incarnation, whatever the epoch: Postgres never loses it here. */
  readonly #checkpointedEver = new Map<string, number>();
  readonly #sentSeq = new Map<string, number>();
  readonly #closeCounts = new Map<number, number>();
  readonly #epochs = new Set<string>();
  #welcomedNumber = 0;
  #openedCount = 0;
  #welcomeCount = 0;

  constructor(heardLog: HeardLog, events: EarEvents) {
    this.#heardLog = heardLog;
    this.#events = events;
  }

  /** How often each close code came. */
  get closeCounts(): ReadonlyMap<number, number> {
    return this.#closeCounts;
  }

  get epochs(): ReadonlySet<string> {
    return this.#epochs;
  }

  /** Where the log ends as far as this device has heard, on the newest connection that was welcomed: a dying page's opens in vain. */
  get head(): { readonly epoch: string; readonly offset: number } {
    const { epoch = '', offset = 0 } = this.#latest ?? {};
    return { epoch, offset };
  }

  /** Connections that were welcomed. */
  get welcomeCount(): number {
    return this.#welcomeCount;
  }

  opened(socket: number): void {
    const number = ++this.#openedCount;
    const hearing = { number, incarnation: '', epoch: '', offset: undefined, heardMs: 0 };
    this.#hearings.set(socket, hearing);
  }

  /** Returns the times of the commands that are in it. */
  sent(socket: number, text: string): readonly number[] {
    const frame = JSON.parse(text) as Frame;
    const commands = frame.type === 'commands' ? (frame['commands'] as WireCommand[]) : [];
    this.#tellSent(this.#hearings.get(socket), frame, commands.length);
    return commands.map(([, , atMs]) => atMs);
  }

  /** `atMs`: when the device heard it, which is before it is told here. */
  heard(socket: number, text: string, atMs: number): void {
    const hearing = this.#hearings.get(socket);
    if (hearing === undefined) return;
    hearing.heardMs = atMs;
    const frame = JSON.parse(text) as Frame;
    switch (frame.type) {
      case 'welcome':
        this.#welcomed(hearing, frame);
        break;
      case 'snapshot':
        hearing.offset = (frame['snapshot'] as { offset: number }).offset;
        this.#note(hearing, `snapshot at ${hearing.offset}`);
        break;
      case 'entries':
        this.#takeEntries(hearing, frame['entries'] as { offset: number }[]);
        this.#watermarks(hearing, frame);
        break;
      case 'watermarks':
        this.#watermarks(hearing, frame);
        break;
      case 'gap':
      case 'goaway':
      case 'live':
        this.#note(hearing, text);
        break;
    }
  }

  closed(socket: number, code: number, reason: string): void {
    const hearing = this.#hearings.get(socket);
    if (hearing === undefined) return;
    this.#hearings.delete(socket);
    this.#closeCounts.set(code, (this.#closeCounts.get(code) ?? 0) + 1);
    this.#note(hearing, `closed ${code} ${reason}`);
  }

  /** The device's process is gone with its sockets; how they ended nobody has heard. */
  died(): void {
    this.#hearings.clear();
  }

  #tellSent(hearing: Hearing | undefined, frame: Frame, commandCount: number): void {
    if (hearing === undefined) return;
    if (frame.type === 'hello') {
      const position = frame['position'] as { epoch: string; offset: number } | undefined;
      hearing.incarnation = String(frame['incarnation']);
      hearing.offset = position?.offset;
      const place = position === undefined ? 'nowhere' : `${position.epoch}/${position.offset}`;
      this.#note(hearing, `hello from ${place}`);
    }
    if (frame.type === 'commands') {
      const last = Number(frame['seq']) + commandCount - 1;
      const { incarnation } = hearing;
      this.#sentSeq.set(incarnation, Math.max(last, this.#sentSeq.get(incarnation) ?? 0));
      this.#note(hearing, `commands ${String(frame['seq'])}-${last}`);
    }
  }

  #welcomed(hearing: Hearing, frame: Frame): void {
    this.#welcomeCount += 1;
    if (hearing.number > this.#welcomedNumber) this.#latest = hearing;
    this.#welcomedNumber = Math.max(this.#welcomedNumber, hearing.number);
    hearing.epoch = String(frame['epoch']);
    this.#epochs.add(hearing.epoch);
    const { result, accepted, checkpointed, head } = frame;
    this.#note(
      hearing,
      `welcome ${String(result)} ${hearing.epoch}/${String(head)}, accepted ${String(accepted)}, checkpointed ${String(checkpointed)}`,
    );
    this.#watermarks(hearing, frame);
  }

  #takeEntries(hearing: Hearing, entries: readonly { readonly offset: number }[]): void {
    const [first] = entries;
    const last = entries.at(-1);
    if (first !== undefined) this.#note(hearing, `entries ${first.offset}-${last?.offset}`);
    for (const entry of entries) {
      const place = `${hearing.epoch}/${entry.offset}`;
      if (hearing.offset === undefined || entry.offset !== hearing.offset + 1)
        this.#events.found(
          'reordered',
          `Entry ${place} was told after offset ${hearing.offset ?? 'none'}.`,
        );
      hearing.offset = entry.offset;
      const former = this.#heardLog.get(place) ?? entry;
      if (!isDeepStrictEqual(former, entry))
        this.#events.found(
          'forked',
          `Entry ${place} was told as ${JSON.stringify(former)} and as ${JSON.stringify(entry)}.`,
        );
      this.#heardLog.set(place, entry);
    }
  }

  /** What an older connection still says after a newer one was welcomed comes late and is no fall. [C6] */
  #watermarks(hearing: Hearing, frame: Frame): void {
    if (hearing.number < this.#welcomedNumber) return;
    const { incarnation, epoch } = hearing;
    const accepted = Number(frame['accepted']);
    const checkpointed = Number(frame['checkpointed']);
    const key = `${incarnation} ${epoch}`;
    const told = this.#told.get(key) ?? { accepted: 0, checkpointed: 0 };
    const savedSeq = this.#checkpointedEver.get(incarnation) ?? 0;
    const says = `${frame.type} in epoch ${epoch} says accepted ${accepted}, checkpointed ${checkpointed}`;
    if (accepted < told.accepted || checkpointed < told.checkpointed)
      this.#events.found(
        'fell-back',
        `${says}; it was ${told.accepted} and ${told.checkpointed} before.`,
      );
    if (checkpointed > accepted || accepted < savedSeq)
      this.#events.found('fell-back', `${says}; ${savedSeq} had been checkpointed.`);
    if (accepted > (this.#sentSeq.get(incarnation) ?? 0))
      this.#events.found(
        'forked',
        `${says}; ${this.#sentSeq.get(incarnation) ?? 0} was the last seq sent.`,
      );
    if (accepted !== told.accepted || checkpointed !== told.checkpointed)
      this.#note(hearing, `accepted ${accepted}, checkpointed ${checkpointed}`);
    this.#told.set(key, { accepted, checkpointed });
    if (checkpointed > savedSeq) {
      this.#checkpointedEver.set(incarnation, checkpointed);
      this.#events.toldCheckpointed(incarnation, checkpointed, hearing.heardMs);
    }
  }

  #note({ number }: Hearing, text: string): void {
    this.#events.note(`#${number} ${text}`);
  }
}

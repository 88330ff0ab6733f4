/** Watches what clients are told and what they make of it. */
import type { StoredSession } from '../../client/session-storage.ts';
import type {
  ClientFrame,
  Entry,
  Hello,
  ServerFrame,
  Snapshot,
  Welcome,
} from '../../shared/protocol/frames.ts';
import { acceptedOf, generationOf, linkOf, writerKey } from './chain.ts';
import type { Ledger } from './ledger.ts';
import type { StoreOracle } from './store-oracle.ts';

/** What the oracle keeps of one connection. */
export interface Hearing {
  readonly sessionId: string;
  readonly clientId: string;
  hello?: Hello;
  /** As the server told it last; the client may not have heard yet. */
  toldEpoch?: string;
  epoch?: string;
  /** What the client has applied; undefined until a snapshot, when it had nothing that counts. */
  offset?: number | undefined;
  isLive?: boolean;
}

interface Watermarks {
  readonly accepted: number;
  readonly checkpointed: number;
}

export class WireOracle {
  readonly #stores: StoreOracle;
  readonly #ledger: Ledger;
  readonly #fail: (sentence: string) => void;
  /** Highest seq that ever left a device, by session and writer. */
  readonly #sent = new Map<string, number>();
  /** Every token that was given out, by session and client. */
  readonly #issued = new Map<string, Set<string>>();
  /** Latest watermarks heard, by session, writer and epoch. */
  readonly #heard = new Map<string, Watermarks>();

  constructor(stores: StoreOracle, ledger: Ledger, fail: (sentence: string) => void) {
    this.#ledger = ledger;
    this.#stores = stores;
    this.#fail = fail;
  }

  /** A client was given a token. */
  issued({ sessionId, clientId }: Pick<Hearing, 'sessionId' | 'clientId'>, token: string): void {
    const key = `${sessionId} ${clientId}`;
    const all = this.#issued.get(key) ?? new Set();
    this.#issued.set(key, all.add(token));
  }

  /** A client put a frame on the wire. */
  sent(hearing: Hearing, frame: ClientFrame): void {
    if (frame.type === 'hello') hearing.hello = frame;
    if (frame.type !== 'commands') return;
    this.#ledger.sent(this.#writer(hearing), frame.seq, frame.commands);
    const key = this.#key(hearing);
    const last = frame.seq + frame.commands.length - 1;
    this.#sent.set(key, Math.max(last, this.#sent.get(key) ?? 0));
  }

  /** The server put a frame on the wire: what it promises must be true at this moment. */
  told(hearing: Hearing, frame: ServerFrame): void {
    if (frame.type === 'welcome' || frame.type === 'forgotten' || frame.type === 'gone')
      this.#checkProven(hearing, frame);
    if (frame.type === 'welcome') {
      hearing.toldEpoch = frame.epoch;
      this.issued(hearing, frame.token);
      this.#checkWitness(hearing, frame);
    }
    this.#noteOffset(hearing, frame);
    if (!('checkpointed' in frame)) return;
    const { sessionId, toldEpoch: epoch = '' } = hearing;
    const { accepted, checkpointed } = frame;
    const writer = this.#writer(hearing);
    if (checkpointed > accepted)
      this.#fail(`${writer} was told checkpointed ${checkpointed} above accepted ${accepted} [C6]`);
    const sent = this.#sent.get(this.#key(hearing)) ?? 0;
    if (accepted > sent) this.#fail(`${writer} was told accepted ${accepted}, but sent ${sent}`);
    const last = this.#stores.record(sessionId).last(epoch);
    if (last === undefined || acceptedOf(last, writer) < accepted)
      this.#fail(`${writer} was told accepted ${accepted}; the log of ${epoch} never had it [C5]`);
    this.#stores.promised(sessionId, epoch, writer, checkpointed);
  }

  /** A client hears a frame on a connection it still listens to. */
  heard(hearing: Hearing, frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome': {
        const { position } = hearing.hello ?? {};
        hearing.epoch = frame.epoch;
        hearing.offset = position?.epoch === frame.epoch ? position.offset : undefined;
        break;
      }
      case 'snapshot':
        this.#checkSnapshot(hearing, frame.snapshot);
        hearing.offset = frame.snapshot.offset;
        break;
      case 'entries':
        for (const entry of frame.entries) this.#checkEntry(hearing, entry);
        break;
      case 'live':
        hearing.isLive = true;
        if (hearing.offset !== frame.offset)
          this.#fail(
            `${this.#writer(hearing)} is live at ${frame.offset} but was brought to ${hearing.offset} [R1]`,
          );
        break;
      case 'watermarks':
      case 'gap':
      case 'forgotten':
      case 'final':
      case 'gone':
      case 'goaway':
      case 'ping':
      case 'pong':
        break;
    }
    if ('checkpointed' in frame) this.#checkWatermarks(hearing, frame);
  }

  /** A client keeps what it believes: it must be what the log says. */
  keeps({ sessionId, clientId, epoch, snapshot }: StoredSession): void {
    if (epoch === undefined) return;
    const link = this.#stores.record(sessionId).at(epoch, snapshot.offset);
    const own = linkOf(snapshot);
    if (
      link === undefined ||
      link.digest !== own.digest ||
      link.accepted.join() !== own.accepted.join()
    )
      this.#fail(
        `${clientId} holds a state that offset ${snapshot.offset} of ${epoch} never had [E1]`,
      );
  }

  /** Whoever hears anything of a session has proven a token, and one that was not retired before. [A2] [A3] */
  #checkProven(
    { sessionId, clientId, hello }: Hearing,
    frame: Extract<ServerFrame, { type: 'welcome' | 'forgotten' | 'gone' }>,
  ): void {
    const { token = '' } = hello ?? {};
    if (this.#issued.get(`${sessionId} ${clientId}`)?.has(token) !== true)
      this.#fail(`${clientId} was told ${frame.type} for a token it was never given [A2]`);
    if (frame.type !== 'welcome') return;
    const link = this.#stores.record(sessionId).at(frame.epoch, frame.head);
    const proven = link === undefined ? 0 : generationOf(link, clientId);
    const generation = Number(token.split('.')[1]);
    if (generation < proven)
      this.#fail(`${clientId} was welcomed with token ${generation}, after ${proven} [A3]`);
  }

  /** Nobody is welcomed below what it showed to have seen; only a Postgres that forgot can have lost the epoch of it. [R4] [R11] */
  #checkWitness({ sessionId, clientId, hello }: Hearing, { epoch, head }: Welcome): void {
    const { witness } = hello ?? {};
    if (witness === undefined || this.#stores.hasForgotten(sessionId)) return;
    const record = this.#stores.record(sessionId);
    const isBelow =
      witness.epoch === epoch
        ? head < witness.offset
        : record.ageOf(epoch) < record.ageOf(witness.epoch);
    if (isBelow)
      this.#fail(
        `${clientId} was welcomed at ${head} of ${epoch}, and saw ${witness.offset} of ${witness.epoch} [R11]`,
      );
  }

  #checkSnapshot({ sessionId, clientId, epoch = '' }: Hearing, snapshot: Snapshot): void {
    const link = this.#stores.record(sessionId).at(epoch, snapshot.offset);
    const own = linkOf(snapshot);
    if (
      link === undefined ||
      link.digest !== own.digest ||
      link.accepted.join() !== own.accepted.join()
    )
      this.#fail(
        `${clientId} got a snapshot that offset ${snapshot.offset} of ${epoch} never had [E1]`,
      );
  }

  #checkEntry(hearing: Hearing, entry: Entry): void {
    const { sessionId, clientId, epoch = '', offset } = hearing;
    if (offset === undefined || entry.offset !== offset + 1)
      this.#fail(`${clientId} got entry ${entry.offset} after ${offset} of ${epoch} [E1]`);
    if (this.#stores.record(sessionId).agrees(epoch, entry) !== true)
      this.#fail(
        `${clientId} got an entry ${entry.offset} of ${epoch} that is not in the log [C5]`,
      );
    hearing.offset = entry.offset;
  }

  #checkWatermarks(hearing: Hearing, { accepted, checkpointed }: Watermarks): void {
    const key = `${this.#key(hearing)} ${hearing.epoch}`;
    const former = this.#heard.get(key);
    if (former !== undefined && (accepted < former.accepted || checkpointed < former.checkpointed))
      this.#fail(
        `watermarks of ${key} fell from ${former.accepted}/${former.checkpointed} to ${accepted}/${checkpointed} [C6]`,
      );
    this.#heard.set(key, { accepted, checkpointed });
  }

  #noteOffset({ sessionId, toldEpoch = '' }: Hearing, frame: ServerFrame): void {
    const record = this.#stores.record(sessionId);
    if (frame.type === 'welcome') record.told(toldEpoch, frame.head);
    if (frame.type === 'entries') record.told(toldEpoch, frame.entries.at(-1)?.offset ?? 0);
  }

  #writer({ clientId, hello }: Hearing): string {
    return writerKey(clientId, hello?.incarnation ?? '');
  }

  #key(hearing: Hearing): string {
    return `${hearing.sessionId} ${this.#writer(hearing)}`;
  }
}

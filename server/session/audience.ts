/** Everybody attached to one session: who is welcomed how, and who hears what. */
import { closeCodes, type CloseCode } from '../../shared/protocol/close-codes.ts';
import { encodeEntriesFrame, encodeFrame } from '../../shared/protocol/codec.ts';
import type { Hello, Snapshot } from '../../shared/protocol/frames.ts';
import { replayBytesMax, replayEntriesMax } from '../../shared/protocol/limits.ts';
import { acceptedSeq, revokedGeneration } from '../../shared/session/fold.ts';
import type { Reader } from './reader.ts';
import type { Answer, EncodedEntries } from './session.ts';
import type { Tail } from './tail.ts';
import { snapshotFrame, welcomeFrame, type WelcomeParts } from './welcome.ts';

/** What a session is at the moment somebody is told of it. */
export interface SessionView {
  readonly sessionId: string;
  readonly epoch: string;
  /** As far as the log. */
  readonly snapshot: Snapshot;
  /** As far as Postgres. */
  readonly saved: Snapshot;
  /** Whether the session kind says that it is over. */
  readonly isEnded: boolean;
  readonly tail: Tail;
}

const replacedReason = 'replaced: a newer connection of this client is there';

export class Audience {
  readonly #parts: WelcomeParts;
  readonly #readers = new Set<Reader>();

  constructor(parts: WelcomeParts) {
    this.#parts = parts;
  }

  get readers(): ReadonlySet<Reader> {
    return this.#readers;
  }

  /** Welcome, what was missed, `live`; the reader is a member before anything else can happen, so nothing falls between. [R1] */
  welcome(view: SessionView, reader: Reader): void {
    if (reader.generation === revokedGeneration) {
      this.#putOut(
        reader.clientId,
        closeCodes.forbidden,
        'token-revoked: this client gave up its right',
      );
      reader.close(closeCodes.left, 'revoked');
      return;
    }
    const mismatch = mismatchOf(view.snapshot, reader.hello);
    if (mismatch !== undefined) {
      reader.close(...mismatch);
      return;
    }
    if (!this.#replaceFormer(reader)) return;
    if (this.#readers.size >= this.#parts.limits.connections_max) {
      reader.close(closeCodes.overloaded, 'too-many-connections: the session is full');
      return;
    }
    const watermarks = watermarksOf(view, reader);
    const frames = [welcomeFrame(this.#parts, view, reader, watermarks)];
    const missed = missedBy(view, reader.hello);
    if (missed === undefined) frames.push(snapshotFrame(view.snapshot));
    else if (missed.length > 0)
      frames.push(encodeEntriesFrame(watermarks, this.#proof(view), missed.join(',')));
    frames.push(encodeFrame({ type: 'live', offset: view.snapshot.offset }));
    if (isFinal(view)) frames.push(finalFrame(view));
    reader.sendTogether(frames);
    reader.welcomed();
    this.#readers.add(reader);
  }

  answer(view: SessionView, answer: Answer<Reader>): void {
    const { reader } = answer;
    switch (answer.kind) {
      case 'joined':
        this.welcome(view, reader);
        break;
      case 'gap':
        reader.send(encodeFrame({ type: 'gap', expected: answer.expected }));
        break;
      case 'diverged':
        reader.close(closeCodes.diverged, 'storage-diverged: another command has this seq');
        break;
      case 'retired':
        reader.close(closeCodes.forbidden, 'token-retired: a newer token was used');
        break;
      case 'revoked':
        reader.close(closeCodes.forbidden, 'token-revoked: this client gave up its right');
        break;
      case 'put-off':
        reader.close(closeCodes.storeUnavailable, 'store-unavailable: try again');
        break;
      case 'too-many-writers':
        reader.close(closeCodes.overloaded, 'too-many-writers: the session has had its devices');
        break;
    }
  }

  tellEntries(view: SessionView, { text }: EncodedEntries): void {
    const proof = this.#proof(view);
    for (const reader of this.#readers)
      reader.send(encodeEntriesFrame(watermarksOf(view, reader), proof, text));
    this.#tellFinal(view);
  }

  tellWatermarks(view: SessionView): void {
    for (const reader of this.#readers)
      reader.send(encodeFrame({ type: 'watermarks', ...watermarksOf(view, reader) }));
    this.#tellFinal(view);
  }

  /** The final receipt, after the watermarks that make it true: a client that lacks nothing may let its copy go. [L1] */
  #tellFinal(view: SessionView): void {
    if (isFinal(view)) for (const reader of this.#readers) reader.send(finalFrame(view));
  }

  /** Asks for commands that were put aside: to a client it looks like a gap, and it goes on from there. [C3] [B10] */
  askAgain({ snapshot }: SessionView, readers: Iterable<Reader>): void {
    for (const { clientId, hello, send } of readers) {
      const accepted = acceptedSeq(snapshot, clientId, hello.incarnation);
      send(encodeFrame({ type: 'gap', expected: accepted + 1 }));
    }
  }

  #proof({ sessionId, epoch, snapshot }: SessionView): string {
    return this.#parts.signPosition(sessionId, epoch, snapshot.offset);
  }

  leave(reader: Reader): void {
    this.#readers.delete(reader);
  }

  closeAll(code: CloseCode, reason: string): void {
    const readers = [...this.#readers];
    this.#readers.clear();
    for (const reader of readers) reader.close(code, reason);
  }

  #putOut(clientId: string, code: CloseCode, reason: string): void {
    for (const reader of this.#readers) {
      if (reader.clientId !== clientId) continue;
      this.#readers.delete(reader);
      reader.close(code, reason);
    }
  }

  /** Puts out what this client has here: it has a newer connection, which is no member. [R5] */
  replace(clientId: string): void {
    this.#putOut(clientId, closeCodes.replaced, replacedReason);
  }

  /**
   * A client has one connection: the newer one wins, even over one whose end nobody noticed yet. Returns whether that is this one: it
   * may have waited longer for the stores than the newer one. [R5]
   */
  #replaceFormer({ clientId, arrival, close }: Reader): boolean {
    for (const other of this.#readers) {
      if (other.clientId !== clientId) continue;
      if (other.arrival > arrival) {
        close(closeCodes.replaced, replacedReason);
        return false;
      }
      this.#readers.delete(other);
      other.close(closeCodes.replaced, replacedReason);
    }
    return true;
  }
}

/** The session has ended, and Postgres has all of it. */
function isFinal({ isEnded, snapshot, saved }: SessionView): boolean {
  return isEnded && saved.offset === snapshot.offset;
}

function finalFrame({ snapshot }: SessionView): string {
  return encodeFrame({ type: 'final', offset: snapshot.offset });
}

/** Why this client cannot follow the session, if so. [H6] */
function mismatchOf(
  { kind, version }: Snapshot,
  hello: Hello,
): [CloseCode, reason: string] | undefined {
  if (hello.kind !== kind)
    return [closeCodes.protocolError, 'kind-mismatch: the session is of another kind'];
  if (hello.version < version)
    return [closeCodes.clientTooOld, 'client-too-old: load the app anew'];
  return undefined;
}

interface Watermarks {
  readonly accepted: number;
  readonly checkpointed: number;
}

/** `checkpointed` never exceeds `accepted`, because what is saved was in the log before. [C6] */
function watermarksOf({ snapshot, saved }: SessionView, { clientId, hello }: Reader): Watermarks {
  return {
    accepted: acceptedSeq(snapshot, clientId, hello.incarnation),
    checkpointed: acceptedSeq(saved, clientId, hello.incarnation),
  };
}

/** Texts of exactly the entries after the client's position, or undefined when a snapshot must do: never a part. [R1] [R3] */
function missedBy(
  { epoch, snapshot, tail }: SessionView,
  { position }: Hello,
): readonly string[] | undefined {
  if (position === undefined || position.epoch !== epoch) return undefined;
  const count = snapshot.offset - position.offset;
  if (count < 0 || count > replayEntriesMax) return undefined;
  if (count === 0) return [];
  const missed = tail.after(position.offset);
  const bytes = missed?.reduce((sum, text) => sum + text.length, 0) ?? 0;
  return bytes > replayBytesMax ? undefined : missed;
}

/** Runs one session this instance owns: one input at a time, entries to the log first, then to the readers. */
import { delay } from '../../shared/clock.ts';
import { closeCodes, type CloseCode } from '../../shared/protocol/close-codes.ts';
import type { Snapshot, WireCommand } from '../../shared/protocol/frames.ts';
import { replayEntriesMax } from '../../shared/protocol/limits.ts';
import type { AppendResult } from '../store/journal.ts';
import { appendStep, withJoinsPutOff } from './append-step.ts';
import { Audience, type SessionView } from './audience.ts';
import * as bounds from './host-limits.ts';
import type { HostParts } from './host-parts.ts';
import { Mailbox } from './mailbox.ts';
import type { OpenedSession } from './open-session.ts';
import { Ownership } from './ownership.ts';
import { sawLater, type Reader, type RecalledHashes } from './reader.ts';
import { recallHashes } from './recall-hashes.ts';
import { SessionLog } from './session-log.ts';
import { SessionSaver } from './session-saver.ts';
import { stepSession, type Answer, type Input, type Step } from './session.ts';
import { Tail } from './tail.ts';

export class SessionHost {
  readonly sessionId: string;
  readonly #session: OpenedSession;
  readonly #parts: HostParts;
  readonly #audience: Audience;
  readonly #saver: SessionSaver;
  readonly #tail: Tail;
  #snapshot: Snapshot;
  readonly #mailbox = new Mailbox();
  #isRunning = false;
  #running: Promise<void> = Promise.resolve();
  #isRetiring = false;
  readonly #ownership: Ownership;
  readonly #log: SessionLog;
  /** Readers whose commands were put aside because too much waits for Postgres; undefined when none were. */
  #stalled: Set<Reader> | undefined;
  /** Why the session was let go, once it was. */
  #released: { readonly code: CloseCode; readonly reason: string } | undefined;
  #checkpointing: Promise<void> | undefined;
  #unsavedSinceMs: number | undefined;
  #detachedSinceMs: number | undefined;

  constructor(session: OpenedSession, parts: HostParts) {
    this.sessionId = session.sessionId;
    this.#session = session;
    this.#parts = parts;
    this.#audience = new Audience(parts);
    this.#log = new SessionLog(session, parts.journals, parts.clock);
    this.#saver = new SessionSaver(session, parts.journals, parts.counts);
    this.#tail = new Tail(session.recent);
    this.#snapshot = session.snapshot;
    this.#detachedSinceMs = parts.clock.elapsedMs();
    this.#ownership = new Ownership({
      log: this.#log,
      saver: this.#saver,
      clock: parts.clock,
      claim: () => this.checkpoint(),
      lost: (result) => this.#letGo(result),
    });
    if (this.#unsavedCount > 0) this.#unsavedSinceMs = parts.clock.elapsedMs();
  }

  get readers(): ReadonlySet<Reader> {
    return this.#audience.readers;
  }

  get view(): SessionView {
    const { sessionId, epoch, model } = this.#session;
    return {
      sessionId,
      epoch,
      snapshot: this.#snapshot,
      isEnded: model.isEnded?.(this.#snapshot.state) ?? false,
      saved: this.#saver.saved,
      tail: this.#tail,
    };
  }

  /** Since when something waits for a checkpoint; undefined when nothing does. */
  get unsavedSinceMs(): number | undefined {
    return this.#unsavedSinceMs;
  }

  /** Since when nobody is attached; undefined when somebody is. */
  get detachedSinceMs(): number | undefined {
    return this.#detachedSinceMs;
  }

  /** When the log was last written to, or was to be looked at. */
  get confirmedMs(): number {
    return this.#ownership.confirmedMs;
  }

  /** Asks whether this owner still is one: who only listens would never learn that the session went on elsewhere. [O2] */
  confirm(): void {
    this.#ownership.request().catch((error: unknown) => this.#fail(error));
    if (!this.#isRunning) this.#running = this.#run();
  }

  /** Before a client attaches that saw a later epoch: rejects with FencedError or StoreUnavailableError when it must not. [O2] */
  async admit({ sighting }: Reader): Promise<void> {
    if (sawLater(sighting, this.#session.epoch, this.#snapshot)) await this.#ownership.prove();
  }

  /** Older hashes for a client that asks for them; to be looked up before it attaches. */
  recall(reader: Reader): Promise<RecalledHashes | undefined> {
    const owned = { ownerId: this.#session.ownerId, savedHead: this.#saver.confirmableOffset };
    return recallHashes(this.#parts.journals.checkpoints, { ...this.view, ...owned }, reader);
  }

  /** Takes a client in: it joins the log, gets welcome, what it missed, and from then on everything. */
  attach(reader: Reader): void {
    const { clientId, hello, generation } = reader;
    this.#enqueue({ kind: 'join', reader, clientId, incarnation: hello.incarnation, generation });
  }

  /** Commands of an attached reader, the first one with that seq, and their hashes, where the client told them. */
  receive(
    reader: Reader,
    seq: number,
    commands: readonly WireCommand[],
    hashes?: readonly string[],
  ): void {
    if (this.#mailbox.hasLeft(reader)) return;
    if (this.#unsavedCount >= bounds.unsavedEntriesMax) {
      (this.#stalled ??= new Set()).add(reader);
      reader.settled(commands.length);
      return;
    }
    const { clientId, hello } = reader;
    const { incarnation } = hello;
    this.#enqueue({ kind: 'commands', reader, clientId, incarnation, seq, commands, hashes });
  }

  detach(reader: Reader): void {
    this.#mailbox.leave(reader);
    this.#stalled?.delete(reader);
    this.#audience.leave(reader);
    if (this.readers.size === 0) this.#detachedSinceMs ??= this.#parts.clock.elapsedMs();
  }

  /** Writes what Postgres does not have yet. Resolves when it is there, or when it must wait for the next time. */
  checkpoint(): Promise<void> {
    this.#checkpointing ??= this.#save()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => void (this.#checkpointing = undefined));
    return this.#checkpointing;
  }

  /** Checkpoints everything there is now, also what came in while a checkpoint was under way. */
  async flush(): Promise<void> {
    await this.checkpoint();
    await this.checkpoint();
  }

  /** Lets the session go in order: takes nothing more, finishes what it took, saves it, and closes who is there. [D3] */
  async retire(code: CloseCode, reason: string): Promise<void> {
    this.#isRetiring = true;
    await this.#running;
    // Once it is let go, nothing is written any more: trying again would only wait.
    const isOwed = (): boolean => this.#released === undefined && this.#unsavedCount > 0;
    for (let tries = 0; tries < bounds.flushTriesMax && isOwed(); tries++) {
      await this.checkpoint();
      if (isOwed()) await delay(this.#parts.clock, bounds.flushRetryMs);
    }
    this.release(code, reason);
  }

  /** Lets the session go at once: connections are closed, nothing is written any more. Safe at any time: the stores have all. */
  release(code: CloseCode, reason: string): void {
    if (this.#released !== undefined) return;
    this.#released = { code, reason };
    if (code === closeCodes.fenced) this.#saver.counts.fenced++;
    this.#audience.closeAll(code, reason);
    for (const { reader } of this.#mailbox.take(Infinity)) reader.close(code, reason);
    this.#parts.released(this.#checkpointing);
  }

  /** Lets the session go for a newer connection of a client, which has seen more than is here. [R4] [R5] */
  giveWay(clientId: string): void {
    this.#audience.replace(clientId);
    this.release(closeCodes.fenced, 'continuity must be proven anew');
  }

  #enqueue(input: Input<Reader>): void {
    if (this.#released !== undefined) {
      input.reader.close(this.#released.code, this.#released.reason);
      return;
    }
    if (this.#isRetiring) return;
    this.#mailbox.push(input);
    if (!this.#isRunning) this.#running = this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while ((!this.#mailbox.isEmpty || this.#ownership.isDue) && this.#released === undefined) {
      const inputs = this.#mailbox.take(bounds.batchInputsMax);
      try {
        const isOwn = this.#log.isInRedis || (await this.#log.rejoin(this.#snapshot));
        if (!isOwn) this.release(closeCodes.fenced, 'the session moved');
        if (this.#released === undefined && inputs.length > 0) await this.#take(inputs);
        if (this.#released === undefined && this.#ownership.isDue)
          await this.#ownership.check(this.#snapshot.offset);
      } catch (error) {
        this.#fail(error);
      }
      this.#turnAway(inputs);
    }
    this.#isRunning = false;
  }

  /** Readers that were about to join are in no set yet when the session is let go; closing one twice does nothing. */
  #turnAway(inputs: readonly Input<Reader>[]): void {
    if (this.#released === undefined) return;
    for (const { reader } of inputs) reader.close(this.#released.code, this.#released.reason);
  }

  async #take(inputs: readonly Input<Reader>[]): Promise<void> {
    const { writers_max: writersMax } = this.#parts.limits;
    const step = stepSession(this.#session.model, this.#snapshot, inputs, writersMax);
    const parts = { session: this.#session, log: this.#log, saver: this.#saver };
    const isWanted = (): boolean => this.#released === undefined;
    const result = await appendStep(parts, this.#snapshot, step, isWanted);
    if (this.#released !== undefined) return;
    if (result !== 'appended' && result !== 'put-off') return this.#letGo(result);
    this.#commit(result === 'put-off' ? withJoinsPutOff(step) : step);
    for (const input of inputs)
      if (input.kind === 'commands') input.reader.settled(input.commands.length);
  }

  #commit(step: Step<Reader>): void {
    for (const error of step.modelErrors) this.#parts.reportError(error, this.sessionId);
    this.#snapshot = step.next;
    if (step.entries !== undefined) {
      this.#tail.push(step.entries);
      this.#saver.counts.entriesAccepted += step.entries.last - step.entries.first + 1;
      this.#ownership.confirmed();
    }
    if (!this.#log.isInRedis) this.#saver.markSaved(step.next);
    if (this.#unsavedCount > 0) this.#unsavedSinceMs ??= this.#parts.clock.elapsedMs();
    if (step.entries !== undefined) this.#audience.tellEntries(this.view, step.entries);
    for (const answer of step.answers) this.#answer(answer);
    this.#forgetReplayed();
  }

  #answer(answer: Answer<Reader>): void {
    const { reader } = answer;
    const isRefusal = answer.kind !== 'joined' && answer.kind !== 'gap';
    if (this.#mailbox.hasLeft(reader)) return;
    this.#audience.answer(this.view, answer);
    if (isRefusal) this.#mailbox.leave(reader);
    if (this.readers.size > 0) this.#detachedSinceMs = undefined;
  }

  async #save(): Promise<void> {
    if (this.#released !== undefined || !this.#log.isInRedis) return;
    const at = this.#snapshot;
    const saved = await this.#saver.save(at, this.#tail);
    if (saved === 'refused' || (saved === 'untold' && this.#isUntoldTooLong(at)))
      this.release(closeCodes.fenced, 'the session moved');
    if (this.#released !== undefined || saved !== 'saved') return;
    this.#unsavedSinceMs = this.#unsavedCount > 0 ? this.#parts.clock.elapsedMs() : undefined;
    this.#forgetReplayed();
    this.#audience.tellWatermarks(this.view);
    if (this.#stalled !== undefined) this.#audience.askAgain(this.view, this.#stalled);
    this.#stalled = undefined;
  }

  /** Not while commands come in: then the next append tells what Redis is up to. */
  #isUntoldTooLong(at: Snapshot): boolean {
    const nowMs = this.#parts.clock.elapsedMs();
    return at === this.#snapshot && nowMs - (this.#unsavedSinceMs ?? nowMs) >= bounds.untoldMaxMs;
  }

  /** Entries that Postgres does not have. */
  get #unsavedCount(): number {
    return this.#snapshot.offset - this.#saver.saved.offset;
  }

  #forgetReplayed(): void {
    this.#tail.keepLatest(Math.max(replayEntriesMax, this.#unsavedCount));
  }

  /** Our own mistake costs this session one reconnect, and no other session anything. */
  #fail(error: unknown): void {
    this.#parts.reportError(error, this.sessionId);
    this.release(closeCodes.internal, 'internal');
  }

  async #letGo(result: Exclude<AppendResult, 'appended'> | 'unavailable'): Promise<void> {
    if (result === 'unavailable' && !this.#log.isInRedis) {
      this.release(closeCodes.storeUnavailable, 'store-unavailable: neither yes nor no');
      return;
    }
    // A store is away, or lost data: what only this memory holds goes to Postgres before the session is opened anew.
    if (result !== 'fenced') await this.flush();
    this.release(closeCodes.fenced, 'the session moved');
  }
}

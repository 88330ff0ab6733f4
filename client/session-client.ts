/** One session on this device: keeps the outbox and the replica, and brings them together with the server after every break. */
import type { Clock } from '../shared/clock.ts';
import { closeCodes } from '../shared/protocol/close-codes.ts';
import type {
  Hello,
  ServerFrame,
  Snapshot,
  Welcome,
  WireCommand,
} from '../shared/protocol/frames.ts';
import type { AnyModel } from '../shared/session/session-model.ts';
import { CommandSender } from './command-sender.ts';
import { foresee, type Forecast } from './forecast.ts';
import { LinkKeeper } from './link-keeper.ts';
import type { WebSocketConstructor } from './link.ts';
import {
  addCommand,
  emptyOutbox,
  lastSeq,
  meetWelcome,
  raiseWatermarks,
  reincarnate,
  type Outbox,
} from './outbox.ts';
import { applyEntries, positionOf, type Replica } from './replica.ts';
import type { SessionStorage, StoredSession } from './session-storage.ts';
import type { ResumeReceipt, Status } from './status.ts';

export interface ClientParts {
  readonly model: AnyModel;
  readonly storage: SessionStorage;
  readonly WebSocket: WebSocketConstructor;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly newId: () => string;
  /** Something an app can show or log that it need not act on: storage that fails, a listener that throws. */
  readonly warn: (problem: unknown) => void;
}

export interface ClientView {
  readonly state: unknown;
  readonly status: Status;
  /** Commands not in Postgres yet. */
  readonly unsaved: number;
  /** Commands not in the session's log yet. */
  readonly unaccepted: number;
  /** How the latest break or start went. */
  readonly receipt: ResumeReceipt | undefined;
  /** Why it stopped, from the table of close codes. */
  readonly stopCode: number | undefined;
}

export class SessionClient {
  readonly #parts: ClientParts;
  readonly #listeners = new Set<(view: ClientView) => void>();
  readonly #keeper: LinkKeeper;
  readonly #sender: CommandSender;
  readonly #identity: Pick<StoredSession, 'sessionId' | 'clientId' | 'url'>;
  #token: string;
  #outbox: Outbox;
  #replica: Replica;
  /** Made when it is looked at, and anew when the session turned out differently. */
  #forecast: Forecast | undefined;
  #view: ClientView | undefined;
  #receipt: ResumeReceipt | undefined;
  #resuming: Omit<ResumeReceipt, 'gapMs'> = { replayed: 0, resent: 0, lost: 0, result: 'new' };
  #isLive = false;

  constructor(session: StoredSession, commands: readonly WireCommand[], parts: ClientParts) {
    const { sessionId, clientId, url, incarnation, accepted, checkpointed, epoch, snapshot } =
      session;
    this.#parts = parts;
    this.#identity = { sessionId, clientId, url };
    this.#token = session.token;
    this.#outbox = { ...emptyOutbox(incarnation), commands, accepted, checkpointed };
    this.#replica = { epoch, confirmed: snapshot };
    const { WebSocket, clock, random } = parts;
    this.#keeper = new LinkKeeper(
      { url: url.replace(/^http/, 'ws'), WebSocket, clock, random, hello: () => this.#hello() },
      {
        frame: (frame) => this.#receive(frame),
        statusChanged: () => this.#statusChanged(),
        diverged: () => this.#startIncarnation(),
      },
    );
    this.#sender = new CommandSender(clock, (frame) => this.#keeper.send(frame));
    this.#sender.kept(lastSeq(this.#outbox));
  }

  start(): void {
    this.#keeper.connect();
  }

  /** Takes effect in the view at once; is kept, sent, and sent again until it is saved. The model has already checked the command. */
  send(type: string, data: unknown): void {
    if (this.#keeper.status === 'stopped') throw new Error('The session has ended on this device.');
    this.#outbox = addCommand(this.#outbox, [type, data, this.#parts.clock.nowMs()]);
    const seq = lastSeq(this.#outbox);
    const { incarnation, commands } = this.#outbox;
    for (const command of commands.slice(-1)) this.#forecast?.add(command);
    const kept = (): void => {
      if (this.#outbox.incarnation !== incarnation) return;
      this.#sender.kept(seq);
      this.#sender.pump(this.#outbox);
    };
    // A command that cannot be kept is still sent: the session does not depend on this device's storage.
    void this.#parts.storage
      .addCommands(incarnation, seq, commands.slice(-1))
      .catch(this.#parts.warn)
      .then(kept);
    this.#changed();
  }

  /** Calls back after every change, and once now. Returns a function that stops it. */
  subscribe(listener: (view: ClientView) => void): () => void {
    this.#listeners.add(listener);
    listener(this.view());
    return () => this.#listeners.delete(listener);
  }

  view(): ClientView {
    const { model } = this.#parts;
    this.#forecast ??= foresee(
      model,
      this.#replica.confirmed,
      this.#identity.clientId,
      this.#outbox,
    );
    this.#view ??= {
      state: this.#forecast.state,
      status: this.#keeper.status,
      unsaved: lastSeq(this.#outbox) - this.#outbox.checkpointed,
      unaccepted: lastSeq(this.#outbox) - this.#outbox.accepted,
      receipt: this.#receipt,
      stopCode: this.#keeper.stopCode,
    };
    return this.#view;
  }

  wake(): void {
    this.#keeper.wake();
  }

  wentOffline(): void {
    this.#keeper.wentOffline();
  }

  /** Leaves; the session goes on and can be taken up again. */
  close(): void {
    this.#keeper.send({ type: 'bye' });
    this.#keeper.stop(closeCodes.left);
  }

  #hello(): Hello {
    const { kind, version } = this.#parts.model;
    const position = positionOf(this.#replica);
    const { incarnation, accepted } = this.#outbox;
    const hello = {
      type: 'hello',
      token: this.#token,
      incarnation,
      kind,
      version,
      accepted,
    } as const;
    return position === undefined ? hello : { ...hello, position };
  }

  /** Whatever goes wrong in here is healed by a snapshot: the connection is made anew without a position. */
  #receive(frame: ServerFrame): void {
    try {
      this.#take(frame);
    } catch (error) {
      this.#parts.warn(error);
      this.#replica = { ...this.#replica, epoch: undefined };
      this.#keeper.connect();
    }
  }

  #take(frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        this.#welcomed(frame);
        break;
      case 'snapshot':
        this.#adopt(frame.snapshot);
        break;
      case 'entries':
        this.#replica = applyEntries(this.#parts.model, this.#replica, frame.entries);
        if (this.#forecast?.agreesWith(frame.entries) === false) this.#forecast = undefined;
        if (!this.#isLive) this.#countReplayed(frame.entries.length);
        this.#heard(frame);
        break;
      case 'live':
        this.#served();
        break;
      case 'watermarks':
        this.#heard(frame);
        this.#keep();
        break;
      case 'gap':
        this.#sender.rewind(frame.expected - 1);
        this.#sender.pump(this.#outbox);
        break;
      case 'goaway':
        this.#keeper.move(frame.slot_ms);
        break;
      case 'ping':
      case 'pong':
        break;
    }
  }

  #welcomed(welcome: Welcome): void {
    const verdict = meetWelcome(this.#outbox, welcome);
    if (verdict.kind === 'diverged') {
      this.#startIncarnation();
      return;
    }
    this.#isLive = false;
    this.#outbox = verdict.outbox;
    this.#token = welcome.token;
    this.#keeper.setBackoff(welcome.backoff_ms);
    this.#replica = { ...this.#replica, epoch: welcome.epoch };
    const resent = Math.max(0, this.#sender.sentSeq - welcome.accepted);
    this.#resuming = { replayed: 0, resent, lost: verdict.lostCount, result: welcome.result };
    this.#sender.resume(welcome.accepted, welcome.limits);
    this.#sender.pump(this.#outbox);
  }

  #adopt(confirmed: Snapshot): void {
    this.#replica = { ...this.#replica, confirmed };
    this.#forecast = undefined;
    this.#changed();
  }

  #countReplayed(count: number): void {
    this.#resuming = { ...this.#resuming, replayed: this.#resuming.replayed + count };
  }

  #heard(watermarks: { readonly accepted: number; readonly checkpointed: number }): void {
    this.#outbox = raiseWatermarks(this.#outbox, watermarks);
    this.#sender.accepted(this.#outbox.accepted);
    this.#sender.pump(this.#outbox);
    this.#changed();
  }

  #served(): void {
    this.#isLive = true;
    const gapMs = this.#keeper.served();
    this.#receipt = { gapMs, ...this.#resuming };
    this.#keep();
    this.#changed();
  }

  /** This storage is a copy, or was rolled back: what was never accepted is numbered anew under a new name. [R7] */
  #startIncarnation(): void {
    this.#sender.suspend();
    this.#outbox = reincarnate(this.#outbox, this.#parts.newId());
    this.#forecast = undefined;
    const { incarnation, commands } = this.#outbox;
    this.#sender.kept(lastSeq(this.#outbox));
    this.#parts.storage.addCommands(incarnation, 1, commands).catch(this.#parts.warn);
    this.#keep();
    this.#keeper.connect();
  }

  #keep(): void {
    const { incarnation, accepted, checkpointed } = this.#outbox;
    const { epoch, confirmed: snapshot } = this.#replica;
    const watermarks = { incarnation, accepted, checkpointed };
    const session = { ...this.#identity, token: this.#token, ...watermarks, epoch, snapshot };
    this.#parts.storage.save(session).catch(this.#parts.warn);
  }

  #statusChanged(): void {
    const { status } = this.#keeper;
    if (status === 'reconnecting' || status === 'stopped') this.#sender.suspend();
    this.#changed();
  }

  #changed(): void {
    this.#view = undefined;
    if (this.#listeners.size === 0) return;
    const view = this.view();
    for (const listener of this.#listeners) {
      try {
        listener(view);
      } catch (error) {
        this.#parts.warn(error);
      }
    }
  }
}

/** One session on this device: keeps the outbox and the replica, and brings them together with the server after every break. */
import type { Clock } from '../shared/clock.ts';
import { closeCodes } from '../shared/protocol/close-codes.ts';
import type {
  ClientFrame,
  Entry,
  ServerFrame,
  Snapshot,
  Welcome,
  WireCommand,
} from '../shared/protocol/frames.ts';
import type { AnyModel } from '../shared/session/session-model.ts';
import { CommandKeeper } from './command-keeper.ts';
import { CommandSender } from './command-sender.ts';
import { foresee, type Forecast } from './forecast.ts';
import { makeHello } from './hello.ts';
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
import { applyEntries, type Replica } from './replica.ts';
import { SessionKeeper } from './session-keeper.ts';
import type { SessionStorage, StoredSession } from './session-storage.ts';
import type { ClientView, ResumeReceipt } from './status.ts';

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

export class SessionClient {
  readonly #parts: ClientParts;
  readonly #listeners = new Set<(view: ClientView) => void>();
  readonly #keeper: LinkKeeper;
  readonly #sender: CommandSender;
  readonly #commands: CommandKeeper;
  readonly #clientId: string;
  readonly #storage: SessionKeeper;
  #outbox: Outbox;
  #replica: Replica;
  /** Made when it is looked at, and anew when the session turned out differently. */
  #forecast: Forecast | undefined;
  #view: ClientView | undefined;
  #receipt: ResumeReceipt | undefined;
  #resuming: Omit<ResumeReceipt, 'gapMs'> = { replayed: 0, resent: 0, lost: 0, result: 'new' };
  #isLive = false;
  /** What the server welcomed with; the replica's own once it holds a state of it. */
  #epoch: string | undefined;
  /** Set while it is not known from where on this storage and the server differ. [R7] */
  #hashesFrom: number | undefined;

  constructor(session: StoredSession, commands: readonly WireCommand[], parts: ClientParts) {
    const { clientId, url, input, incarnation, epoch, snapshot, witness } = session;
    const { accepted, checkpointed } = session;
    this.#parts = parts;
    this.#clientId = clientId;
    this.#storage = new SessionKeeper(session, parts);
    this.#outbox = { ...emptyOutbox(incarnation), commands, accepted, checkpointed };
    this.#replica = { epoch, confirmed: snapshot, witness };
    const { WebSocket, clock, random } = parts;
    this.#keeper = new LinkKeeper(
      {
        url: url.replace(/^http/, 'ws'),
        WebSocket,
        clock,
        random,
        hello: () => this.#hello(),
        remind: () => ({ type: 'remind', input }),
      },
      {
        frame: (frame) => this.#receive(frame),
        statusChanged: () => this.#changed(),
        unlinked: () => this.#sender.suspend(),
      },
    );
    this.#sender = new CommandSender(clock, (frame) => this.#keeper.send(frame));
    this.#sender.kept(lastSeq(this.#outbox));
    this.#commands = new CommandKeeper(this.#outbox, {
      ...parts,
      kept: (incarnation, throughSeq) => {
        if (this.#outbox.incarnation !== incarnation) return;
        this.#sender.kept(throughSeq);
        this.#sender.pump(this.#outbox);
      },
    });
  }

  start(): void {
    this.#keeper.connect();
  }
  /** Takes effect in the view at once; is kept, sent, and sent again until it is saved. The model has already checked the command. */
  send(type: string, data: unknown): void {
    if (this.#keeper.status === 'stopped') throw new Error('The session has ended on this device.');
    this.#outbox = addCommand(this.#outbox, [type, data, this.#parts.clock.nowMs()]);
    for (const command of this.#outbox.commands.slice(-1)) this.#forecast?.add(command);
    this.#commands.keep(this.#outbox);
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
    this.#forecast ??= foresee(model, this.#replica.confirmed, this.#clientId, this.#outbox);
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

  #hello(): ClientFrame {
    const [outbox, replica, hashesFrom] = [this.#outbox, this.#replica, this.#hashesFrom];
    const [{ model }, { token }] = [this.#parts, this.#storage];
    return makeHello({ model, token, outbox, replica, hashesFrom });
  }

  /** Whatever goes wrong in here is healed by a snapshot: the connection is made anew without a position. */
  #receive(frame: ServerFrame): void {
    try {
      this.#take(frame);
    } catch (error) {
      this.#parts.warn(error);
      this.#replica = { ...this.#replica, epoch: undefined };
      this.#keeper.startOver();
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
        this.#apply(frame);
        this.#heard(frame);
        this.#keep();
        break;
      case 'live':
        this.#served(frame.offset);
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
      case 'forgotten':
        break;
    }
  }

  #welcomed(welcome: Welcome): void {
    const verdict = meetWelcome(this.#outbox, welcome);
    if (verdict.kind === 'diverged') return this.#startIncarnation(verdict.commonSeq);
    if (verdict.kind === 'unclear') return this.#askForHashes();
    this.#isLive = false;
    this.#hashesFrom = undefined;
    const { epoch, head: offset, proof } = welcome;
    this.#epoch = epoch;
    this.#replica = { ...this.#replica, witness: { epoch, offset, proof } };
    this.#outbox = verdict.outbox;
    this.#storage.renew(welcome.token);
    this.#keep();
    this.#keeper.setBackoff(welcome.backoff_ms);
    const resent = Math.max(0, this.#sender.sentSeq - welcome.accepted);
    this.#resuming = { replayed: 0, resent, lost: verdict.lostCount, result: welcome.result };
    this.#sender.resume(welcome.accepted, welcome.limits);
    this.#sender.pump(this.#outbox);
  }

  #adopt(confirmed: Snapshot): void {
    this.#replica = { ...this.#replica, epoch: this.#epoch, confirmed };
    this.#forecast = undefined;
    this.#changed();
  }

  /** A replay may begin with entries that the connection before still brought: they are the same ones. [E1] */
  #apply({ entries, proof }: { readonly entries: readonly Entry[]; readonly proof: string }): void {
    if (this.#replica.epoch !== this.#epoch)
      throw new Error('Entries of an epoch came before its state.');
    const { offset } = this.#replica.confirmed;
    const fresh = this.#isLive ? entries : entries.filter((entry) => entry.offset > offset);
    this.#replica = applyEntries(this.#parts.model, this.#replica, fresh, proof);
    if (this.#forecast?.agreesWith(fresh) === false) this.#forecast = undefined;
    if (this.#isLive) return;
    this.#resuming = { ...this.#resuming, replayed: this.#resuming.replayed + fresh.length };
  }

  #heard(watermarks: { readonly accepted: number; readonly checkpointed: number }): void {
    // Another copy of this storage gives commands under the same name.
    if (watermarks.accepted > lastSeq(this.#outbox))
      throw new Error('Commands of another copy were accepted.');
    this.#outbox = raiseWatermarks(this.#outbox, watermarks);
    this.#sender.accepted(this.#outbox.accepted);
    this.#sender.pump(this.#outbox);
    this.#changed();
  }

  #served(offset: number): void {
    const { epoch, confirmed } = this.#replica;
    if (epoch !== this.#epoch || confirmed.offset !== offset)
      throw new Error('The state is not the one that was promised.');
    this.#isLive = true;
    const gapMs = this.#keeper.served();
    this.#receipt = { gapMs, ...this.#resuming };
    this.#keep();
    this.#changed();
  }

  /** The first time at once; when the server cannot tell either, because Postgres is away, it waits: a guess would lose or repeat. */
  #askForHashes(): void {
    const isAsked = this.#hashesFrom !== undefined;
    this.#hashesFrom = this.#outbox.forgottenCount + 1;
    if (isAsked) this.#keeper.startOver();
    else this.#keeper.connect();
  }

  /** This storage is a copy, or was rolled back: what the server does not have is numbered anew under a new name. [R7] */
  #startIncarnation(commonSeq: number): void {
    this.#outbox = reincarnate(this.#outbox, commonSeq, this.#parts.newId());
    this.#hashesFrom = undefined;
    this.#forecast = undefined;
    this.#sender.kept(0);
    this.#keep();
    this.#commands.keep(this.#outbox);
    this.#keeper.connect();
  }

  #keep(): void {
    // After its end the app may have the storage cleared; nothing is put back then.
    if (this.#keeper.status === 'stopped') return;
    this.#storage.keep(this.#outbox, this.#replica);
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

/** One session on this device: keeps the outbox and the replica, and brings them together with the server after every break. */
import type {
  ClientFrame,
  Entry,
  ServerFrame,
  Snapshot,
  Welcome,
  WireCommand,
} from '../shared/protocol/frames.ts';
import type { ClientParts } from './client-parts.ts';
import { CommandKeeper } from './command-keeper.ts';
import { CommandSender } from './command-sender.ts';
import { makeHello, makeReminder } from './hello.ts';
import { LinkKeeper } from './link-keeper.ts';
import {
  addCommand,
  forgetCommands,
  keptOutbox,
  lastSeq,
  latestCommand,
  meetWelcome,
  raiseWatermarks,
  reincarnate,
  type Outbox,
} from './outbox.ts';
import { Outlook, type Facts } from './outlook.ts';
import { applyEntries, lateCountOf, type Replica } from './replica.ts';
import { ResumeAccount } from './resume-account.ts';
import { SessionKeeper } from './session-keeper.ts';
import type { StoredSession } from './session-storage.ts';
import type { ClientView } from './status.ts';
import type { StopReason } from './stop-reason.ts';

export class SessionClient {
  readonly #parts: ClientParts;
  readonly #outlook: Outlook;
  readonly #keeper: LinkKeeper;
  readonly #sender: CommandSender;
  readonly #commands: CommandKeeper;
  readonly #storage: SessionKeeper;
  #outbox: Outbox;
  #replica: Replica;
  readonly #account: ResumeAccount;
  #isLive = false;
  #isFinal = false;
  /** What the server welcomed with; the replica's own once it holds a state of it. */
  #epoch: string | undefined;
  /** Set while it is not known from where on this storage and the server differ. [R7] */
  #hashesFrom: number | undefined;

  constructor(session: StoredSession, commands: readonly WireCommand[], parts: ClientParts) {
    const { clientId, incarnation, epoch, snapshot, witness } = session;
    this.#parts = parts;
    this.#outlook = new Outlook({ clientId, facts: () => this.#facts(), ...parts });
    this.#storage = new SessionKeeper(session, parts);
    this.#outbox = keptOutbox(session, commands);
    this.#replica = { epoch, confirmed: snapshot, witness };
    this.#account = new ResumeAccount(lateCountOf(snapshot, clientId, incarnation));
    this.#keeper = new LinkKeeper(
      {
        url: () => this.#storage.identity.url.replace(/^http/, 'ws'),
        begin: () => this.#storage.begin(),
        ...parts,
        hello: () => this.#hello(),
        remind: () => makeReminder(this.#outbox, this.#storage.identity),
      },
      {
        frame: (frame) => this.#receive(frame),
        statusChanged: () => this.#outlook.changed(),
        unlinked: () => this.#sender.suspend(),
      },
    );
    this.#sender = new CommandSender(parts.clock, (frame) => this.#keeper.send(frame));
    this.#sender.kept(lastSeq(this.#outbox));
    parts.storage.onLost?.(() => this.#keep(true));
    this.#commands = new CommandKeeper(this.#outbox, {
      kept: (incarnation, throughSeq) => {
        void this.#storage.lifeKnown.then(() => {
          if (this.#outbox.incarnation !== incarnation) return;
          this.#sender.kept(throughSeq);
          this.#sender.pumpSoon(this.#outbox);
        });
      },
      ...parts,
    });
  }

  get sessionId(): string {
    return this.#storage.identity.sessionId;
  }

  start(): void {
    this.#keeper.connect();
  }
  /** Takes effect in the view at once; is kept, sent, and sent again until it is saved. The model has already checked the command. */
  send(type: string, data: unknown): void {
    if (this.#keeper.status === 'stopped') throw new Error('The session has ended on this device.');
    const { forecast } = this.#outlook;
    const { lateCount } = forecast;
    this.#outbox = addCommand(this.#outbox, [type, data, this.#parts.clock.nowMs()]);
    for (const command of latestCommand(this.#outbox)) forecast.add(command);
    this.#account.foresaw(forecast.lateCount - lateCount);
    this.#isFinal = false;
    this.#commands.keep(this.#outbox);
    this.#outlook.changed();
  }

  subscribe(listener: (view: ClientView) => void): () => void {
    return this.#outlook.subscribe(listener);
  }

  view(): ClientView {
    return this.#outlook.view;
  }

  wake(): void {
    this.#keeper.wake();
  }

  wentOffline(): void {
    this.#keeper.wentOffline();
  }

  /** Leaves; the session goes on and can be taken up again. */
  close(reason: StopReason = 'left'): void {
    this.#keeper.send({ type: 'bye' });
    this.#keeper.stop(reason);
  }

  #facts(): Facts {
    const [replica, outbox, isFinal] = [this.#replica, this.#outbox, this.#isFinal];
    const [{ receipt }, { status, stopReason }] = [this.#account, this.#keeper];
    const { keptSeq } = this.#commands;
    return { replica, outbox, keptSeq, receipt, isFinal, status, stopReason };
  }

  #hello(): ClientFrame {
    const life = { incarnation: this.#outbox.incarnation, hashes_from: this.#hashesFrom };
    return makeHello(this.#parts.model, this.#storage.token, this.#replica, life);
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
      case 'final':
        this.#finished(frame.offset);
        break;
      case 'gone':
        this.#account.gone(frame, lastSeq(this.#outbox));
        this.#outlook.changed();
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
    if (verdict.kind === 'diverged') return this.#startIncarnation(verdict.commonSeq, 0);
    if (verdict.kind === 'unclear') return this.#askForHashes();
    // What the server lost of an ended session, this device has forgotten: nothing can stand under those numbers any more.
    if (verdict.lostCount > 0)
      return this.#startIncarnation(this.#outbox.forgottenCount, verdict.lostCount);
    this.#isLive = this.#isFinal = false;
    this.#hashesFrom = undefined;
    const { epoch, head: offset, proof } = welcome;
    this.#epoch = epoch;
    this.#replica = { ...this.#replica, witness: { epoch, offset, proof } };
    this.#outbox = verdict.outbox;
    this.#storage.renew(welcome.token);
    this.#keep();
    this.#keeper.setBackoff(welcome.backoff_ms);
    const resent = Math.max(0, this.#sender.sentSeq - welcome.accepted);
    this.#account.welcomed(welcome.result, resent);
    this.#sender.resume(welcome.accepted, welcome.limits);
    this.#sender.pump(this.#outbox);
  }

  #adopt(confirmed: Snapshot): void {
    this.#replica = { ...this.#replica, epoch: this.#epoch, confirmed };
    this.#outlook.forget();
    this.#countLate();
    this.#outlook.changed();
  }

  /** A replay may begin with entries that the connection before still brought: they are the same ones. [E1] */
  #apply({ entries, proof }: { readonly entries: readonly Entry[]; readonly proof: string }): void {
    if (this.#replica.epoch !== this.#epoch)
      throw new Error('Entries of an epoch came before its state.');
    const { offset } = this.#replica.confirmed;
    const fresh = this.#isLive ? entries : entries.filter((entry) => entry.offset > offset);
    this.#replica = applyEntries(this.#parts.model, this.#replica, fresh, proof);
    this.#outlook.compare(fresh);
    this.#countLate();
    if (!this.#isLive) this.#account.replayed(fresh.length);
  }

  #countLate(): void {
    const [{ confirmed }, { incarnation }] = [this.#replica, this.#outbox];
    const { clientId } = this.#storage.identity;
    this.#account.heard(lateCountOf(confirmed, clientId, incarnation));
  }

  #heard(watermarks: { readonly accepted: number; readonly checkpointed: number }): void {
    // Another copy of this storage gives commands under the same name.
    if (watermarks.accepted > lastSeq(this.#outbox))
      throw new Error('Commands of another copy were accepted.');
    this.#outbox = raiseWatermarks(this.#outbox, watermarks);
    this.#sender.accepted(this.#outbox.accepted);
    this.#sender.pump(this.#outbox);
    this.#outlook.changed();
  }

  #served(offset: number): void {
    const { epoch, confirmed } = this.#replica;
    if (epoch !== this.#epoch || confirmed.offset !== offset)
      throw new Error('The state is not the one that was promised.');
    this.#isLive = true;
    this.#account.served(this.#keeper.served());
    this.#keep();
    this.#outlook.changed();
  }

  /** It has ended, and Postgres has all of it: unless the app reads them, or they came too late, the commands here may go. [L1] */
  #finished(offset: number): void {
    const { epoch, confirmed } = this.#replica;
    if (!this.#isLive || epoch !== this.#epoch || confirmed.offset !== offset) return;
    if (this.#outbox.checkpointed < lastSeq(this.#outbox)) return;
    this.#isFinal = true;
    const keeps = this.#parts.keepsCommands === true || this.#account.lostCount > 0;
    if (!keeps) this.#outbox = forgetCommands(this.#outbox);
    this.#keep();
    this.#outlook.changed();
  }

  /** The first time at once; when the server cannot tell either, because Postgres is away, it waits: a guess would lose or repeat. */
  #askForHashes(): void {
    if (this.#hashesFrom === undefined) this.#keeper.connect();
    else this.#keeper.startOver();
    this.#hashesFrom = this.#outbox.forgottenCount + 1;
  }

  /** This storage is a copy, or was rolled back: what the server does not have is numbered anew under a new name. [R7] */
  #startIncarnation(commonSeq: number, forgottenCount: number): void {
    this.#outbox = reincarnate(this.#outbox, commonSeq, this.#parts.newId());
    this.#hashesFrom = undefined;
    this.#account.startedAnew(forgottenCount);
    this.#outlook.forget();
    this.#sender.kept(0);
    // Commands first: a page that comes up between the two still has them under their former numbers, and none was sent.
    this.#commands.keep(this.#outbox);
    this.#keep();
    this.#keeper.connect();
  }

  #keep(hasLostAll = false): void {
    // After its end the app may have the storage cleared; nothing is put back then.
    if (this.#keeper.status === 'stopped') return;
    this.#storage.keep(this.#outbox, this.#replica);
    if (hasLostAll) this.#commands.keepAgain(this.#outbox);
  }
}

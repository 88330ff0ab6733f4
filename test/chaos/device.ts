/** One device of a session: a process that is given commands at its own pace, and started again on what it kept when it was killed. */
import type { StopReason } from '../../client/stop-reason.ts';
import { systemClock } from '../../shared/clock.ts';
import { seededRandom, type Random } from '../simulation/random.ts';
import { makePrivateFolder, type PrivateFolder } from '../support/services/private-folder.ts';
import { commandSource, type CommandSource } from './command-source.ts';
import { DeviceProcess } from './device-process.ts';
import type { Account, BeginOrder, Reload, Report, Shown, Signal } from './device-protocol.ts';
import type { FaultProxy } from './fault-proxy.ts';
import { Given } from './given.ts';
import type { WireEar } from './wire-ear.ts';

export interface DeviceParts extends Pick<BeginOrder, 'origin' | 'input'> {
  readonly name: string;
  /** Number of its session. */
  readonly session: number;
  /** Which device of its session it is, from 0. */
  readonly place: number;
  /** Path of the built process. */
  readonly deviceFile: string;
  /** Its way to the service. */
  readonly network: FaultProxy;
  readonly ear: WireEar;
  /** Of what it is given and when; what befalls it changes neither. */
  readonly seed: number;
  /** Its session is known. */
  readonly begun: (sessionId: string) => void;
  /** A page stopped that should not have: a close code the client obeys for good. */
  readonly stopped: (reason: StopReason) => void;
  /** Its process ended by itself. */
  readonly failed: (said: string) => void;
  readonly warn: (problem: string) => void;
}

/** Milliseconds between two commands. */
const paceMs = [30, 250] as const;

/** Commands given at once now and then. */
const burstCount = 40;

/** Commands given and not accepted before the device waits. */
const unacceptedMax = 5_000;

export class Device {
  readonly name: string;
  readonly session: number;
  readonly network: FaultProxy;
  readonly ear: WireEar;
  readonly given = new Given();
  readonly #parts: DeviceParts;
  readonly #folder: PrivateFolder;
  readonly #source: CommandSource;
  readonly #pace: Random;
  readonly #accounts = new Map<number, (account: Account) => void>();
  #process: DeviceProcess | undefined;
  /** What the page of the present process shows; undefined before it shows anything. */
  #shown: Shown | undefined;
  #clientId = '';
  #dying: Promise<void> = Promise.resolve();
  #firstKept: (() => void) | undefined;
  #isResting = true;
  #isAway = false;
  #isOver = false;
  #accountCount = 0;
  #pageCount = 0;
  #killCount = 0;

  private constructor(parts: DeviceParts, folder: PrivateFolder) {
    this.name = parts.name;
    this.session = parts.session;
    this.network = parts.network;
    this.ear = parts.ear;
    this.#parts = parts;
    this.#folder = folder;
    this.#source = commandSource(seededRandom(parts.seed), parts.place);
    this.#pace = seededRandom(parts.seed + 1);
  }

  /** Resolves when its first command is kept; so a ride that was begun stays begun. Rejects when the session cannot be begun. */
  static async start(parts: DeviceParts): Promise<Device> {
    const device = new Device(parts, await makePrivateFolder('device'));
    const ready = new Promise<void>((resolve, reject) => {
      device.#firstKept = resolve;
      device.#launch((said) => reject(new Error(`The process of ${parts.name} ended: ${said}`)));
    });
    try {
      await ready;
    } catch (error) {
      await device.stop();
      throw error;
    }
    device.#ride();
    return device;
  }

  get clientId(): string {
    return this.#clientId;
  }

  /** Pages loaded after the first one. */
  get reloadCount(): number {
    return Math.max(0, this.#pageCount - 1);
  }

  /** Times its process was killed. */
  get killCount(): number {
    return this.#killCount;
  }

  /** What its page shows; undefined while there is none. */
  get shown(): Shown | undefined {
    return this.#shown;
  }

  /** Whether it has a page that somebody could use. */
  get isUp(): boolean {
    return this.#shown !== undefined && this.#process?.isFrozen === false;
  }

  /** Whether it is away for long, and nobody waits for it. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether everything it was given is in Postgres, by what the service says. */
  get isSaved(): boolean {
    const shown = this.#shown;
    const hasAll = shown?.enteredThrough === this.given.lastStanding;
    return hasAll && shown.status === 'connected' && shown.unsaved === 0;
  }

  /** Is given no more commands until `goOn`. */
  rest(): void {
    this.#isResting = true;
  }

  goOn(): void {
    this.#isResting = false;
  }

  burst(): void {
    for (let count = 0; count < burstCount; count++) this.#give();
  }

  reload(how: Reload): void {
    this.#process?.order({ order: 'reload', how });
  }

  /** Its lid is closed: nothing of it runs until the function returned is called, and then it wakes up. */
  freeze(): () => void {
    const frozen = this.#process;
    frozen?.freeze();
    return () => {
      frozen?.thaw();
      if (frozen === this.#process) this.#signal('pageshow');
    };
  }

  /** Has no network and knows it, until the function returned is called. */
  goOffline(): () => void {
    this.network.cut();
    const release = this.network.refuse();
    this.#signal('offline');
    return () => {
      release();
      this.#signal('online');
    };
  }

  /** As `goOffline`, and nobody waits for it to be saved. */
  goAway(): () => void {
    this.#isAway = true;
    const comeBack = this.goOffline();
    return () => {
      this.given.cameBack(systemClock.nowMs());
      this.#isAway = false;
      comeBack();
    };
  }

  /** `kill -9` of its process, whatever it is doing. */
  kill(): void {
    const killed = this.#process;
    if (killed === undefined) return;
    this.#process = undefined;
    this.#shown = undefined;
    this.#killCount += 1;
    this.#dying = killed.kill().then(() => {
      this.ear.died();
      this.given.processDied();
    });
  }

  /** Another process on the storage of the one that was killed. */
  async restart(): Promise<void> {
    await this.#dying;
    if (!this.#isOver && this.#process === undefined) this.#launch(this.#parts.failed);
  }

  /** What its page shows, and what the service answers to a plain GET with its token. */
  account(): Promise<Account> {
    const number = ++this.#accountCount;
    this.#process?.order({ order: 'account', number });
    return new Promise((resolve) => this.#accounts.set(number, resolve));
  }

  /** Ends its process without a goodbye, and removes what it kept. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#process?.kill();
    await this.#dying;
    await this.#folder.remove();
  }

  #launch(failed: (said: string) => void): void {
    const { deviceFile: file, origin, input, ...parts } = this.#parts;
    const launched: DeviceProcess = new DeviceProcess({
      file,
      folder: this.#folder,
      heard: (report) => this.#hear(report, launched),
      failed,
    });
    this.#process = launched;
    const seed = parts.seed + 2 + this.#killCount;
    launched.order({ order: 'begin', folder: this.#folder.path, origin, input, seed });
  }

  /** What a process said before it was killed counts, but for what its page shows. */
  #hear(report: Report, from: DeviceProcess): void {
    const { ear, given } = this;
    switch (report.report) {
      case 'found':
        given.foundKept(report.timesMs);
        break;
      case 'kept':
        given.toldKept(report.timesMs);
        this.#firstKept?.();
        break;
      case 'page':
        this.#pageCount += 1;
        this.#clientId = report.clientId;
        this.#parts.begun(report.sessionId);
        break;
      case 'shown':
        if (from === this.#process) this.#show(report);
        break;
      case 'account':
        this.#accounts.get(report.number)?.(report);
        this.#accounts.delete(report.number);
        break;
      case 'warned':
        this.#parts.warn(report.problem);
        break;
      case 'opened':
        ear.opened(report.socket);
        break;
      case 'sent':
        ear.sent(report.socket, report.text);
        break;
      case 'heard':
        ear.heard(report.socket, report.text, report.atMs);
        break;
      case 'closed':
        ear.closed(report.socket, report.code, report.reason);
        break;
    }
  }

  #show(shown: Shown): void {
    const isFirst = this.#pageCount === 1 && this.#shown === undefined;
    this.#shown = shown;
    if (shown.stopReason !== undefined) {
      this.#parts.stopped(shown.stopReason);
      return;
    }
    this.given.shown(shown.enteredThrough, shown, systemClock.nowMs());
    if (isFirst && this.given.lastStanding === 0) this.#give();
  }

  #signal(signal: Signal): void {
    this.#process?.order({ order: 'signal', signal });
  }

  #ride(): void {
    const [from, through] = paceMs;
    systemClock.after(this.#pace.integer(from, through), () => {
      if (this.#isOver) return;
      if (!this.#isResting) this.#give();
      this.#ride();
    });
  }

  #give(): void {
    const shown = this.#shown;
    if (!this.isUp || shown === undefined || shown.stopReason !== undefined) return;
    if (this.given.standingCount - this.given.acceptedCount >= unacceptedMax) return;
    const command = this.#source();
    this.given.give(command, systemClock.nowMs());
    this.#process?.order({ order: 'enter', commands: [command] });
  }
}

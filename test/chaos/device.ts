/** One device of a session: a process that is given commands at its own pace, and started again on what it kept when it was killed. */
import { systemClock } from '../../shared/clock.ts';
import { seededRandom, type Random } from '../simulation/random.ts';
import { makePrivateFolder, type PrivateFolder } from '../support/services/private-folder.ts';
import { commandSource, type CommandSource } from './command-source.ts';
import { DeviceLife } from './device-life.ts';
import type { Account, BeginOrder, Reload, Shown, Signal } from './device-protocol.ts';
import type { FaultProxy } from './fault-proxy.ts';
import type { FindingKind } from './findings.ts';
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
  readonly found: (kind: FindingKind, sentence: string) => void;
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
  readonly given: Given;
  readonly #parts: DeviceParts;
  readonly #folder: PrivateFolder;
  readonly #source: CommandSource;
  readonly #pace: Random;
  #life: DeviceLife | undefined;
  #clientId = '';
  #dying: Promise<void> = Promise.resolve();
  /** How the first life began; nobody asks later. */
  #begun: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  #isResting = true;
  #isAway = false;
  #isOver = false;
  #pageCount = 0;
  #lifeCount = 0;
  #killCount = 0;

  private constructor(parts: DeviceParts, folder: PrivateFolder) {
    this.name = parts.name;
    this.session = parts.session;
    this.network = parts.network;
    this.ear = parts.ear;
    this.given = new Given(parts.found);
    this.#parts = parts;
    this.#folder = folder;
    this.#source = commandSource(seededRandom(parts.seed), parts.place);
    this.#pace = seededRandom(parts.seed + 1);
  }

  /** Resolves when its first command is kept; so a ride that was begun stays begun. Rejects when the session cannot be begun. */
  static async start(parts: DeviceParts): Promise<Device> {
    const device = new Device(parts, await makePrivateFolder('device'));
    const ready = new Promise<void>((resolve, reject) => {
      device.#begun = { resolve, reject };
      device.#launch();
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

  /** Of its process; undefined while there is none. */
  get pid(): number | undefined {
    return this.#life?.pid;
  }

  /** Times its process was killed. */
  get killCount(): number {
    return this.#killCount;
  }

  /** What its page shows; undefined while there is none. */
  get shown(): Shown | undefined {
    return this.#life?.shown;
  }

  /** Whether it has a page that somebody could use. */
  get isUp(): boolean {
    return this.shown !== undefined && this.#life?.isFrozen === false;
  }

  /** Whether it is away for long, and nobody waits for it. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether everything it was given is in Postgres, by what the service says. */
  get isSaved(): boolean {
    const { shown } = this;
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
    this.#life?.order({ order: 'reload', how });
  }

  /** Its lid is closed: nothing of it runs until the function returned is called, and then it wakes up. */
  freeze(): () => void {
    const frozen = this.#life;
    frozen?.freeze();
    return () => {
      frozen?.thaw();
      if (frozen === this.#life) this.#signal('pageshow');
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

  /** `kill -9` of its process, whatever it is doing. One that had ended by itself until then is a finding, and excuses nothing. */
  kill(): void {
    const killed = this.#life;
    if (killed === undefined) return;
    this.#life = undefined;
    this.#dying = killed.kill().then((hadLived) => {
      this.ear.died();
      if (!hadLived) return;
      this.#killCount += 1;
      this.given.processDied();
    });
  }

  /** Another process on the storage of the one that was killed. */
  async restart(): Promise<void> {
    await this.#dying;
    if (!this.#isOver && this.#life === undefined) this.#launch();
  }

  /** What its page shows, and what the service answers to a plain GET with its token. Rejects when its process ends meanwhile. */
  async account(): Promise<Account> {
    if (this.#life === undefined) throw new Error('There is no process to ask.');
    return this.#life.account();
  }

  /** Ends its process without a goodbye, and removes what it kept. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#life?.kill();
    await this.#dying;
    await this.#folder.remove();
  }

  #launch(): void {
    const { deviceFile, origin, input, seed, begun, warn } = this.#parts;
    this.#lifeCount += 1;
    this.#life = new DeviceLife({
      file: deviceFile,
      folder: this.#folder,
      begin: { folder: this.#folder.path, origin, input, seed: seed + 1 + this.#lifeCount },
      ear: this.ear,
      given: this.given,
      opened: (sessionId, clientId) => {
        this.#pageCount += 1;
        this.#clientId = clientId;
        begun(sessionId);
      },
      kept: () => {
        this.#begun?.resolve();
        this.#begun = undefined;
      },
      shown: (shown) => this.#show(shown),
      warn,
      failed: (said) => this.#fail(`The process ended: ${said}`),
    });
  }

  #fail(sentence: string): void {
    if (this.#begun === undefined) this.#parts.found('not-healed', sentence);
    else this.#begun.reject(new Error(`${this.name}: ${sentence}`));
  }

  #show(shown: Shown): void {
    const { stopReason, enteredThrough } = shown;
    if (stopReason !== undefined) {
      // A close code the client obeys for good.
      this.#parts.found('not-healed', `The page was stopped: ${stopReason}.`);
      return;
    }
    this.given.shown(enteredThrough, shown, systemClock.nowMs());
    // One, so that there is a first one to be kept.
    if (this.#begun !== undefined && this.given.lastStanding === 0) this.#give();
  }

  #signal(signal: Signal): void {
    this.#life?.order({ order: 'signal', signal });
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
    const { shown } = this;
    if (!this.isUp || shown === undefined || shown.stopReason !== undefined) return;
    if (this.given.standingCount - this.given.acceptedCount >= unacceptedMax) return;
    const command = this.#source();
    this.given.give(command, systemClock.nowMs());
    this.#life?.order({ order: 'enter', commands: [command] });
  }
}

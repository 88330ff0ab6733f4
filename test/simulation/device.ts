/** A rider's device: a page that can be refreshed at any moment, and the record of everything that was entered on it. */
import { SessionClient } from '../../client/session-client.ts';
import type { StoredSession } from '../../client/session-storage.ts';
import type { ClientView } from '../../client/status.ts';
import type { WireCommand } from '../../shared/protocol/frames.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';
import { firstDifference, type Added } from './chain.ts';
import { Disk } from './disk.ts';
import type { Ledger } from './ledger.ts';
import { webSocketFor, type Line } from './network.ts';
import type { Random } from './random.ts';
import { SimProcess } from './sim-process.ts';
import { releases, type Version } from './tally-two.ts';
import type { Trace } from './trace.ts';

export interface DeviceParts {
  readonly name: string;
  readonly clock: VirtualClock;
  readonly noiseOf: (name: string) => Random;
  readonly trace: Trace;
  readonly ledger: Ledger;
  /** Which release the next page is of. */
  readonly version: (random: Random) => Version;
  readonly newId: () => string;
  readonly dial: (page: SimProcess, device: Device) => Line;
  readonly saved: (session: StoredSession) => void;
  readonly fail: (sentence: string) => void;
  readonly isDiskLying: boolean;
  readonly toServer: ((text: string) => string | undefined) | undefined;
}

interface Issued {
  /** Undefined for one that must be refused. */
  readonly amount: number | undefined;
  /** By the device's clock. */
  readonly atMs: number;
  readonly page: SimProcess;
  /** Entered on a page that died before it could be kept: it must have no effect. */
  isVoid: boolean;
}

/** More than any session's bound: always refused, whoever came before. */
const tooMuch = 1e12;
export const bound = 1e12;

export class Device {
  readonly name: string;
  readonly clientId: string;
  disk: Disk;
  /** Whether the network is there, as far as what lasts for seconds goes. */
  isOnline = true;
  #awayUntilMs = -Infinity;
  readonly #parts: DeviceParts;
  readonly #issued: Issued[] = [];
  readonly #number: number;
  readonly #random: Random;
  #page: SimProcess;
  #client: SessionClient | undefined;
  #pageCount = 0;
  #setForwardMs = 0;
  /** A copy of the storage, taken some time ago, that may come up one day as the same client. */
  #spare: Disk | undefined;
  #wasCopied = false;
  /** The incarnation of the latest hello. */
  #sendingAs: string | undefined;

  constructor(number: number, session: StoredSession, parts: DeviceParts) {
    this.#number = number;
    this.#parts = parts;
    this.name = parts.name;
    this.clientId = session.clientId;
    this.#random = parts.noiseOf(parts.name);
    const diskRandom = parts.noiseOf(`storage of ${parts.name}`);
    this.disk = new Disk(session, parts.clock, diskRandom, parts.isDiskLying);
    this.#page = this.#newPage();
    this.#open();
  }

  /** Without a network for so long, or until it is called back. */
  goAway(durationMs: number): void {
    this.#awayUntilMs = this.#parts.clock.timeMs + durationMs;
  }

  comeBack(): void {
    this.isOnline = true;
    this.#awayUntilMs = -Infinity;
  }

  get hasNetwork(): boolean {
    return this.isOnline && this.#parts.clock.timeMs >= this.#awayUntilMs;
  }

  get page(): SimProcess {
    return this.#page;
  }

  get view(): ClientView | undefined {
    return this.#client?.view();
  }

  get issuedCount(): number {
    return this.#issued.length;
  }

  /** Enters one command, most often a sensible one. */
  issue(random: Random): void {
    const { clock, trace } = this.#parts;
    if (this.#client === undefined || this.#page.isFrozen) return;
    const n = this.#issued.length;
    const amount = this.#number * 100_000 + n + 1;
    const [type, data] = random.pick([
      ...Array.from({ length: 9 }, () => ['add', { n, amount }] as const),
      ['add', { n, amount: tooMuch + amount }],
      ['add', { n, amount: 'much' }],
      ['fail', { n }],
    ] as const) ?? ['fail', { n }];
    const isKept = type === 'add' && typeof data.amount === 'number' && data.amount < tooMuch;
    const added = isKept ? amount : undefined;
    try {
      this.#client.send(type, data);
    } catch (error) {
      trace.note(this.name, 'cannot enter', String(error));
      return;
    }
    const atMs = clock.nowMs() + this.#setForwardMs;
    this.#issued.push({ amount: added, atMs, page: this.#page, isVoid: false });
    this.#parts.ledger.issue(this.clientId, { amount: added });
    trace.note(this.name, 'enters', type, data);
  }

  refresh(): void {
    this.die();
    this.#page = this.#newPage();
    this.#open();
  }

  /** The page is gone with all that only it knew. */
  die(): void {
    this.#page.kill();
    this.#client = undefined;
    this.disk.pageDied();
    const kept = new Set(this.disk.everKept().map(numberOf));
    for (const [n, issued] of this.#issued.entries())
      if (issued.page === this.#page && !kept.has(n)) issued.isVoid = true;
  }

  /** Somebody sets its clock: forward, or back when negative. */
  setForward(ms: number): void {
    this.#setForwardMs += ms;
    this.#page.setForward(ms);
  }

  copyStorage(): void {
    if (this.#spare !== undefined) return;
    this.#spare = this.disk.copy();
    this.#wasCopied = true;
  }

  get hasSpare(): boolean {
    return this.#spare !== undefined;
  }

  /** The copy comes up, and what was in use becomes the copy. */
  swapStorage(): void {
    if (this.#spare === undefined) return;
    this.die();
    const { token } = this.disk.session;
    [this.disk, this.#spare] = [this.#spare, this.disk];
    this.disk.giveToken(token);
    this.#page = this.#newPage();
    this.#open();
  }

  /** A sign of the system: the network is back, the page is shown again. */
  wake(): void {
    this.#page.run(() => this.#client?.wake());
  }

  wentOffline(): void {
    this.#page.run(() => this.#client?.wentOffline());
  }

  /**
   * What is wrong with what the session has of this device; undefined when each command is there once, in the order it was entered.
   * Two copies of a storage bring what they have in common once, and each its own; in which order they come up is theirs.
   */
  problemWith(own: readonly Added[]): string | undefined {
    const expected = this.#expected();
    if (!this.#wasCopied) return firstDifference(expected, own);
    return firstDifference(byAmount(expected), byAmount(own));
  }

  /** Whatever somebody sets the clock to, the time of a command is never before that of the one before. [C9] */
  #expected(): Added[] {
    let latestMs = 0;
    const expected: Added[] = [];
    for (const { amount, atMs, isVoid } of this.#issued) {
      if (isVoid) continue;
      latestMs = Math.max(latestMs, atMs);
      if (amount !== undefined) expected.push([this.clientId, amount, latestMs]);
    }
    return expected;
  }

  #newPage(): SimProcess {
    const name = `${this.name}.${++this.#pageCount}`;
    return new SimProcess(name, this.#parts.clock, this.#setForwardMs);
  }

  #open(): void {
    const page = this.#page;
    const { newId, trace, saved, fail } = this.#parts;
    const random = this.#random;
    const storage = this.disk.storageFor(page, saved);
    const model = releases[this.#parts.version(random)];
    page.clock.after(random.skewed(1, 300), () => {
      const { session } = this.disk;
      const client = new SessionClient(session, [...this.disk.commands()], {
        model,
        storage,
        WebSocket: webSocketFor(() => this.#dial(page)),
        clock: page.clock,
        random: () => random.fraction(),
        newId,
        warn: (problem) => {
          trace.note(page.name, 'warns', String(problem));
          if (!/does not follow offset/.test(String(problem)))
            fail(`the client of ${page.name} warns: ${String(problem)}`);
        },
      });
      this.#client = client;
      client.start();
    });
  }

  #dial(page: SimProcess): Line {
    const line = this.#parts.dial(page, this);
    line.beforeSend = (text) => {
      const sent = this.#parts.toServer === undefined ? text : this.#parts.toServer(text);
      if (sent !== undefined) this.#checkKept(sent);
      return sent;
    };
    return line;
  }

  /** A command is kept before it is sent, or a refresh could give its number to another one. [C1] */
  #checkKept(text: string): void {
    const frame = JSON.parse(text) as { type: string; seq: number; commands: WireCommand[] };
    if (frame.type === 'hello')
      this.#sendingAs = (JSON.parse(text) as { incarnation: string }).incarnation;
    if (frame.type !== 'commands') return;
    const kept = this.disk.commands(this.#sendingAs);
    frame.commands.forEach((command, place) => {
      const own = kept[frame.seq - 1 + place];
      if (own === undefined || numberOf(own) !== numberOf(command))
        this.#parts.fail(`${this.name} sent seq ${frame.seq + place} before it was kept [C1]`);
    });
  }
}

const numberOf = ([, data]: WireCommand): number => (data as { readonly n: number }).n;

/** In which of two copies a command was entered decides whose times it must not be before. */
const byAmount = (added: readonly Added[]): Added[] =>
  added.map(([id, amount]): Added => [id, amount, 0]).toSorted(([, a], [, b]) => a - b);

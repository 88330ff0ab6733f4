/** One device of a session: gives commands at its own pace, through pages that come and go on the same storage. */
import type { SessionView } from '../../client/connect.ts';
import { memoryStorage, type SessionStorage } from '../../client/session-storage.ts';
import type { StopReason } from '../../client/stop-reason.ts';
import { systemClock } from '../../shared/clock.ts';
import type { WorkoutInput } from '../../shared/workout/workout-schemas.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import type { Random } from '../simulation/random.ts';
import { commandSource, type CommandSource, type Issued } from './command-source.ts';
import type { FaultProxy } from './fault-proxy.ts';
import { getJson, type Answer } from './get-json.ts';
import { Page, type PageParts } from './page.ts';
import type { WireEar } from './wire-ear.ts';

export interface DeviceParts {
  readonly name: string;
  /** Number of its session. */
  readonly session: number;
  /** Which device of its session it is, from 0. */
  readonly place: number;
  readonly origin: PageParts['origin'];
  readonly input: WorkoutInput;
  /** Its way to the service. */
  readonly network: FaultProxy;
  readonly ear: WireEar;
  readonly random: Random;
  /** A page stopped that should not have: a close code the client obeys for good. */
  readonly stopped: (reason: StopReason) => void;
  readonly warn: (problem: unknown) => void;
}

/** How a page is loaded again: after a goodbye, after a crash, or beside the one that is open. */
export type Reload = 'polite' | 'crash' | 'twin';

/** Milliseconds between two commands. */
const paceMs = [30, 250] as const;

/** Commands given at once now and then. */
const burstCount = 40;

/** Share of the client's jittered pauses that is used: how long a client waits is tested elsewhere. */
const jitterShare = 0.2;

/** Milliseconds a page lives on beside the one that took its place. */
const twinMs = 6_000;

/** Commands given and not accepted before the device waits: a phone in a tunnel, not one in a drawer. */
const unacceptedMax = 2_000;

export class Device {
  readonly name: string;
  readonly session: number;
  readonly network: FaultProxy;
  readonly ear: WireEar;
  readonly issued: Issued[] = [];
  readonly #parts: DeviceParts;
  readonly #storage: SessionStorage = memoryStorage();
  readonly #source: CommandSource;
  readonly #issuedAtMs: number[] = [];
  readonly #twins = new Set<Page>();
  #page: Page | undefined;
  #isResting = true;
  #isOver = false;
  #acceptedCount = 0;
  #checkpointedCount = 0;
  #longestStallMs = 0;
  #reloadCount = 0;

  private constructor(parts: DeviceParts) {
    this.name = parts.name;
    this.session = parts.session;
    this.network = parts.network;
    this.ear = parts.ear;
    this.#parts = parts;
    this.#source = commandSource(parts.random, parts.place);
  }

  /** Rejects when the session cannot be begun. */
  static async start(parts: DeviceParts): Promise<Device> {
    const device = new Device(parts);
    await device.#open();
    device.#ride();
    return device;
  }

  get identity(): { readonly sessionId: string; readonly clientId: string } {
    const session = this.#page?.session;
    if (session === undefined) throw new Error(`${this.name} has no page.`);
    return { sessionId: session.sessionId, clientId: session.clientId };
  }

  /** Highest number of its commands that were accepted, and checkpointed, at some time. */
  get acceptedCount(): number {
    return this.#acceptedCount;
  }

  get checkpointedCount(): number {
    return this.#checkpointedCount;
  }

  /** Longest time a command waited to be accepted. */
  get longestStallMs(): number {
    return this.#longestStallMs;
  }

  get reloadCount(): number {
    return this.#reloadCount;
  }

  /** Whether everything it gave is in Postgres, by what the service says. */
  get isSaved(): boolean {
    const view = this.view();
    return view?.status === 'connected' && view.unsaved === 0;
  }

  view(): SessionView<WorkoutState> | undefined {
    return this.#page?.view();
  }

  /** Gives no more commands until `goOn`. */
  rest(): void {
    this.#isResting = true;
  }

  goOn(): void {
    this.#isResting = false;
  }

  burst(): void {
    for (let count = 0; count < burstCount; count++) this.#give();
  }

  async reload(how: Reload): Promise<void> {
    const former = this.#page;
    if (former === undefined || this.#isOver) return;
    this.#page = undefined;
    this.#reloadCount += 1;
    if (how === 'polite') former.leave();
    else if (how === 'crash') former.crash();
    else {
      this.#twins.add(former);
      systemClock.after(twinMs, () => this.#endTwin(former));
    }
    await this.#open();
  }

  /** What the service answers to a plain GET with the token this device has. */
  async read(): Promise<Answer> {
    const { session } = (await this.#storage.load()) ?? {};
    if (session === undefined) throw new Error(`${this.name} holds no session.`);
    return getJson(session.url, session.token);
  }

  /** Ends its pages without a goodbye. */
  stop(): void {
    this.#isOver = true;
    this.#page?.crash();
    for (const twin of this.#twins) twin.crash();
  }

  async #open(): Promise<void> {
    const { origin, input, ear, random, warn } = this.#parts;
    const page = await Page.open({
      origin,
      input,
      storage: this.#storage,
      ear,
      random: () => random.fraction() * jitterShare,
      nowMs: () => this.issued.at(-1)?.atMs ?? 0,
      warn,
    });
    this.#page = page;
    page.session.subscribe((view) => this.#viewed(page, view));
  }

  #viewed(page: Page, view: SessionView<WorkoutState>): void {
    if (page !== this.#page || page.isOver) return;
    if (view.stopReason !== undefined) {
      this.#pageStopped(view.stopReason);
      return;
    }
    const accepted = this.issued.length - view.unaccepted;
    const nowMs = systemClock.nowMs();
    for (; this.#acceptedCount < accepted; this.#acceptedCount++) {
      const waitedMs = nowMs - (this.#issuedAtMs[this.#acceptedCount] ?? nowMs);
      this.#longestStallMs = Math.max(this.#longestStallMs, waitedMs);
    }
    const checkpointed = this.issued.length - view.unsaved;
    this.#checkpointedCount = Math.max(this.#checkpointedCount, checkpointed);
  }

  /** A twin may put the newer page out by coming back later; its user loads the page again. [R5] */
  #pageStopped(reason: StopReason): void {
    const isTwins = reason === 'taken-over' && this.#twins.size > 0;
    if (!isTwins) this.#parts.stopped(reason);
    for (const twin of this.#twins) this.#endTwin(twin);
    if (isTwins) queueMicrotask(() => void this.reload('crash'));
  }

  #endTwin(twin: Page): void {
    twin.crash();
    this.#twins.delete(twin);
  }

  #ride(): void {
    const [from, through] = paceMs;
    systemClock.after(this.#parts.random.integer(from, through), () => {
      if (this.#isOver) return;
      if (!this.#isResting) this.#give();
      this.#ride();
    });
  }

  #give(): void {
    const page = this.#page;
    const view = page?.view();
    if (page === undefined || view === undefined || view.stopReason !== undefined) return;
    if (view.unaccepted >= unacceptedMax) return;
    const command = this.#source();
    // First, because the client asks for the time of what it is given.
    this.issued.push(command);
    this.#issuedAtMs.push(systemClock.nowMs());
    page.session.send(command.type, command.data);
  }
}

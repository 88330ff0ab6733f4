/** The browser of one device, in its process: pages that come and go on the same storage. */
import type { SessionView } from '../../client/connect.ts';
import type { SessionStorage } from '../../client/session-storage.ts';
import { systemClock } from '../../shared/clock.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import type { Random } from '../simulation/random.ts';
import type { Issued } from './command-source.ts';
import type { Account, BeginOrder, Reload, Report } from './device-protocol.ts';
import { getJson } from './get-json.ts';
import { Page, type PageWire } from './page.ts';

export interface BrowserParts {
  readonly begin: Pick<BeginOrder, 'origin' | 'input'>;
  readonly storage: SessionStorage;
  readonly random: Random;
  /** Of the last command in the storage; 0 when there is none. */
  readonly enteredThrough: number;
  readonly timeMs: number;
  readonly tell: (report: Report) => void;
}

/** Share of the client's jittered pauses that is used: how long a client waits is tested elsewhere. */
const jitterShare = 0.2;

/** Milliseconds a page lives on beside the one that took its place. */
const twinMs = 6_000;

export class Browser {
  readonly #parts: BrowserParts;
  readonly #storage: SessionStorage;
  readonly #wire: PageWire;
  readonly #twins = new Set<Page>();
  /** Entered while there was no page to take it. */
  readonly #waiting: Issued[] = [];
  #page: Page | undefined;
  #enteredThrough: number;
  #timeMs: number;
  /** Times of the last command that a page was given, and of the last that is in the storage. */
  #enteredMs: number;
  #keptMs: number;
  /** Called when something more is kept. */
  #keptSome: (() => void) | undefined;

  constructor(parts: BrowserParts) {
    this.#parts = parts;
    this.#storage = tellingStorage(parts.storage, (timesMs) => {
      parts.tell({ report: 'kept', timesMs });
      this.#keptMs = Math.max(this.#keptMs, ...timesMs);
      this.#keptSome?.();
    });
    this.#wire = tellingWire(parts.tell);
    this.#enteredThrough = parts.enteredThrough;
    this.#timeMs = parts.timeMs;
    this.#enteredMs = parts.timeMs;
    this.#keptMs = parts.timeMs;
  }

  /** Rejects when the session cannot be begun. */
  async open(): Promise<void> {
    const { begin, random, tell } = this.#parts;
    const page = await Page.open({
      ...begin,
      storage: this.#storage,
      wire: this.#wire,
      random: () => random.fraction() * jitterShare,
      nowMs: () => this.#timeMs,
      warn: (problem) => tell({ report: 'warned', problem: String(problem) }),
    });
    this.#page = page;
    const { sessionId, clientId } = page.session;
    tell({ report: 'page', sessionId, clientId });
    page.session.subscribe((view) => this.#viewed(page, view));
    this.enter(this.#waiting.splice(0));
  }

  enter(commands: readonly Issued[]): void {
    for (const command of commands) {
      const page = this.#page;
      if (page === undefined || page.view().stopReason !== undefined) this.#waiting.push(command);
      else this.#give(page, command);
    }
  }

  /**
   * What was entered is kept before: what a page takes with it that it had not kept is what a killed process shows, and two pages that
   * write one storage at the same moment are kept apart by the lock of a tab, which there is none of here.
   */
  async reload(how: Reload): Promise<void> {
    const former = this.#page;
    if (former === undefined) return;
    this.#page = undefined;
    while (this.#keptMs < this.#enteredMs)
      await new Promise<void>((resolve) => {
        this.#keptSome = resolve;
      });
    this.#parts.tell({ report: 'gone' });
    if (how === 'polite') former.leave();
    else if (how === 'crash') former.crash();
    else {
      this.#twins.add(former);
      systemClock.after(twinMs, () => this.#endTwin(former));
    }
    await this.open();
  }

  async account(): Promise<Account> {
    const { session } = (await this.#storage.load()) ?? {};
    if (session === undefined) throw new Error('No session is kept.');
    const answer = await getJson(session.url, session.token);
    const view = this.#page?.view();
    // What is shown before is what was kept, and behind.
    return { state: view?.status === 'connected' ? view.state : undefined, answer };
  }

  #give(page: Page, { ordinal, atMs, type, data }: Issued): void {
    // First, because the client asks for the time of what it is given.
    this.#timeMs = atMs;
    this.#enteredThrough = ordinal;
    this.#enteredMs = atMs;
    page.session.send(type, data);
  }

  #viewed(page: Page, view: SessionView<WorkoutState>): void {
    if (page !== this.#page || page.isOver) return;
    const { status, unaccepted, unsaved, stopReason } = view;
    // A twin may put the newer page out by coming back later; its user loads the page again. [R5]
    const isTwins = stopReason === 'taken-over' && this.#twins.size > 0;
    const enteredThrough = this.#enteredThrough;
    const { tell } = this.#parts;
    if (!isTwins)
      tell({ report: 'shown', status, unaccepted, unsaved, stopReason, enteredThrough });
    if (stopReason !== undefined) for (const twin of this.#twins) this.#endTwin(twin);
    if (isTwins) queueMicrotask(() => void this.reload('crash'));
  }

  #endTwin(twin: Page): void {
    twin.crash();
    this.#twins.delete(twin);
  }
}

/** Tells what is kept before the client hears of it, and so before it is sent. */
function tellingStorage(
  storage: SessionStorage,
  kept: (timesMs: readonly number[]) => void,
): SessionStorage {
  return {
    load: () => storage.load(),
    save: (session) => storage.save(session),
    clear: () => storage.clear(),
    addCommands: async (incarnation, seq, commands) => {
      await storage.addCommands(incarnation, seq, commands);
      kept(commands.map(([, , atMs]) => atMs));
    },
  };
}

/** Tells what crosses the wire, what is sent before it is. */
function tellingWire(tell: (report: Report) => void): PageWire {
  const numbers = new WeakMap<object, number>();
  let count = 0;
  const numberOf = (socket: object): number => numbers.get(socket) ?? 0;
  return {
    opened: (socket) => {
      numbers.set(socket, ++count);
      tell({ report: 'opened', socket: count });
    },
    sent: (socket, text) => tell({ report: 'sent', socket: numberOf(socket), text }),
    heard: (socket, text) =>
      tell({ report: 'heard', socket: numberOf(socket), text, atMs: systemClock.nowMs() }),
    closed: (socket, code, reason) =>
      tell({ report: 'closed', socket: numberOf(socket), code, reason }),
  };
}

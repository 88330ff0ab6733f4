/** A device's storage: writes take time and are done in order; what was not done when the page died may be lost. */
import type { SessionStorage, StoredSession } from '../../client/session-storage.ts';
import type { WireCommand } from '../../shared/protocol/frames.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';
import type { Random } from './random.ts';
import type { SimProcess } from './sim-process.ts';

interface Write {
  readonly apply: () => void;
  isDone: boolean;
}

export class Disk {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #isLying: boolean;
  #session: StoredSession;
  readonly #commands = new Map<string, WireCommand[]>();
  #queue: Write[] = [];
  #lastAtMs = 0;

  constructor(session: StoredSession, clock: VirtualClock, random: Random, isLying: boolean) {
    this.#session = session;
    this.#clock = clock;
    this.#random = random;
    this.#isLying = isLying;
  }

  get session(): StoredSession {
    return this.#session;
  }

  commands(incarnation = this.#session.incarnation): readonly WireCommand[] {
    return this.#commands.get(incarnation) ?? [];
  }

  /** Under any incarnation. */
  everKept(): readonly WireCommand[] {
    return [...this.#commands.values()].flat();
  }

  storageFor(page: SimProcess, saved: (session: StoredSession) => void): SessionStorage {
    return {
      load: () => Promise.resolve({ session: this.#session, commands: [...this.commands()] }),
      save: (session) => {
        saved(session);
        return this.#write(page, () => {
          this.#session = session;
        });
      },
      addCommands: (incarnation, seq, added) =>
        this.#write(page, () => {
          const kept = this.#commands.get(incarnation) ?? [];
          this.#commands.set(incarnation, [...kept.slice(0, seq - 1), ...added]);
        }),
      clear: () => Promise.resolve(),
    };
  }

  /** What is there now, on another device or in a backup: from here on both lead lives of their own. */
  copy(): Disk {
    const copy = new Disk(this.#session, this.#clock, this.#random, this.#isLying);
    for (const [incarnation, commands] of this.#commands) copy.#commands.set(incarnation, commands);
    return copy;
  }

  /** Somebody brings along a newer token, as a fresh `resume_url` would. */
  giveToken(token: string): void {
    this.#session = { ...this.#session, token };
  }

  /** The page is gone: of what it was writing, the first part may be there. */
  pageDied(): void {
    const keptCount = this.#random.integer(0, this.#queue.length);
    for (const write of this.#queue.slice(0, keptCount)) write.apply();
    for (const write of this.#queue) write.isDone = true;
    this.#queue = [];
  }

  #write(page: SimProcess, apply: () => void): Promise<void> {
    const write: Write = { apply, isDone: false };
    this.#queue.push(write);
    const soonestMs = this.#clock.timeMs + this.#random.skewed(0.5, 80);
    this.#lastAtMs = Math.max(soonestMs, this.#lastAtMs + 0.01);
    const atMs = this.#lastAtMs;
    const done = new Promise<void>((resolve) => {
      this.#clock.at(atMs, () => {
        if (write.isDone) return;
        write.isDone = true;
        this.#queue.shift();
        write.apply();
        page.run(resolve);
      });
    });
    return this.#isLying ? Promise.resolve() : done;
  }
}

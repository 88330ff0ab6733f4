/** An operating-system process or a browser page: it can be frozen, woken, and killed at any moment. */
import type { Clock } from '../../shared/clock.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';

export class SimProcess {
  readonly name: string;
  /** Connections it has begun. */
  dialCount = 0;
  /** The clock as the process sees it: its timers sleep and die with it. */
  readonly clock: Clock;
  readonly #world: VirtualClock;
  #isDead = false;
  /** By how much its time of day is not the world's. */
  #setForwardMs: number;
  #isFrozen = false;
  /** Until when it sleeps whatever else freezes and thaws it. */
  #asleepUntilMs = -Infinity;
  #backlog: (() => void)[] = [];

  constructor(name: string, world: VirtualClock, setForwardMs = 0) {
    this.#setForwardMs = setForwardMs;
    this.name = name;
    this.#world = world;
    this.clock = {
      nowMs: () => world.nowMs() + this.#setForwardMs,
      elapsedMs: () => world.elapsedMs(),
      after: (delayMs, callback) => {
        let isCancelled = false;
        const cancel = world.after(delayMs, () =>
          this.run(() => {
            if (!isCancelled) callback();
          }),
        );
        return () => {
          isCancelled = true;
          cancel();
        };
      },
    };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get isFrozen(): boolean {
    return this.#isFrozen || this.#world.timeMs < this.#asleepUntilMs;
  }

  /** Does something inside the process: now, when it wakes, or never. What came first is done first. */
  run(work: () => void): void {
    if (this.#isDead) return;
    if (this.isFrozen || this.#backlog.length > 0) this.#backlog.push(work);
    else work();
  }

  /** Somebody sets its clock: forward, or back when negative. Timers do not mind. */
  setForward(ms: number): void {
    this.#setForwardMs += ms;
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    if (!this.#isFrozen) return;
    this.#isFrozen = false;
    this.#catchUp();
  }

  sleep(durationMs: number): void {
    this.#asleepUntilMs = this.#world.timeMs + durationMs;
    this.#world.after(durationMs, () => this.#catchUp());
  }

  /** From whatever it is in. */
  rouse(): void {
    const isAsleep = this.#world.timeMs < this.#asleepUntilMs;
    this.#asleepUntilMs = -Infinity;
    if (this.#isFrozen) this.thaw();
    else if (isAsleep) this.#catchUp();
  }

  kill(): void {
    this.#isDead = true;
    this.#backlog = [];
  }

  /** One at a time, each with all that follows from it; what comes in meanwhile waits behind. */
  #catchUp(): void {
    if (this.#backlog.length === 0) return;
    this.#world.after(0, () => {
      if (this.isFrozen || this.#isDead) return;
      const [work] = this.#backlog;
      work?.();
      this.#backlog.shift();
      this.#catchUp();
    });
  }
}

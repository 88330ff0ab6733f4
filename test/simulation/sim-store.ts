/** A store that answers when it pleases: early, late, twice too late, or never; and what it did may not be what it said. */
import {
  StoreUnavailableError,
  type Journal,
  type SessionCatalog,
} from '../../server/store/journal.ts';
import { memoryJournal, type MemoryStore } from '../support/memory-journal.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';
import type { Random } from './random.ts';
import type { SimProcess } from './sim-process.ts';
import type { StoreName, StoreOracle } from './store-oracle.ts';
import type { Tampering } from './tampering.ts';
import type { Trace } from './trace.ts';

export interface StoreParts {
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly oracle: StoreOracle;
  readonly tampering: Tampering;
}

/** The road from one instance to one store. */
export interface Road {
  readonly process: SimProcess;
  readonly random: Random;
  /** Calls arrive much too late, long after the caller gave up: a frozen instance, a full network queue. */
  isSlow: boolean;
  isCut: boolean;
  /** Makes something happen around a call to come. */
  fuse: Fuse | undefined;
}

/** What a call has come to: it is on its way, the store has done it, or the caller has the answer and goes on. */
export const callStages = ['asked', 'landed', 'answered'] as const;
export type CallStage = (typeof callStages)[number];

export interface Fuse {
  /** Calls that come to that stage until it blows. */
  callsLeft: number;
  readonly stage: CallStage;
  readonly blow: () => void;
}

type Port = Journal & SessionCatalog;

type Method = keyof Port;

/** Milliseconds until a caller gives up; what it asked for may still come to pass. */
const timeoutMs: Record<StoreName, number> = { redis: 2_000, postgres: 5_000 };
const lateMsMax = 30_000;

export class SimStore {
  readonly name: StoreName;
  readonly memory: MemoryStore;
  /** Share of calls that go wrong. */
  faultRate = 0;
  isDown = false;
  /** Until when it is down whatever else happens to it. */
  #awayUntilMs = -Infinity;
  #whenBack: (() => void) | undefined;
  /** Calls whose callers gave up and that may still take effect. */
  lateCount = 0;
  callCount = 0;
  readonly #parts: StoreParts;
  readonly #journal: Journal;
  #backup: string | undefined;
  #restartCount = 0;

  constructor(name: StoreName, parts: StoreParts) {
    this.name = name;
    this.#parts = parts;
    this.memory = memoryJournal({ keepsAll: name === 'postgres' });
    this.#journal = parts.tampering.store?.(this.memory, name) ?? this.memory;
  }

  /** The store as one instance sees it. */
  journalFor(road: Road): Journal {
    const { tampering } = this.#parts;
    const journal: Journal = {
      takeOver: (claim) => this.#call(road, 'takeOver', claim),
      append: (batch) => this.#call(road, 'append', batch),
      startEpoch: (start) => this.#call(road, 'startEpoch', start),
      trim: (trim) => this.#call(road, 'trim', trim),
      archive: (archiving) => this.#call(road, 'archive', archiving),
      confirm: (place) => this.#call(road, 'confirm', place),
      peek: (sessionId) => this.#call(road, 'peek', sessionId),
    };
    return tampering.journal?.(journal, this.name, road.random) ?? journal;
  }

  /** Where sessions begin and stay, as one instance sees it. */
  catalogFor(road: Road): SessionCatalog {
    return {
      history: (sessionId) => this.#call(road, 'history', sessionId),
      create: (session) => this.#call(road, 'create', session),
    };
  }

  get clock(): VirtualClock {
    return this.#parts.clock;
  }

  /** For so long, or until it is called back; then that happens, before anybody is answered. */
  goAway(durationMs: number, whenBack?: () => void): void {
    this.#awayUntilMs = this.clock.timeMs + durationMs;
    this.#whenBack = whenBack;
    this.clock.after(durationMs, () => this.#endAbsence());
  }

  comeBack(): void {
    this.isDown = false;
    this.#endAbsence();
  }

  #endAbsence(): void {
    const whenBack = this.#whenBack;
    this.#awayUntilMs = -Infinity;
    this.#whenBack = undefined;
    whenBack?.();
  }

  get #isAway(): boolean {
    return this.isDown || this.#awayUntilMs > -Infinity;
  }

  wipe(): void {
    this.memory.wipe();
    this.#parts.oracle.wiped(this.name);
  }

  backUp(): void {
    this.#backup = this.memory.backup();
    this.#parts.oracle.backedUp(this.name);
  }

  /** Goes back to the latest backup; another process has read it. */
  rollBack(): boolean {
    if (this.#backup === undefined) return false;
    this.memory.restore(this.#backup);
    this.#parts.oracle.restored(this.name);
    this.restart();
    return true;
  }

  restart(): void {
    this.memory.restart(`process-${++this.#restartCount}`);
  }

  #call<Name extends Method>(
    road: Road,
    method: Name,
    argument: Parameters<Port[Name]>[0],
  ): ReturnType<Port[Name]> {
    this.callCount++;
    const { clock } = this.#parts;
    const plan = this.#plan(road);
    const answer = new Promise((resolve, reject) => {
      const giveUpMs = plan.isRefused ? plan.thereMs : timeoutMs[this.name];
      const giveUp = clock.after(giveUpMs, () =>
        road.process.run(() => reject(new StoreUnavailableError(this.#label, 'simulated'))),
      );
      this.#burn(road, 'asked');
      if (!plan.arrives) return;
      this.lateCount++;
      clock.after(plan.thereMs, () => {
        this.lateCount--;
        if (this.#isAway) return;
        void this.#land(road, method, argument).then((landed) => {
          this.#burn(road, 'landed');
          if (!plan.isAnswered) return;
          clock.after(plan.backMs, () =>
            road.process.run(() => {
              giveUp();
              if ('error' in landed) reject(landed.error);
              else resolve(landed.result);
              // By the time the world goes on, the caller has gone as far as it could without asking anybody again.
              clock.after(0, () => this.#burn(road, 'answered'));
            }),
          );
        });
      });
    });
    return answer as ReturnType<Port[Name]>;
  }

  #burn(road: Road, stage: CallStage): void {
    const { fuse } = road;
    if (fuse?.stage !== stage || --fuse.callsLeft > 0) return;
    road.fuse = undefined;
    this.#parts.trace.note(
      'fault',
      `at a call of ${this.name} that is ${stage}`,
      road.process.name,
    );
    fuse.blow();
  }

  get #label(): 'Redis' | 'Postgres' {
    return this.name === 'redis' ? 'Redis' : 'Postgres';
  }

  #plan(road: Road): {
    readonly arrives: boolean;
    readonly isAnswered: boolean;
    readonly isRefused: boolean;
    readonly thereMs: number;
    readonly backMs: number;
  } {
    const { random } = road;
    const slowest = this.name === 'redis' ? 60 : 200;
    const usual = { thereMs: random.skewed(0.2, slowest), backMs: random.skewed(0.2, slowest) };
    if (this.#isAway || road.isCut)
      return { ...usual, arrives: false, isAnswered: false, isRefused: random.chance(0.7) };
    if (road.isSlow) {
      const thereMs = random.integer(1_000, lateMsMax);
      return { ...usual, thereMs, arrives: true, isAnswered: true, isRefused: false };
    }
    const isFaulty = random.chance(this.faultRate);
    const kind = isFaulty ? random.pick(['lost', 'answer-lost', 'late', 'reset'] as const) : 'well';
    switch (kind) {
      case 'lost':
        return { ...usual, arrives: false, isAnswered: false, isRefused: random.chance(0.5) };
      case 'late': {
        const thereMs = random.skewed(timeoutMs[this.name], lateMsMax);
        return { ...usual, thereMs, arrives: true, isAnswered: false, isRefused: false };
      }
      case 'answer-lost':
        return { ...usual, arrives: true, isAnswered: false, isRefused: false };
      case 'reset':
        // The connection breaks while the call is under way: the caller knows at once, the store learns it a little later.
        return { ...usual, arrives: true, isAnswered: false, isRefused: true };
      case 'well':
      case undefined:
        return { ...usual, arrives: true, isAnswered: true, isRefused: false };
    }
  }

  async #land(
    { process }: Road,
    method: Method,
    argument: object | string,
  ): Promise<{ readonly result: unknown } | { readonly error: unknown }> {
    const { oracle, trace } = this.#parts;
    try {
      const { history, create } = this.memory;
      const journal: Port = { ...this.#journal, history, create };
      const ask = journal[method] as (argument: unknown) => Promise<unknown>;
      const result: unknown = await ask(argument);
      trace.note(
        this.name,
        `${method} of ${process.name}`,
        () => shortened(argument),
        () => shortened(result),
      );
      if (method === 'create') oracle.created(argument as never);
      if (method === 'takeOver') oracle.tookOver(this.name, argument as never, result as never);
      if (method === 'append') oracle.appended(this.name, argument as never, result as never);
      if (method === 'archive') oracle.archived(this.name, argument as never, result as never);
      if (method === 'startEpoch')
        oracle.startedEpoch(this.name, argument as never, result as never);
      return { result };
    } catch (error) {
      trace.note(this.name, `${method} of ${process.name} fails`, String(error));
      return { error };
    }
  }
}

/** What one wants to read of a call: who, where, and how it went. */
function shortened(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value ?? '';
  const { kind, ownerId, term, epoch, prev, head, snapshot, isContinuous } = value as Record<
    string,
    unknown
  >;
  const at = typeof snapshot === 'object' ? (snapshot as { offset: number }).offset : undefined;
  return { kind, owner: ownerId, term, epoch, prev, head, at, isContinuous };
}

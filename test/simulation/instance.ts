/** One instance of the server: the real registry, hosts and connections, in a process that can be killed. */
import type { Signatures } from '../../server/auth/signatures.ts';
import { Connection } from '../../server/gateway/connection.ts';
import { drain } from '../../server/lifecycle/drain.ts';
import { createLifecycle } from '../../server/lifecycle/lifecycle.ts';
import { Caretaker } from '../../server/session/caretaker.ts';
import { SessionRegistry } from '../../server/session/session-registry.ts';
import { withCircuit } from '../../server/store/circuit.ts';
import type { Housekeeping } from '../../server/store/journal.ts';
import type { Journals } from '../../server/store/journals.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import type { Accept, Destination } from './network.ts';
import type { Random } from './random.ts';
import type { SimProcess } from './sim-process.ts';
import type { Road, SimStore } from './sim-store.ts';
import { releases, type Version } from './tally-two.ts';

/** Long enough for nobody: whom the caretaker looks after is for the faults to say, whether somebody is attached or not. */
const caretakerSettings = { archiveAfterMs: 1, abandonedAfterMs: 1, tombstoneMs: 1 };

export interface InstanceParts {
  readonly process: SimProcess;
  readonly postgres: SimStore;
  readonly redis: SimStore | undefined;
  readonly signed: Signatures;
  readonly newId: () => string;
  readonly noiseOf: (name: string) => Random;
  /** Which release it runs. */
  readonly version: Version;
  readonly checkpointMs: number;
  readonly detachedGraceMs: number;
  readonly reportError: (error: unknown) => void;
}

export class Instance implements Destination {
  readonly process: SimProcess;
  readonly toPostgres: Road;
  readonly toRedis: Road;
  readonly #parts: InstanceParts;
  readonly #lifecycle = createLifecycle();
  readonly #registry: SessionRegistry;
  readonly #caretaker: Caretaker;
  /** What its caretaker is told to be due next. */
  #due: readonly string[] = [];
  #arrivals = 0;
  readonly #connections = new Set<Connection>();

  constructor(parts: InstanceParts) {
    const { process, signed, reportError, noiseOf } = parts;
    this.#parts = parts;
    this.process = process;
    const model = releases[parts.version];
    const road = (to: string): Road => {
      const random = noiseOf(`${process.name} to ${to}`);
      return { process, random, isSlow: false, isCut: false, fuse: undefined };
    };
    this.toPostgres = road('postgres');
    this.toRedis = road('redis');
    const common = {
      journals: this.#journals(),
      models: new Map([[model.kind, model]]),
      newId: parts.newId,
      clock: process.clock,
      reportError,
    };
    this.#registry = new SessionRegistry({
      ...common,
      limits: defaultLimits,
      release: process.name,
      issueToken: signed.tokens.issue,
      signPosition: signed.positions.sign,
      checkpointMs: parts.checkpointMs,
      detachedGraceMs: parts.detachedGraceMs,
    });
    this.#caretaker = new Caretaker({
      ...common,
      housekeeping: this.#housekeeping(),
      registry: this.#registry,
      random: () => 0,
      settings: caretakerSettings,
      archived: () => {},
      buried: () => {},
    });
    this.#registry.start();
    this.#lifecycle.enter('ready');
  }

  get version(): Version {
    return this.#parts.version;
  }

  get isReady(): boolean {
    return !this.process.isDead && this.#lifecycle.phase() === 'ready';
  }

  /** As the upgrade route does it. */
  readonly accept: Accept = (socket, { sessionId, clientId }) => {
    if (!this.isReady) return undefined;
    const connection = new Connection(
      socket,
      { sessionId, clientId },
      {
        registry: this.#registry,
        clock: this.process.clock,
        limits: defaultLimits,
        versions: { [releases[1].kind]: this.version },
        proveToken: this.#parts.signed.tokens.prove,
        isProven: this.#parts.signed.positions.isProven,
        proveOrigin: this.#parts.signed.origins.prove,
        countArrival: () => ++this.#arrivals,
        isTakenBack: () => Promise.resolve(false),
        reportError: this.#parts.reportError,
      },
    );
    this.#connections.add(connection);
    return {
      receive: (text) => connection.receive(text),
      gone: () => {
        connection.gone();
        this.#connections.delete(connection);
      },
    };
  };

  /** Puts a session away, unless somebody is attached to it here. */
  putAway(sessionId: string): void {
    this.#due = [sessionId];
    void this.#caretaker.tend();
  }

  /** Leaves as a deploy makes it leave. */
  drain(): Promise<void> {
    return drain({
      lifecycle: this.#lifecycle,
      clock: this.process.clock,
      registry: this.#registry,
      connections: this.#connections,
      settings: { noticeMs: 100, movesPerS: 10, graceMs: 2_000 },
    });
  }

  #housekeeping(): Housekeeping {
    return {
      due: () => {
        const due = this.#due;
        this.#due = [];
        return Promise.resolve(due);
      },
      touch: () => Promise.resolve(),
      purge: () => Promise.resolve(0),
    };
  }

  #journals(): Journals {
    const { process, postgres, redis } = this.#parts;
    const checkpoints = withCircuit(
      postgres.journalFor(this.toPostgres),
      'Postgres',
      process.clock,
    );
    return {
      checkpoints: {
        ...checkpoints,
        ...postgres.catalogFor(this.toPostgres),
      },
      log: redis && withCircuit(redis.journalFor(this.toRedis), 'Redis', process.clock),
    };
  }
}

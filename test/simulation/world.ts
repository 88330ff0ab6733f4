/** Everything there is in one run: stores, instances, devices, the network between them, and the oracle that watches. */
import { positionProofs } from '../../server/auth/position-proofs.ts';
import { resumeTokens } from '../../server/auth/resume-tokens.ts';
import { retentionMs } from '../../shared/protocol/limits.ts';
import { genesis } from '../../shared/session/fold.ts';
import { tally } from '../support/tally.ts';
import { virtualClock, type VirtualClock } from '../support/virtual-clock.ts';
import { bound, Device } from './device.ts';
import { Instance } from './instance.ts';
import { Line } from './network.ts';
import { seededRandom, type Random } from './random.ts';
import { SimProcess } from './sim-process.ts';
import { SimStore } from './sim-store.ts';
import { StoreOracle } from './store-oracle.ts';
import type { Tampering } from './tampering.ts';
import { trace, type Trace } from './trace.ts';
import { WireOracle } from './wire-oracle.ts';

export interface WorldOptions {
  readonly tampering: Tampering;
  readonly traceNotesMax: number;
  readonly tolerated: RegExp | undefined;
  readonly isRisky: boolean;
}

const startMs = 1_700_000_000_000;
const secret = 'a secret of the simulator, long enough';
const tokens = resumeTokens(secret);
const proofs = positionProofs(secret);

export class World {
  /** Whether faults may come together that nobody promises to survive. */
  readonly isRisky: boolean;
  /** Whether storages are copied in this run. */
  readonly isCopying: boolean;
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly stores: StoreOracle;
  readonly wire: WireOracle;
  readonly postgres: SimStore;
  readonly redis: SimStore | undefined;
  readonly instances: Instance[] = [];
  readonly devices: Device[] = [];
  readonly sessionIds: readonly string[];
  lines: Line[] = [];
  violation: string | undefined;
  readonly #tampering: Tampering;
  readonly #tolerated: RegExp | undefined;
  readonly #checkpointMs: number;
  readonly #detachedGraceMs: number;
  #idCount = 0;
  #instanceCount = 0;

  constructor(seed: number, { tampering, traceNotesMax, tolerated, isRisky }: WorldOptions) {
    this.random = seededRandom(seed);
    this.#tampering = tampering;
    this.#tolerated = tolerated;
    this.isRisky = isRisky;
    const { random } = this;
    this.clock = virtualClock(startMs, () => random.fraction());
    this.trace = trace(() => this.clock.timeMs, traceNotesMax);
    this.stores = new StoreOracle((sentence) => this.fail(sentence));
    this.wire = new WireOracle(this.stores, (sentence) => this.fail(sentence));
    const { clock, trace: notes, stores: oracle } = this;
    const parts = { clock, random, trace: notes, oracle, tampering };
    this.postgres = new SimStore('postgres', parts);
    this.redis = random.chance(0.8) ? new SimStore('redis', parts) : undefined;
    // Where accepted things can still be lost, copies of a storage cannot tell what they have in common.
    this.isCopying = isRisky || (this.redis === undefined && random.chance(0.5));
    this.#checkpointMs = random.integer(300, 5_000);
    this.#detachedGraceMs = random.integer(500, 60_000);
    this.sessionIds = Array.from({ length: random.chance(0.2) ? 2 : 1 }, () => this.newId('s'));
    for (const sessionId of this.sessionIds) this.#begin(sessionId);
    const instanceCount = random.integer(2, 3);
    for (let count = 0; count < instanceCount; count++) this.startInstance();
    const deviceCount = random.integer(1, 3);
    for (let number = 1; number <= deviceCount; number++) this.#addDevice(number);
  }

  /** The first thing that is wrong ends the run; what follows from it is not worth reading. */
  fail(sentence: string): void {
    if (this.#tolerated?.test(sentence) === true) return;
    this.violation ??= sentence;
    this.trace.note('oracle', sentence);
  }

  newId(prefix: string): string {
    this.#idCount++;
    return `${prefix}${String(this.#idCount).padStart(7, '0')}`.padEnd(22, '_');
  }

  startInstance(): void {
    const process = new SimProcess(`instance-${++this.#instanceCount}`, this.clock);
    this.trace.note(process.name, 'starts');
    const { postgres, redis } = this;
    this.instances.push(
      new Instance({
        process,
        postgres,
        redis,
        tokens,
        proofs,
        newId: () => this.newId('o'),
        checkpointMs: this.#checkpointMs,
        detachedGraceMs: this.#detachedGraceMs,
        reportError: (error) => this.#reported(error),
      }),
    );
  }

  removeInstance(instance: Instance): void {
    instance.process.kill();
    this.instances.splice(this.instances.indexOf(instance), 1);
    for (const line of this.linesOf(instance)) line.instanceDied();
  }

  linesOf(owner: Instance | SimProcess): Line[] {
    this.lines = this.lines.filter((line) => !line.isOver);
    return this.lines.filter((line) => line.destination === owner || line.page === owner);
  }

  readyInstances(): Instance[] {
    return this.instances.filter((instance) => instance.isReady);
  }

  refresh(device: Device): void {
    const lines = this.linesOf(device.page);
    device.refresh();
    for (const line of lines) line.pageDied();
  }

  comeUpAsCopy(device: Device): void {
    const lines = this.linesOf(device.page);
    device.swapStorage();
    for (const line of lines) line.pageDied();
  }

  #begin(sessionId: string): void {
    const snapshot = genesis(tally, { bound });
    void this.postgres.memory.create({ sessionId, epoch: '0', snapshot, retentionMs });
    this.stores.created(sessionId, '0', snapshot);
  }

  #addDevice(number: number): void {
    const { clock, random } = this;
    const clientId = `c${number}`.padEnd(22, '_');
    const sessionId = random.pick(this.sessionIds) ?? '';
    const session = {
      sessionId,
      clientId,
      url: `http://simulated/v1/sessions/${sessionId}/clients/${clientId}`,
      token: tokens.issue(sessionId, clientId, 1),
      incarnation: this.newId('n'),
      accepted: 0,
      checkpointed: 0,
      snapshot: genesis(tally, { bound }),
    };
    this.devices.push(
      new Device(number, session, {
        name: `device-${number}`,
        clock,
        random,
        trace: this.trace,
        newId: () => this.newId('n'),
        dial: (page, device) => this.#dial(page, device),
        saved: (kept) => this.wire.keeps(kept),
        fail: (sentence) => this.fail(sentence),
        isDiskLying: this.#tampering.isDiskLying ?? false,
        toServer: this.#tampering.toServer?.(),
      }),
    );
  }

  #dial(page: SimProcess, device: Device): Line {
    const { clock, random, wire: oracle } = this;
    const { sessionId } = device.disk.session;
    const hearing = { sessionId, clientId: device.clientId };
    const line = new Line(page, hearing, {
      clock,
      random,
      trace: this.trace,
      oracle,
      tampering: this.#tampering,
    });
    this.lines.push(line);
    const instance = device.isOnline ? random.pick(this.readyInstances()) : undefined;
    this.trace.note(page.name, 'dials', instance?.process.name ?? 'nobody');
    // The client has not put its listeners on the socket yet.
    clock.after(0, () => line.dial(instance));
    return line;
  }

  /** The tally's own mistake is part of the game; any other is one of ours. */
  #reported(error: unknown): void {
    if (error instanceof Error && error.message === 'The model has a mistake.') return;
    this.fail(`the server reports ${error instanceof Error ? error.stack : String(error)}`);
  }
}

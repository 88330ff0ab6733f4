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
import { noiseOf, type Random } from './random.ts';
import { setupOf, type Setup } from './setup.ts';
import { SimProcess } from './sim-process.ts';
import { SimStore } from './sim-store.ts';
import { StoreOracle } from './store-oracle.ts';
import type { Tampering } from './tampering.ts';
import { trace, type Trace } from './trace.ts';
import { WireOracle } from './wire-oracle.ts';

export interface WorldOptions {
  readonly tampering: Tampering;
  readonly traceNotesMax: number;
  /** Which luck the same schedule has. */
  readonly variant: number;
}

/** When every run begins. */
export const startMs = 1_700_000_000_000;
const secret = 'a secret of the simulator, long enough';
const tokens = resumeTokens(secret);
const proofs = positionProofs(secret);

export class World {
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
  readonly #setup: Setup;
  readonly #noiseOf: (name: string) => Random;
  #idCount = 0;
  #instanceCount = 0;

  constructor(seed: number, { tampering, traceNotesMax, variant }: WorldOptions) {
    this.#setup = setupOf(seed);
    this.#noiseOf = (name) => noiseOf(seed, name, variant);
    this.#tampering = tampering;
    const ties = this.#noiseOf('ties');
    this.clock = virtualClock(startMs, () => ties.fraction());
    this.trace = trace(() => this.clock.timeMs, traceNotesMax);
    this.stores = new StoreOracle((sentence) => this.fail(sentence));
    this.wire = new WireOracle(this.stores, (sentence) => this.fail(sentence));
    const { clock, trace: notes, stores: oracle } = this;
    const parts = { clock, trace: notes, oracle, tampering };
    const { hasRedis, sessionCount, instanceCount, devices } = this.#setup;
    this.postgres = new SimStore('postgres', parts);
    this.redis = hasRedis ? new SimStore('redis', parts) : undefined;
    this.sessionIds = Array.from({ length: sessionCount }, () => this.newId('s'));
    for (const sessionId of this.sessionIds) this.#begin(sessionId);
    for (let count = 0; count < instanceCount; count++) this.startInstance();
    for (const [index, place] of devices.entries()) this.#addDevice(index + 1, place);
  }

  /** The first thing that is wrong ends the run; what follows from it is not worth reading. */
  fail(sentence: string): void {
    this.violation ??= sentence;
    this.trace.note('oracle', sentence);
  }

  newId(prefix: string): string {
    this.#idCount++;
    return `${prefix}${String(this.#idCount).padStart(7, '0')}`.padEnd(22, '_');
  }

  /** In the place of a former one, which it is named after, so that nothing else about the run depends on how many there were. */
  startInstance(former?: Instance): void {
    const [place = ++this.#instanceCount, life = 0] =
      former?.process.name.split('-')[1]?.split('.').map(Number) ?? [];
    const process = new SimProcess(`instance-${place}.${life + 1}`, this.clock);
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
        checkpointMs: this.#setup.checkpointMs,
        detachedGraceMs: this.#setup.detachedGraceMs,
        noiseOf: this.#noiseOf,
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

  #addDevice(number: number, place: number): void {
    const { clock } = this;
    const clientId = `c${number}`.padEnd(22, '_');
    const sessionId = this.sessionIds[place] ?? '';
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
        noiseOf: this.#noiseOf,
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
    const { clock, wire: oracle } = this;
    const random = this.#noiseOf(`line ${page.name}.${page.dialCount++}`);
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

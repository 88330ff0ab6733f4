/** Everything there is in one run: stores, instances, devices, the network between them, and the oracle that watches. */
import { signatures } from '../../server/auth/signatures.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';
import { retentionMs } from '../../shared/protocol/limits.ts';
import { genesis } from '../../shared/session/fold.ts';
import { tally } from '../support/tally.ts';
import { virtualClock, type VirtualClock } from '../support/virtual-clock.ts';
import { bound, Device } from './device.ts';
import { Instance } from './instance.ts';
import { Ledger } from './ledger.ts';
import { Line } from './network.ts';
import { noiseOf, type Random } from './random.ts';
import { setupOf, type Setup } from './setup.ts';
import { SimProcess } from './sim-process.ts';
import { SimStore } from './sim-store.ts';
import { StoreOracle } from './store-oracle.ts';
import type { Version } from './tally-two.ts';
import type { Tampering } from './tampering.ts';
import { trace, type Trace } from './trace.ts';
import { WireOracle, type Hearing } from './wire-oracle.ts';

export interface WorldOptions {
  readonly tampering: Tampering;
  readonly traceNotesMax: number;
  /** Which luck the same schedule has. */
  readonly variant: number;
}

/** When every run begins. */
export const startMs = 1_700_000_000_000;
const signed = signatures(signingKeys(['a secret of the simulator, long enough']));
const input = { bound };

export class World {
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly ledger = new Ledger();
  readonly stores: StoreOracle;
  readonly wire: WireOracle;
  readonly postgres: SimStore;
  readonly redis: SimStore | undefined;
  readonly instances: Instance[] = [];
  readonly devices: Device[] = [];
  readonly sessionIds: readonly string[];
  /** A session no device has a token of: nobody may so much as open it. */
  readonly lonelyId: string;
  readonly signed = signed;
  lines: Line[] = [];
  violation: string | undefined;
  readonly #tampering: Tampering;
  readonly #setup: Setup;
  readonly #noiseOf: (name: string) => Random;
  readonly #deploys: Random;
  /** Releases that new instances may be of. */
  #versions: readonly Version[] = [1];
  /** Devices and instances that do not reach each other. */
  #walls: { readonly device: Device; readonly instance: Instance }[] = [];
  #idCount = 0;
  #instanceCount = 0;

  constructor(seed: number, { tampering, traceNotesMax, variant }: WorldOptions) {
    this.#setup = setupOf(seed);
    this.#noiseOf = (name) => noiseOf(seed, name, variant);
    this.#deploys = this.#noiseOf('deploys');
    this.#tampering = tampering;
    const ties = this.#noiseOf('ties');
    this.clock = virtualClock(startMs, () => ties.fraction());
    this.trace = trace(() => this.clock.timeMs, traceNotesMax);
    const fail = (sentence: string): void => this.fail(sentence);
    this.stores = new StoreOracle(this.ledger, fail);
    this.wire = new WireOracle(this.stores, this.ledger, fail);
    const { clock, trace: notes, stores: oracle } = this;
    const parts = { clock, trace: notes, oracle, tampering };
    const { hasRedis, sessionCount, instanceCount, devices } = this.#setup;
    this.postgres = new SimStore('postgres', parts);
    this.redis = hasRedis ? new SimStore('redis', parts) : undefined;
    this.sessionIds = Array.from({ length: sessionCount }, () => this.newId('s'));
    this.lonelyId = this.newId('l');
    for (const sessionId of [...this.sessionIds, this.lonelyId]) this.#begin(sessionId);
    this.stores.closed(this.lonelyId);
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
  startInstance(former?: Instance, version = this.#deploys.pick(this.#versions) ?? 1): void {
    const [place = ++this.#instanceCount, life = 0] =
      former?.process.name.split('-')[1]?.split('.').map(Number) ?? [];
    const process = new SimProcess(`instance-${place}.${life + 1}`, this.clock);
    this.trace.note(process.name, 'starts, of release', version);
    const { postgres, redis } = this;
    const { checkpointMs, detachedGraceMs } = this.#setup;
    this.instances.push(
      new Instance({
        process,
        version,
        postgres,
        redis,
        signed,
        newId: () => this.newId('o'),
        checkpointMs,
        detachedGraceMs,
        noiseOf: this.#noiseOf,
        reportError: (error) => this.#reported(error),
      }),
    );
  }

  removeInstance(instance: Instance): void {
    instance.process.kill();
    const place = this.instances.indexOf(instance);
    if (place !== -1) this.instances.splice(place, 1);
    for (const line of this.linesOf(instance)) line.instanceDied();
  }

  /** Another one takes its place after that time. */
  crash(instance: Instance, restMs: number): void {
    this.removeInstance(instance);
    this.clock.after(restMs, () => this.startInstance(instance));
  }

  /** Returns false when this run has one release only. */
  beginDeploy(): boolean {
    if (this.#setup.hasDeploy) this.#versions = [1, 2];
    return this.#setup.hasDeploy;
  }

  /** What is of the former release by now goes. */
  finishDeploy(): void {
    const newest = Math.max(...this.#versions) as Version;
    this.#versions = [newest];
    for (const instance of this.instances.filter(({ version }) => version < newest)) {
      this.removeInstance(instance);
      this.startInstance(instance);
    }
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

  /** Until the result is called, no new connection leads from the one to the other. */
  cutOff(device: Device, instance: Instance): () => void {
    const wall = { device, instance };
    this.#walls.push(wall);
    return () => {
      this.#walls = this.#walls.filter((other) => other !== wall);
    };
  }

  reconnectAll(): void {
    this.#walls = [];
  }

  /** A connection that leads nowhere yet. */
  lineOf(page: SimProcess, hearing: Hearing, random: Random): Line {
    const { clock, trace: notes, wire: oracle } = this;
    return new Line(page, hearing, {
      clock,
      random,
      trace: notes,
      oracle,
      tampering: this.#tampering,
    });
  }

  #begin(sessionId: string): void {
    const session = { sessionId, epoch: '0', snapshot: genesis(tally, input), retentionMs };
    void this.postgres.memory.create(session);
    this.stores.created(session);
  }

  #addDevice(number: number, place: number): void {
    const clientId = `c${number}`.padEnd(22, '_');
    const sessionId = this.sessionIds[place] ?? '';
    const isFirst = !this.devices.some((other) => other.disk.session.sessionId === sessionId);
    const session = {
      sessionId,
      clientId,
      url: `http://simulated/v1/sessions/${sessionId}/clients/${clientId}`,
      token: signed.tokens.issue(sessionId, clientId, 1),
      incarnation: this.newId('n'),
      accepted: 0,
      checkpointed: 0,
      // The others were invited: they do not know what it began with.
      input: isFirst ? input : undefined,
      origin: signed.origins.issue({ sessionId, kind: tally.kind, input }, this.clock.nowMs()),
      snapshot: genesis(tally, input),
    };
    this.wire.issued(session, session.token);
    this.devices.push(
      new Device(number, session, {
        name: `device-${number}`,
        clock: this.clock,
        noiseOf: this.#noiseOf,
        trace: this.trace,
        ledger: this.ledger,
        newId: () => this.newId('n'),
        // A page comes from some instance, too.
        version: (random) => random.pick(this.instances)?.version ?? this.#versions.at(-1) ?? 1,
        dial: (page, device) => this.#dial(page, device),
        saved: (kept) => this.wire.keeps(kept),
        fail: (sentence) => this.fail(sentence),
        isDiskLying: this.#tampering.isDiskLying ?? false,
        toServer: this.#tampering.toServer?.(),
      }),
    );
  }

  #dial(page: SimProcess, device: Device): Line {
    const random = this.#noiseOf(`line ${page.name}.${page.dialCount++}`);
    const { sessionId } = device.disk.session;
    const line = this.lineOf(page, { sessionId, clientId: device.clientId }, random);
    this.lines.push(line);
    const instance = device.hasNetwork ? random.pick(this.readyInstances()) : undefined;
    const isWalled = this.#walls.some(
      (wall) => wall.device === device && wall.instance === instance,
    );
    this.trace.note(
      page.name,
      'dials',
      instance?.process.name ?? 'nobody',
      isWalled ? 'in vain' : '',
    );
    // The client has not put its listeners on the socket yet.
    this.clock.after(0, () => line.dial(isWalled ? undefined : instance));
    return line;
  }

  /** The tally's own mistake is part of the game; any other is one of ours. */
  #reported(error: unknown): void {
    if (error instanceof Error && error.message === 'The model has a mistake.') return;
    this.fail(`the server reports ${error instanceof Error ? error.stack : String(error)}`);
  }
}

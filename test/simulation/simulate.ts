/** One run: a seed becomes a world, things are entered and go wrong, then everything must come to rest and be right. */
import type { ClientView } from '../../client/status.ts';
import { addedBy, addedOf, digestOf, firstDifference, type Added } from './chain.ts';
import type { Device } from './device.ts';
import { drawFault, endFaults } from './faults.ts';
import type { Tampering } from './tampering.ts';
import { World } from './world.ts';

export interface SimulateOptions {
  readonly tampering?: Tampering | undefined;
  /** Notes of the trace that are kept. */
  readonly traceNotesMax?: number | undefined;
  /** Violations that are known and looked past. */
  readonly tolerated?: RegExp | undefined;
  /** Faults may come together that nobody promises to survive: copied storage and lost stores. */
  readonly isRisky?: boolean | undefined;
}

export interface Outcome {
  readonly seed: number;
  /** What was wrong first; undefined when nothing was. */
  readonly violation: string | undefined;
  readonly trace: readonly string[];
  readonly faultNames: readonly string[];
  readonly counts: Counts;
}

export interface Counts {
  readonly commands: number;
  readonly landed: number;
  readonly takeovers: number;
  readonly epochs: number;
  readonly storeCalls: number;
}

const stepCount = 300;

/** Virtual milliseconds in which everything must be served and saved once nothing goes wrong any more. */
const restMsMax = 150_000;

export async function simulate(seed: number, options: SimulateOptions = {}): Promise<Outcome> {
  const { tampering = {}, traceNotesMax = 60, tolerated, isRisky = false } = options;
  const world = new World(seed, { tampering, traceNotesMax, tolerated, isRisky });
  const faultNames = await live(world);
  endFaults(world);
  await comeToRest(world);
  // What was on its way to a store for very long may still arrive, and must not harm; then everybody goes on as if nothing was.
  await untilTrue(world, () => lateCount(world) === 0);
  for (const device of world.devices) if (device.hasSpare) world.comeUpAsCopy(device);
  await comeToRest(world);
  for (const device of world.devices) device.issue();
  await comeToRest(world);
  if (world.violation === undefined) checkEnd(world);
  for (const { process } of world.instances) process.kill();
  const { violation } = world;
  const lines =
    violation === undefined && options.traceNotesMax === undefined ? [] : world.trace.lines();
  return { seed, violation, trace: lines, faultNames, counts: countsOf(world) };
}

async function live(world: World): Promise<string[]> {
  const { random, clock } = world;
  const faultCount = random.integer(8, 20);
  const faultNames: string[] = [];
  const isOver = (): boolean => world.violation !== undefined;
  for (let step = 0; step < stepCount && !isOver(); step++) {
    const pauseMs = random.chance(0.04) ? random.integer(1_000, 10_000) : random.skewed(1, 800);
    await clock.runUntil(clock.timeMs + pauseMs, isOver);
    if (random.chance(faultCount / stepCount)) {
      const fault = drawFault(world);
      faultNames.push(fault.name);
      world.trace.note('fault', fault.name);
      fault.strike(world);
    } else {
      const device = random.pick(world.devices);
      const count = random.chance(0.06) ? random.integer(2, 12) : 1;
      for (let issued = 0; issued < count; issued++) device?.issue();
    }
  }
  return faultNames;
}

const lateCount = ({ redis, postgres }: World): number =>
  (redis?.lateCount ?? 0) + postgres.lateCount;

async function comeToRest(world: World): Promise<void> {
  const isAtRest = await untilTrue(world, () =>
    world.devices.every((one) => isUpToDate(world, one)),
  );
  if (isAtRest || world.violation !== undefined) return;
  const views = world.devices.map(({ name, view }) => {
    const { status, stopCode, unsaved, unaccepted } = view ?? {};
    return `${name} is ${status} (${stopCode}), unsaved ${unsaved}, unaccepted ${unaccepted}`;
  });
  world.fail(`after ${restMsMax / 1_000} s without faults: ${views.join('; ')}`);
}

/** Connected, everything saved, and seeing all there is. */
function isUpToDate({ stores }: World, { view, disk }: Device): boolean {
  if (view?.status !== 'connected' || view.unsaved > 0 || view.unaccepted > 0) return false;
  return digestOf(addedIn(view)) === stores.saved(disk.session.sessionId)?.digest;
}

const addedIn = (view: ClientView | undefined): readonly Added[] =>
  (view?.state as { readonly added: readonly Added[] } | undefined)?.added ?? [];

async function untilTrue(world: World, isTrue: () => boolean): Promise<boolean> {
  const endMs = world.clock.timeMs + restMsMax;
  while (world.clock.timeMs < endMs && world.violation === undefined) {
    if (isTrue()) return true;
    await world.clock.runUntil(world.clock.timeMs + 500, () => world.violation !== undefined);
  }
  return false;
}

/** Everything entered has had its effect exactly once, in order, and everybody sees the same. */
function checkEnd(world: World): void {
  for (const sessionId of world.sessionIds) {
    const stored = world.postgres.memory.read(sessionId);
    if (stored === undefined) {
      world.fail(`Postgres has lost session ${sessionId}`);
      return;
    }
    const added: Added[] = [...addedOf(stored.snapshot), ...stored.entries.flatMap(addedBy)];
    if (digestOf(added) !== world.stores.saved(sessionId)?.digest)
      world.fail('Postgres does not have what landed there');
    for (const device of world.devices) {
      if (device.disk.session.sessionId !== sessionId) continue;
      const own = added.filter(([clientId]) => clientId === device.clientId);
      const problem = device.problemWith(own);
      if (problem !== undefined) world.fail(`${device.name}: ${problem} [C2]`);
      const wrong = firstDifference(added, addedIn(device.view));
      if (wrong !== undefined) world.fail(`the view of ${device.name}: ${wrong}`);
    }
  }
}

function countsOf({ devices, stores, sessionIds, redis, postgres }: World): Counts {
  return {
    commands: devices.reduce((sum, device) => sum + device.issuedCount, 0),
    landed: stores.landedCount,
    takeovers: stores.takeoverCount,
    epochs: sessionIds.reduce((sum, id) => sum + stores.record(id).epochCount, 0),
    storeCalls: (redis?.callCount ?? 0) + postgres.callCount,
  };
}

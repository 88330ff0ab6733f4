/** One run: a seed becomes a world, things are entered and go wrong, then everything must come to rest and be right. */
import type { ClientView } from '../../client/status.ts';
import type { StopReason } from '../../client/stop-reason.ts';
import { beginAbsence } from './absences.ts';
import { addedBy, addedOf, digestOf, firstDifference, type Added } from './chain.ts';
import type { Device } from './device.ts';
import type { Fault } from './fault.ts';
import { bagOf, endFaults, strikeOne } from './faults.ts';
import { noiseOf, seededRandom, type Random } from './random.ts';
import { stepsOf, type Step } from './setup.ts';
import { strangerComes } from './stranger.ts';
import type { Tampering } from './tampering.ts';
import { startMs, World } from './world.ts';

export interface SimulateOptions {
  readonly tampering?: Tampering | undefined;
  /** Notes of the trace that are kept; none by default. */
  readonly traceNotesMax?: number | undefined;
  /** Which steps of the seed's schedule are taken; all by default. */
  readonly isTaken?: ((step: Step) => boolean) | undefined;
  /** Faults may come together that are known not to be survived. */
  readonly isRisky?: boolean | undefined;
  /** Other luck for the same schedule. */
  readonly variant?: number | undefined;
}

export interface Outcome {
  readonly seed: number;
  /** What was wrong first; undefined when nothing was. */
  readonly violation: string | undefined;
  readonly trace: readonly string[];
  /** What went wrong, step by step. */
  readonly struck: readonly Struck[];
  readonly lastStep: number;
  readonly counts: Counts;
}

export interface Struck {
  readonly step: Step;
  readonly name: string;
}

export interface Counts {
  readonly faults: number;
  readonly commands: number;
  readonly landed: number;
  readonly takeovers: number;
  readonly epochs: number;
  readonly storeCalls: number;
}

/** Virtual milliseconds in which everything must be served and saved once nothing goes wrong any more. */
const restMsMax = 150_000;

/** How often a stranger comes along when something is entered. */
const strangerShare = 0.04;

export async function simulate(seed: number, options: SimulateOptions = {}): Promise<Outcome> {
  const { tampering = {}, traceNotesMax = 0, variant = 0 } = options;
  const world = new World(seed, { tampering, traceNotesMax, variant });
  const steps = stepsOf(seed).filter(options.isTaken ?? (() => true));
  const struck = await live(world, seed, steps, bagOf(seed, options.isRisky === true));
  const lastStep = steps.findLast(({ atMs }) => startMs + atMs <= world.clock.timeMs)?.number ?? 0;
  endFaults(world);
  await comeToRest(world);
  // What was on its way to a store for very long may still arrive, and must not harm; then everybody goes on as if nothing was.
  await untilTrue(world, () => lateCount(world) === 0);
  for (const device of world.devices) if (device.hasSpare) world.comeUpAsCopy(device);
  await comeToRest(world);
  const random = noiseOf(seed, 'after all');
  for (const device of world.devices) device.issue(random);
  await comeToRest(world);
  if (world.violation === undefined) checkEnd(world);
  for (const { process } of world.instances) process.kill();
  const { violation } = world;
  const counts = { faults: struck.length, ...countsOf(world) };
  return { seed, violation, trace: world.trace.lines(), struck, lastStep, counts };
}

/** Takes the steps, each at its time. Returns what went wrong. */
async function live(
  world: World,
  seed: number,
  steps: readonly Step[],
  bag: readonly Fault[],
): Promise<Struck[]> {
  const { clock } = world;
  const struck: Struck[] = [];
  const isOver = (): boolean => world.violation !== undefined;
  for (const step of steps) {
    await clock.runUntil(startMs + step.atMs, isOver);
    if (isOver()) break;
    const random = seededRandom(step.seed);
    world.trace.note('step', String(step.number));
    if (step.kind === 'absence') struck.push({ step, name: beginAbsence(world, seed, step.seed) });
    else if (step.kind === 'fault') struck.push({ step, name: strikeOne(world, bag, random) });
    else {
      enter(world, random);
      const guest = noiseOf(step.seed, 'stranger');
      if (guest.chance(strangerShare)) strangerComes(world, guest);
    }
  }
  return struck;
}

function enter(world: World, random: Random): void {
  const device = random.pick(world.devices);
  if (device === undefined) return;
  reload(world, device);
  const count = random.chance(0.08) ? random.integer(2, 12) : 1;
  for (let issued = 0; issued < count; issued++) device.issue(random);
}

const lateCount = ({ redis, postgres }: World): number =>
  (redis?.lateCount ?? 0) + postgres.lateCount;

async function comeToRest(world: World): Promise<void> {
  const isAtRest = await untilTrue(world, () =>
    world.devices.every((one) => isUpToDate(world, one)),
  );
  if (isAtRest || world.violation !== undefined) return;
  const views = world.devices.map(({ name, view }) => {
    const { status, stopReason, unsaved, unaccepted } = view ?? {};
    return `${name} is ${status} (${stopReason}), unsaved ${unsaved}, unaccepted ${unaccepted}`;
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

/**
 * What a page says when it has stopped, and whoever sits before it loads it anew: another connection of its device put it out [R5],
 * it is of a former release [H6], or the session is not known, until a device that knows what it began with comes [R12].
 */
const reloadReasons: readonly (StopReason | undefined)[] = [
  'taken-over',
  'page-too-old',
  'unknown-session',
];

function reload(world: World, device: Device): void {
  if (reloadReasons.includes(device.view?.stopReason)) world.refresh(device);
}

async function untilTrue(world: World, isTrue: () => boolean): Promise<boolean> {
  const endMs = world.clock.timeMs + restMsMax;
  while (world.clock.timeMs < endMs && world.violation === undefined) {
    if (isTrue()) return true;
    for (const device of world.devices) reload(world, device);
    await world.clock.runUntil(world.clock.timeMs + 500, () => world.violation !== undefined);
  }
  return false;
}

/** Everything entered has had its effect exactly once, in order, and everybody sees the same. */
function checkEnd(world: World): void {
  for (const sessionId of world.sessionIds) {
    const devices = world.devices.filter(({ disk }) => disk.session.sessionId === sessionId);
    if (devices.length === 0) continue;
    const stored = world.postgres.memory.read(sessionId);
    if (stored === undefined) {
      world.fail(`Postgres has lost session ${sessionId}`);
      return;
    }
    const added: Added[] = [...addedOf(stored.snapshot), ...stored.entries.flatMap(addedBy)];
    if (digestOf(added) !== world.stores.saved(sessionId)?.digest)
      world.fail('Postgres does not have what landed there');
    for (const device of devices) {
      const own = added.filter(([clientId]) => clientId === device.clientId);
      const problem = device.problemWith(own);
      if (problem !== undefined) world.fail(`${device.name}: ${problem} [C2]`);
      const wrong = firstDifference(added, addedIn(device.view));
      if (wrong !== undefined) world.fail(`the view of ${device.name}: ${wrong}`);
    }
  }
}

function countsOf({ devices, stores, sessionIds, redis, postgres }: World): Omit<Counts, 'faults'> {
  return {
    commands: devices.reduce((sum, device) => sum + device.issuedCount, 0),
    landed: stores.landedCount,
    takeovers: stores.takeoverCount,
    epochs: sessionIds.reduce((sum, id) => sum + stores.record(id).epochCount, 0),
    storeCalls: (redis?.callCount ?? 0) + postgres.callCount,
  };
}

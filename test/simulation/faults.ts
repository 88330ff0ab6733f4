/** What can go wrong, each as one thing that happens to a world. Whatever lasts ends by itself. */
import type { Fault } from './fault.ts';
import { networkFaults } from './network-faults.ts';
import { noiseOf, type Random } from './random.ts';
import { serverFaults } from './server-faults.ts';
import type { World } from './world.ts';

export const faults: readonly Fault[] = [...networkFaults, ...serverFaults];

/** Share of the kinds of faults that a seed does without: what is always there hides what only happens in its absence. */
const absentShare = 0.35;

/** There is always something that can happen. */
const alwaysPossible = new Set(['refresh', 'crash', 'cut']);

/** What Postgres can lose, and what copies of a device's storage do. */
const losses = new Set(['postgres-restored', 'postgres-lost']);
const copies = new Set(['storage-copied', 'copy-comes-up']);

/**
 * The faults of a seed, each as often as its weight. A Postgres that loses data and copies of a device's storage do not come together,
 * unless a run is risky: with the history gone nobody can tell the copies apart, which is said openly and promised nowhere.
 */
export function bagOf(seed: number, isRisky: boolean): readonly Fault[] {
  const random = noiseOf(seed, 'faults');
  const hasLosses = random.chance(0.5);
  const isSurvived = (name: string): boolean =>
    isRisky || (hasLosses ? !copies.has(name) : !losses.has(name));
  return faults
    .filter(({ name }) => !random.chance(absentShare) || alwaysPossible.has(name))
    .filter(({ name }) => isSurvived(name))
    .flatMap((fault) => Array.from({ length: fault.weight }, () => fault));
}

/** Something goes wrong; what cannot happen now gives way to something else. Returns what it was. */
export function strikeOne(world: World, bag: readonly Fault[], random: Random): string {
  for (;;) {
    const fault = random.pick(bag) as Fault;
    world.trace.note('fault', fault.name);
    if (fault.strike(world, random)) return fault.name;
  }
}

/** Ends everything that lasts: from here on the world only has to come to rest. */
export function endFaults(world: World): void {
  for (const store of [world.redis, world.postgres]) {
    if (store === undefined) continue;
    store.comeBack();
    store.faultRate = 0;
  }
  for (const instance of world.instances) {
    instance.process.thaw();
    for (const road of [instance.toRedis, instance.toPostgres]) {
      road.isCut = false;
      road.isSlow = false;
      road.fuse = undefined;
    }
  }
  world.finishDeploy();
  while (world.readyInstances().length < 2) world.startInstance();
  world.reconnectAll();
  for (const line of world.lines) line.isSlowReader = false;
  for (const device of world.devices) {
    device.page.rouse();
    device.comeBack();
    device.wake();
  }
}

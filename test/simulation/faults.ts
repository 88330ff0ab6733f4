/** What can go wrong, each as one thing that happens to a world. Whatever lasts ends by itself. */
import { cutKinds } from './network.ts';
import type { SimStore } from './sim-store.ts';
import type { World } from './world.ts';

export interface Fault {
  readonly name: string;
  /** How often compared to the others. */
  readonly weight: number;
  readonly strike: (world: World) => void;
  readonly isPossible?: (world: World) => boolean;
}

const isCopying = (world: World): boolean => world.isCopying;

export const faults: readonly Fault[] = [
  { name: 'cut', weight: 4, strike: cutOne },
  { name: 'cut-all', weight: 1, strike: cutAll },
  { name: 'stall', weight: 2, strike: stallOne },
  { name: 'slow-reader', weight: 1, strike: slowReader },
  { name: 'crash', weight: 3, strike: crash },
  { name: 'freeze', weight: 2, strike: freeze },
  { name: 'slow-calls', weight: 2, strike: slowCalls },
  { name: 'partition', weight: 2, strike: partition },
  { name: 'drain', weight: 2, strike: drainOne },
  { name: 'redis-wiped', weight: 2, strike: (world) => wipeRedis(world) },
  { name: 'redis-backup', weight: 2, strike: ({ redis }) => redis?.backUp() },
  { name: 'redis-rolled-back', weight: 2, strike: ({ redis }) => redis?.rollBack() },
  { name: 'redis-restarted', weight: 1, strike: ({ redis }) => redis?.restart() },
  { name: 'redis-down', weight: 2, strike: (world) => storeDown(world, world.redis) },
  { name: 'postgres-down', weight: 2, strike: (world) => storeDown(world, world.postgres) },
  { name: 'stores-flaky', weight: 3, strike: storesFlaky },
  { name: 'refresh', weight: 3, strike: refresh },
  { name: 'storage-copied', weight: 1, strike: copyStorage, isPossible: isCopying },
  { name: 'copy-comes-up', weight: 2, strike: comeUpAsCopy, isPossible: isCopying },
  { name: 'sleep', weight: 1, strike: sleep },
  { name: 'offline', weight: 2, strike: offline },
];

export function drawFault(world: World): Fault {
  const bag = faults
    .filter(({ isPossible }) => isPossible?.(world) !== false)
    .flatMap((fault) => Array.from({ length: fault.weight }, () => fault));
  return world.random.pick(bag) as Fault;
}

/** Ends everything that lasts: from here on the world only has to come to rest. */
export function endFaults(world: World): void {
  for (const store of [world.redis, world.postgres]) if (store !== undefined) mend(store);
  for (const instance of world.instances) {
    instance.process.thaw();
    for (const road of [instance.toRedis, instance.toPostgres]) {
      road.isCut = false;
      road.isSlow = false;
    }
  }
  while (world.readyInstances().length < 2) world.startInstance();
  for (const line of world.lines) line.isSlowReader = false;
  for (const device of world.devices) {
    device.page.thaw();
    device.isOnline = true;
    device.wake();
  }
}

function mend(store: SimStore): void {
  store.isDown = false;
  store.faultRate = 0;
}

function openLines(world: World) {
  world.lines = world.lines.filter((line) => !line.isOver);
  return world.lines;
}

function cutOne(world: World): void {
  const line = world.random.pick(openLines(world));
  const kind = world.random.pick(cutKinds) ?? 'both';
  world.trace.note('fault', 'cut', line?.page.name, kind);
  line?.cut(kind);
}

function cutAll(world: World): void {
  const kind = world.random.pick(cutKinds) ?? 'both';
  for (const line of openLines(world)) line.cut(kind);
}

function stallOne(world: World): void {
  world.random.pick(openLines(world))?.stall(world.random.skewed(200, 9_000));
}

function slowReader(world: World): void {
  const line = world.random.pick(openLines(world));
  if (line !== undefined) line.isSlowReader = true;
}

function crash(world: World): void {
  const instance = world.random.pick(world.instances);
  if (instance === undefined) return;
  world.trace.note('fault', 'crash', instance.process.name);
  world.removeInstance(instance);
  world.clock.after(world.random.skewed(100, 15_000), () => world.startInstance());
}

function freeze(world: World): void {
  const process = world.random.pick(world.instances)?.process;
  if (process === undefined) return;
  world.trace.note('fault', 'freeze', process.name);
  process.freeze();
  world.clock.after(world.random.integer(500, 60_000), () => process.thaw());
}

/** The zombie: what it writes arrives when others have long taken over. */
function slowCalls(world: World): void {
  const instance = world.random.pick(world.instances);
  if (instance === undefined) return;
  const road = world.random.chance(0.5) ? instance.toRedis : instance.toPostgres;
  road.isSlow = true;
  world.clock.after(world.random.integer(500, 10_000), () => {
    road.isSlow = false;
  });
}

function partition(world: World): void {
  const instance = world.random.pick(world.instances);
  if (instance === undefined) return;
  const road = world.random.chance(0.5) ? instance.toRedis : instance.toPostgres;
  world.trace.note('fault', 'partition', instance.process.name);
  road.isCut = true;
  world.clock.after(world.random.integer(500, 20_000), () => {
    road.isCut = false;
  });
}

function drainOne(world: World): void {
  const instance = world.random.pick(world.readyInstances());
  if (instance === undefined) return;
  world.startInstance();
  void instance.drain().then(() => world.removeInstance(instance));
}

function wipeRedis({ redis, random }: World): void {
  redis?.wipe();
  if (random.chance(0.7)) redis?.restart();
}

function storeDown({ clock, random }: World, store: SimStore | undefined): void {
  if (store === undefined) return;
  store.isDown = true;
  clock.after(random.integer(300, 20_000), () => {
    store.isDown = false;
    // It comes back to everybody at once, and is not itself at first.
    store.faultRate = random.fraction();
    clock.after(random.integer(500, 4_000), () => {
      store.faultRate = 0;
    });
  });
}

function storesFlaky({ redis, postgres, clock, random }: World): void {
  for (const store of [redis, postgres]) {
    if (store === undefined) continue;
    store.faultRate = random.fraction() * 0.6;
    clock.after(random.integer(1_000, 15_000), () => {
      store.faultRate = 0;
    });
  }
}

function refresh(world: World): void {
  const device = world.random.pick(world.devices);
  if (device !== undefined) world.refresh(device);
}

function copyStorage(world: World): void {
  world.random.pick(world.devices)?.copyStorage();
}

function comeUpAsCopy(world: World): void {
  const device = world.random.pick(world.devices.filter((one) => one.hasSpare));
  if (device !== undefined) world.comeUpAsCopy(device);
}

/** The lid is closed and opened again. */
function sleep({ random, devices, clock }: World): void {
  const device = random.pick(devices);
  if (device === undefined) return;
  const { page } = device;
  page.freeze();
  clock.after(random.integer(1_000, 60_000), () => {
    page.thaw();
    if (random.chance(0.8)) device.wake();
  });
}

function offline(world: World): void {
  const { random, clock } = world;
  const device = random.pick(world.devices);
  if (device === undefined) return;
  device.isOnline = false;
  for (const line of world.linesOf(device.page)) line.cut(random.pick(cutKinds) ?? 'both');
  if (random.chance(0.5)) device.wentOffline();
  clock.after(random.integer(1_000, 60_000), () => {
    device.isOnline = true;
    if (random.chance(0.7)) device.wake();
  });
}

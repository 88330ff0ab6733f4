/** What can go wrong, each as one thing that happens to a world. Whatever lasts ends by itself. */
import { cutKinds } from './network.ts';
import type { Random } from './random.ts';
import type { SimStore } from './sim-store.ts';
import type { World } from './world.ts';

export interface Fault {
  readonly name: string;
  /** How often compared to the others. */
  readonly weight: number;
  /** Returns false when there was nothing it could strike. */
  readonly strike: (world: World, random: Random) => boolean;
}

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
  { name: 'redis-wiped', weight: 2, strike: wipeRedis },
  { name: 'redis-backup', weight: 2, strike: backUpRedis },
  { name: 'redis-rolled-back', weight: 2, strike: ({ redis }) => redis?.rollBack() ?? false },
  { name: 'redis-restarted', weight: 1, strike: restartRedis },
  {
    name: 'redis-down',
    weight: 2,
    strike: (world, random) => storeDown(world, random, world.redis),
  },
  { name: 'redis-limps', weight: 1, strike: redisLimps },
  {
    name: 'postgres-down',
    weight: 2,
    strike: (world, random) => storeDown(world, random, world.postgres),
  },
  { name: 'stores-flaky', weight: 3, strike: storesFlaky },
  { name: 'refresh', weight: 3, strike: refresh },
  { name: 'storage-copied', weight: 1, strike: copyStorage },
  { name: 'copy-comes-up', weight: 2, strike: comeUpAsCopy },
  { name: 'sleep', weight: 1, strike: sleep },
  { name: 'offline', weight: 2, strike: offline },
];

const bag = faults.flatMap((fault) => Array.from({ length: fault.weight }, () => fault));

/** Something goes wrong; what cannot happen now gives way to something else. Returns what it was. */
export function strikeOne(world: World, random: Random): string {
  for (;;) {
    const fault = random.pick(bag) as Fault;
    world.trace.note('fault', fault.name);
    if (fault.strike(world, random)) return fault.name;
  }
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

function cutOne(world: World, random: Random): boolean {
  const line = random.pick(openLines(world));
  const kind = random.pick(cutKinds) ?? 'both';
  line?.cut(kind);
  return line !== undefined;
}

function cutAll(world: World, random: Random): boolean {
  const kind = random.pick(cutKinds) ?? 'both';
  const lines = openLines(world);
  for (const line of lines) line.cut(kind);
  return lines.length > 0;
}

function stallOne(world: World, random: Random): boolean {
  const line = random.pick(openLines(world));
  line?.stall(random.skewed(200, 9_000));
  return line !== undefined;
}

function slowReader(world: World, random: Random): boolean {
  const line = random.pick(openLines(world));
  if (line !== undefined) line.isSlowReader = true;
  return line !== undefined;
}

function crash(world: World, random: Random): boolean {
  const instance = random.pick(world.instances);
  if (instance === undefined) return false;
  world.trace.note('fault', 'crash', instance.process.name);
  world.removeInstance(instance);
  world.clock.after(random.skewed(100, 15_000), () => world.startInstance(instance));
  return true;
}

function freeze(world: World, random: Random): boolean {
  const process = random.pick(world.instances)?.process;
  if (process === undefined) return false;
  world.trace.note('fault', 'freeze', process.name);
  process.freeze();
  world.clock.after(random.skewed(500, 60_000), () => process.thaw());
  return true;
}

/** The zombie: what it writes arrives when others have long taken over. */
function slowCalls(world: World, random: Random): boolean {
  const instance = random.pick(world.instances);
  if (instance === undefined) return false;
  const road = random.chance(0.5) ? instance.toRedis : instance.toPostgres;
  road.isSlow = true;
  world.clock.after(random.integer(500, 10_000), () => {
    road.isSlow = false;
  });
  return true;
}

function partition(world: World, random: Random): boolean {
  const instance = random.pick(world.instances);
  if (instance === undefined) return false;
  const road = random.chance(0.5) ? instance.toRedis : instance.toPostgres;
  world.trace.note('fault', 'partition', instance.process.name);
  road.isCut = true;
  world.clock.after(random.skewed(500, 20_000), () => {
    road.isCut = false;
  });
  return true;
}

function drainOne(world: World, random: Random): boolean {
  const instance = random.pick(world.readyInstances());
  if (instance === undefined) return false;
  world.startInstance(instance);
  void instance.drain().then(() => world.removeInstance(instance));
  return true;
}

function wipeRedis({ redis }: World, random: Random): boolean {
  if (redis === undefined) return false;
  redis.wipe();
  if (random.chance(0.7)) redis.restart();
  return true;
}

function backUpRedis({ redis }: World): boolean {
  redis?.backUp();
  return redis !== undefined;
}

function restartRedis({ redis }: World): boolean {
  redis?.restart();
  return redis !== undefined;
}

function storeDown({ clock }: World, random: Random, store: SimStore | undefined): boolean {
  if (store === undefined) return false;
  store.isDown = true;
  clock.after(random.skewed(300, 20_000), () => {
    store.isDown = false;
    // It comes back to everybody at once, and is not itself at first.
    store.faultRate = random.fraction();
    clock.after(random.integer(500, 4_000), () => {
      store.faultRate = 0;
    });
  });
  return true;
}

/** Redis comes back and answers nobody in time; then one instance has only Redis, and clients come to it. */
function redisLimps(world: World, random: Random): boolean {
  const { redis, clock } = world;
  if (redis === undefined) return false;
  redis.isDown = true;
  clock.after(random.integer(1_000, 4_000), () => {
    redis.isDown = false;
    redis.faultRate = 0.9;
  });
  clock.after(random.integer(5_000, 9_000), () => {
    redis.faultRate = 0;
    partition(world, random);
    cutAll(world, random);
  });
  return true;
}

function storesFlaky({ redis, postgres, clock }: World, random: Random): boolean {
  for (const store of [redis, postgres]) {
    if (store === undefined) continue;
    store.faultRate = random.fraction() * 0.6;
    clock.after(random.integer(1_000, 15_000), () => {
      store.faultRate = 0;
    });
  }
  return true;
}

function refresh(world: World, random: Random): boolean {
  const device = random.pick(world.devices);
  if (device !== undefined) world.refresh(device);
  return device !== undefined;
}

function copyStorage(world: World, random: Random): boolean {
  const device = random.pick(world.devices.filter((one) => !one.hasSpare));
  device?.copyStorage();
  return device !== undefined;
}

function comeUpAsCopy(world: World, random: Random): boolean {
  const device = random.pick(world.devices.filter((one) => one.hasSpare));
  if (device !== undefined) world.comeUpAsCopy(device);
  return device !== undefined;
}

/** The lid is closed and opened again. */
function sleep({ devices, clock }: World, random: Random): boolean {
  const device = random.pick(devices);
  if (device === undefined) return false;
  const { page } = device;
  page.freeze();
  clock.after(random.skewed(1_000, 60_000), () => {
    page.thaw();
    if (random.chance(0.8)) device.wake();
  });
  return true;
}

function offline(world: World, random: Random): boolean {
  const { clock } = world;
  const device = random.pick(world.devices);
  if (device === undefined) return false;
  device.isOnline = false;
  for (const line of world.linesOf(device.page)) line.cut(random.pick(cutKinds) ?? 'both');
  if (random.chance(0.5)) device.wentOffline();
  clock.after(random.skewed(1_000, 60_000), () => {
    device.isOnline = true;
    if (random.chance(0.7)) device.wake();
  });
  return true;
}

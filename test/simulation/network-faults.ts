/** What goes wrong between devices, instances and stores, and with the devices themselves. */
import type { Fault } from './fault.ts';
import { cutKinds, type Line } from './network.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

export const networkFaults: readonly Fault[] = [
  { name: 'cut', weight: 4, strike: cutOne },
  { name: 'cut-all', weight: 1, strike: cutAll },
  { name: 'stall', weight: 2, strike: stallOne },
  { name: 'slow-reader', weight: 1, strike: slowReader },
  { name: 'partition', weight: 3, strike: partition },
  { name: 'device-cut-off', weight: 2, strike: cutOffDevice },
  { name: 'refresh', weight: 3, strike: refresh },
  { name: 'refresh-while-keeping', weight: 1, strike: refreshWhileKeeping },
  { name: 'storage-copied', weight: 1, strike: copyStorage },
  { name: 'copy-comes-up', weight: 2, strike: comeUpAsCopy },
  { name: 'sleep', weight: 1, strike: sleep },
  { name: 'offline', weight: 2, strike: offline },
  { name: 'device-clock-set', weight: 1, strike: setDeviceClock },
];

function openLines(world: World): Line[] {
  world.lines = world.lines.filter((line) => !line.isOver);
  return world.lines;
}

function cutOne(world: World, random: Random): boolean {
  const line = random.pick(openLines(world));
  line?.cut(random.pick(cutKinds) ?? 'both');
  return line !== undefined;
}

export function cutAll(world: World, random: Random): boolean {
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

/** One instance and one store do not reach each other. */
export function partition(world: World, random: Random): boolean {
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

/** One device and one instance do not reach each other. */
function cutOffDevice(world: World, random: Random): boolean {
  const device = random.pick(world.devices);
  const instance = random.pick(world.instances);
  if (device === undefined || instance === undefined) return false;
  const mend = world.cutOff(device, instance);
  for (const line of world.linesOf(device.page))
    if (line.destination === instance) line.cut(random.pick(cutKinds) ?? 'both');
  world.clock.after(random.skewed(500, 30_000), mend);
  return true;
}

function refresh(world: World, random: Random): boolean {
  const device = random.pick(world.devices);
  if (device !== undefined) world.refresh(device);
  return device !== undefined;
}

/** The page goes while what was entered is on its way into the storage. */
function refreshWhileKeeping(world: World, random: Random): boolean {
  const device = random.pick(world.devices);
  if (device === undefined) return false;
  for (let issued = random.integer(1, 4); issued > 0; issued--) device.issue(random);
  world.clock.after(random.fraction() * 40, () => world.refresh(device));
  return true;
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

function setDeviceClock({ devices }: World, random: Random): boolean {
  const device = random.pick(devices);
  device?.setForward(clockJumpMs(random));
  return device !== undefined;
}

/** By seconds most often, by hours sometimes; either way. */
export function clockJumpMs(random: Random): number {
  const jumpMs = Math.round(random.skewed(100, 7_200_000));
  return random.chance(0.5) ? jumpMs : -jumpMs;
}

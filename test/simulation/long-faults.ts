/** What goes away for minutes or hours, while everything else goes on going wrong for seconds. */
import type { Fault } from './fault.ts';
import { cutKinds } from './network.ts';
import type { Random } from './random.ts';
import { longTimeOf } from './setup.ts';
import type { World } from './world.ts';

interface LongFault extends Fault {
  readonly strike: (world: World, random: Random, durationMs?: number) => boolean;
}

const storeFaults: readonly LongFault[] = [
  { name: 'postgres-away-for-minutes', weight: 2, strike: postgresAway },
  { name: 'redis-away-for-minutes', weight: 2, strike: redisAway },
  { name: 'stores-away-for-minutes', weight: 1, strike: storesAway },
];

const deviceFaults: readonly LongFault[] = [
  { name: 'device-away-for-hours', weight: 1, strike: deviceAway },
  { name: 'everybody-away-for-hours', weight: 1, strike: everybodyAway },
];

export const longFaults: readonly Fault[] = [...storeFaults, ...deviceFaults];

/** Returns what it was. */
export function strikeLong(world: World, seed: number, random: Random): string {
  const long = longTimeOf(seed);
  const choice = long?.kind === 'device' ? deviceFaults : storeFaults;
  for (;;) {
    const bag = choice.flatMap((fault) => Array.from({ length: fault.weight }, () => fault));
    const fault = random.pick(bag) as LongFault;
    world.trace.note('fault', fault.name);
    if (fault.strike(world, random, long?.durationMs)) return fault.name;
  }
}

function postgresAway({ postgres }: World, _: Random, durationMs = 0): boolean {
  postgres.goAway(durationMs);
  return true;
}

/** What comes back may be what it once was, and does not say so. */
function redisAway({ redis, clock }: World, random: Random, durationMs = 0): boolean {
  if (redis === undefined) return false;
  if (random.chance(0.3)) redis.backUp();
  redis.goAway(durationMs);
  if (random.chance(0.5)) clock.after(durationMs, () => void redis.rollBack());
  return true;
}

function storesAway(world: World, random: Random, durationMs = 0): boolean {
  if (!redisAway(world, random, durationMs)) return false;
  return postgresAway(world, random, durationMs * (0.5 + random.fraction()));
}

function deviceAway(world: World, random: Random, durationMs = 0): boolean {
  const device = random.pick(world.devices);
  if (device === undefined) return false;
  device.goAway(durationMs);
  for (const line of world.linesOf(device.page)) line.cut(random.pick(cutKinds) ?? 'both');
  world.clock.after(durationMs, () => {
    if (random.chance(0.5)) device.wake();
  });
  return true;
}

function everybodyAway(world: World, random: Random, durationMs = 0): boolean {
  for (const device of world.devices) device.goAway(durationMs);
  for (const line of world.lines) line.cut(random.pick(cutKinds) ?? 'both');
  return true;
}

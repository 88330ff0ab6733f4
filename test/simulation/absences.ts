/** What is away for minutes or hours, while everything else goes on going wrong for seconds. */
import { cutKinds } from './network.ts';
import { seededRandom, type Random } from './random.ts';
import { absenceOf, type Absence } from './setup.ts';
import type { World } from './world.ts';

interface Kind {
  readonly name: string;
  readonly of: Absence['kind'];
  /** How often compared to the others. */
  readonly weight: number;
  /** Returns false when what should be away is not there at all. */
  readonly begin: (world: World, random: Random, durationMs: number) => boolean;
}

const kinds: readonly Kind[] = [
  { name: 'postgres-away-for-minutes', of: 'store', weight: 2, begin: postgresAway },
  { name: 'redis-away-for-minutes', of: 'store', weight: 2, begin: redisAway },
  { name: 'stores-away-for-minutes', of: 'store', weight: 1, begin: storesAway },
  { name: 'device-away-for-hours', of: 'device', weight: 1, begin: deviceAway },
  { name: 'everybody-away-for-hours', of: 'device', weight: 1, begin: everybodyAway },
  { name: 'device-asleep-for-hours', of: 'device', weight: 1, begin: deviceAsleep },
];

export const absenceNames: readonly string[] = kinds.map(({ name }) => name);

/** The absence of that seed begins. Returns what is away. */
export function beginAbsence(world: World, seed: number, stepSeed: number): string {
  const absence = absenceOf(seed);
  if (absence === undefined) throw new Error(`Nothing is away in seed ${seed}.`);
  const random = seededRandom(stepSeed);
  const bag = kinds
    .filter(({ of }) => of === absence.kind)
    .flatMap((kind) => Array.from({ length: kind.weight }, () => kind));
  for (;;) {
    const { name, begin } = random.pick(bag) as Kind;
    world.trace.note('fault', name);
    if (begin(world, random, absence.durationMs)) return name;
  }
}

function postgresAway({ postgres }: World, _random: Random, durationMs: number): boolean {
  postgres.goAway(durationMs);
  return true;
}

/** What comes back may be what it once was. */
function redisAway({ redis }: World, random: Random, durationMs: number): boolean {
  if (redis === undefined) return false;
  if (random.chance(0.3)) redis.backUp();
  const isOlder = random.chance(0.5);
  redis.goAway(durationMs, () => {
    if (isOlder) redis.rollBack();
  });
  return true;
}

/** Postgres comes back first, or both at once. */
function storesAway(world: World, random: Random, durationMs: number): boolean {
  if (!redisAway(world, random, durationMs)) return false;
  const share = Math.min(1, 0.4 + random.fraction());
  return postgresAway(world, random, durationMs * share);
}

function deviceAway(world: World, random: Random, durationMs: number): boolean {
  const device = random.pick(world.devices);
  if (device === undefined) return false;
  device.goAway(durationMs);
  for (const line of world.linesOf(device.page)) line.cut(random.pick(cutKinds) ?? 'both');
  if (random.chance(0.5)) device.wentOffline();
  const isTold = random.chance(0.5);
  world.clock.after(durationMs, () => {
    if (isTold) device.wake();
  });
  return true;
}

function everybodyAway(world: World, random: Random, durationMs: number): boolean {
  for (const device of world.devices) device.goAway(durationMs);
  for (const line of world.lines) line.cut(random.pick(cutKinds) ?? 'both');
  return true;
}

/** The lid is closed for hours, unless somebody opens it to load the page anew. */
function deviceAsleep(world: World, random: Random, durationMs: number): boolean {
  const device = random.pick(world.devices);
  device?.page.sleep(durationMs);
  return device !== undefined;
}

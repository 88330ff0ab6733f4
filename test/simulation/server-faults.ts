/** What goes wrong with instances and stores. */
import type { Fault } from './fault.ts';
import { clockJumpMs, cutAll, partition } from './network-faults.ts';
import type { Random } from './random.ts';
import { callStages, type SimStore } from './sim-store.ts';
import type { World } from './world.ts';

export const serverFaults: readonly Fault[] = [
  { name: 'crash', weight: 2, strike: crash },
  { name: 'crash-at-call', weight: 4, strike: crashAtCall },
  { name: 'freeze', weight: 2, strike: freeze },
  { name: 'slow-calls', weight: 2, strike: slowCalls },
  { name: 'drain', weight: 2, strike: drainOne },
  { name: 'deploy', weight: 1, strike: deployNext },
  { name: 'put-away', weight: 2, strike: putAway },
  { name: 'server-clock-set', weight: 1, strike: setServerClock },
  { name: 'redis-wiped', weight: 2, strike: wipeRedis },
  { name: 'redis-backup', weight: 2, strike: ({ redis }) => backUp(redis) },
  { name: 'redis-rolled-back', weight: 2, strike: ({ redis }) => redis?.rollBack() ?? false },
  { name: 'redis-restarted', weight: 1, strike: restartRedis },
  { name: 'redis-down', weight: 2, strike: ({ redis }, random) => storeDown(redis, random) },
  { name: 'redis-limps', weight: 1, strike: redisLimps },
  {
    name: 'postgres-down',
    weight: 2,
    strike: ({ postgres }, random) => storeDown(postgres, random),
  },
  { name: 'postgres-backup', weight: 2, strike: ({ postgres }) => backUp(postgres) },
  { name: 'postgres-restored', weight: 1, strike: ({ postgres }) => postgres.rollBack() },
  { name: 'postgres-lost', weight: 1, strike: losePostgres },
  { name: 'stores-flaky', weight: 3, strike: storesFlaky },
];

function crash(world: World, random: Random): boolean {
  const instance = random.pick(world.instances);
  if (instance === undefined) return false;
  world.trace.note('fault', 'crash', instance.process.name);
  world.crash(instance, random.skewed(100, 15_000));
  return true;
}

/** Around one of its next calls of a store: after asking, after the store did it, or after the answer. */
function crashAtCall(world: World, random: Random): boolean {
  const instance = random.pick(world.instances);
  if (instance === undefined) return false;
  const road = random.chance(0.5) ? instance.toRedis : instance.toPostgres;
  const restMs = random.skewed(100, 10_000);
  road.fuse = {
    callsLeft: random.integer(1, 8),
    stage: random.pick(callStages) ?? 'asked',
    blow: () => {
      if (!instance.process.isDead) world.crash(instance, restMs);
    },
  };
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

function drainOne(world: World, random: Random): boolean {
  const instance = random.pick(world.readyInstances());
  if (instance === undefined) return false;
  world.startInstance(instance);
  void instance.drain().then(() => world.removeInstance(instance));
  return true;
}

/** The next release takes an instance's place; from then on both are there, and pages of both. */
function deployNext(world: World, random: Random): boolean {
  const instance = random.pick(world.readyInstances().filter(({ version }) => version === 1));
  if (instance === undefined || !world.beginDeploy()) return false;
  world.startInstance(instance, 2);
  void instance.drain().then(() => world.removeInstance(instance));
  return true;
}

/** An instance believes that nobody needs a session any more; most often somebody is attached to it elsewhere. */
function putAway({ instances, sessionIds }: World, random: Random): boolean {
  const instance = random.pick(instances);
  const sessionId = random.pick(sessionIds);
  if (instance === undefined || sessionId === undefined) return false;
  instance.putAway(sessionId);
  return true;
}

function setServerClock({ instances }: World, random: Random): boolean {
  const instance = random.pick(instances);
  instance?.process.setForward(clockJumpMs(random));
  return instance !== undefined;
}

function wipeRedis({ redis }: World, random: Random): boolean {
  if (redis === undefined) return false;
  redis.wipe();
  if (random.chance(0.7)) redis.restart();
  return true;
}

function losePostgres({ postgres, redis }: World, random: Random): boolean {
  postgres.wipe();
  if (redis !== undefined && random.chance(0.3)) {
    redis.wipe();
    redis.restart();
  }
  return true;
}

function backUp(store: SimStore | undefined): boolean {
  store?.backUp();
  return store !== undefined;
}

function restartRedis({ redis }: World): boolean {
  redis?.restart();
  return redis !== undefined;
}

function storeDown(store: SimStore | undefined, random: Random): boolean {
  if (store === undefined) return false;
  store.isDown = true;
  store.clock.after(random.skewed(300, 20_000), () => {
    store.isDown = false;
    // It comes back to everybody at once, and is not itself at first.
    store.faultRate = random.fraction();
    store.clock.after(random.integer(500, 4_000), () => {
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

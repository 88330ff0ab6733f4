/** Does what was planned to the world. */
import { delay, systemClock } from '../../shared/clock.ts';
import type { Device } from './device.ts';
import type { FaultKind, PlannedFault } from './fault-plan.ts';
import type { FaultProxy } from './fault-proxy.ts';
import type { Store } from './long-plan.ts';
import type { World } from './world.ts';

export interface Scene {
  readonly world: World;
  readonly devices: readonly Device[];
  /** Which process of a store somebody works on now. */
  readonly busy: Set<Store>;
  readonly backup: { isThere: boolean };
  /** A drain that had to be ended by force, for the record. */
  readonly overran: (what: string) => void;
  /** A store that was away for minutes, for so many milliseconds, for the record. */
  readonly wasAway: (store: Store, ms: number) => void;
}

/** A fault under way. */
export interface Begun {
  /** For people. */
  readonly what: string;
  /** Ends it; called once, at its time or at the end of the storm. */
  readonly heal?: (() => void | Promise<void>) | undefined;
}

/** Returns undefined when there is nothing it could be done to now. */
type Fault = (scene: Scene, planned: PlannedFault) => Begun | undefined;

/** Milliseconds a device lives on, for each choice, after it was given much at once: kills come before, in and after keeping and sending it. */
const killStepMs = 8;

/** Longest delay a way may get, in each direction. */
const delayMsMax = 600;

export function begin(scene: Scene, planned: PlannedFault): Begun | undefined {
  return faults[planned.kind](scene, planned);
}

const faults: Readonly<Record<FaultKind, Fault>> = {
  'client cut': onDevice(({ network }) => {
    network.cut();
  }),
  'client half open': onDevice(({ network }, { choice }) => {
    const reset = network.halfOpen();
    // One in a few is left to the heartbeat of client and server.
    return choice === 0 ? undefined : reset;
  }),
  'client delayed': onDevice(({ network }, planned) => network.delay(delayOf(planned))),
  'client frozen': onDevice(({ network }) => network.freeze()),
  'client refused': onDevice(({ network }) => {
    network.cut();
    return network.refuse();
  }),
  'page left': onDeviceInUse((device) => device.reload('polite')),
  'page crashed': onDeviceInUse((device) => device.reload('crash')),
  'page twice': onDeviceInUse((device) => device.reload('twin')),
  'burst of commands': onDeviceInUse((device) => device.burst()),
  'device killed': onDeviceInUse((device, { choice }) => {
    // In the midst of what it was given.
    device.burst();
    const killed = delay(systemClock, choice * killStepMs).then(() => device.kill());
    return async () => {
      await killed;
      await device.restart();
    };
  }),
  'device frozen': onDeviceInUse((device) => device.freeze()),
  'device offline': onDeviceInUse((device) => device.goOffline()),
  'route flipped': ({ world, devices }, { target, choice }) => {
    const session = target % world.routes.length;
    flip(world, session);
    const isCut = choice % 2 === 0;
    if (isCut) for (const device of devices) if (device.session === session) device.network.cut();
    return { what: `session ${session}${isCut ? ', connections cut' : ''}` };
  },
  'routes flipped': ({ world, devices }, { choice }) => {
    for (const session of world.routes.keys()) flip(world, session);
    const isCut = choice % 2 === 0;
    if (isCut) for (const { network } of devices) network.cut();
    return { what: isCut ? 'all, connections cut' : 'all' };
  },
  'instance killed': onInstance(async (instance) => {
    await instance.kill();
  }),
  'instance drained': onInstance(async (instance, { overran }) => {
    if (!(await instance.drain())) overran(instance.name);
  }),
  'instance frozen': ({ world }, { target, choice }) => {
    const { instance } = world.stations[target % world.stations.length] ?? {};
    if (instance === undefined || !instance.isServing || instance.isFrozen) return undefined;
    instance.freeze();
    const isNoticed = choice % 2 === 0;
    instance.isSuspected = isNoticed;
    return {
      what: `${instance.name}${isNoticed ? ', noticed' : ''}`,
      heal: () => instance.thaw(),
    };
  },
  'postgres killed': onStore('postgres', async ({ postgres }) => {
    await postgres.kill();
    return () => untilDone(() => postgres.restart());
  }),
  'postgres cut off': onWay('toPostgres', cutOff),
  'postgres frozen': onWay('toPostgres', (proxy) => proxy.freeze()),
  'postgres half open': onWay('toPostgres', (proxy) => proxy.halfOpen()),
  'postgres delayed': onWay('toPostgres', (proxy, planned) => proxy.delay(delayOf(planned))),
  'postgres refused': onWay('toPostgres', refused),
  'redis killed empty': onStore('redis', async ({ redis }) => {
    await redis?.kill();
    return () => redis?.restart({ keepData: false });
  }),
  'redis restarted': onStore('redis', async ({ redis }) => {
    await redis?.restart({ keepData: true });
    return undefined;
  }),
  'redis backed up': onStore('redis', async ({ redis }, { backup }) => {
    await redis?.backUp();
    backup.isThere = true;
    return undefined;
  }),
  'redis rolled back': onStore('redis', async ({ redis }, { backup }) => {
    if (backup.isThere) await redis?.rollBack();
    return undefined;
  }),
  'redis stopped': onStore('redis', ({ redis }) => {
    const pid = redis?.pid() ?? 0;
    process.kill(pid, 'SIGSTOP');
    return Promise.resolve(() => void process.kill(pid, 'SIGCONT'));
  }),
  'redis away for minutes': onStore('redis', async ({ redis }, { backup, wasAway }) => {
    // It comes back with what was kept of it last, minutes behind.
    if (!backup.isThere) await redis?.backUp();
    backup.isThere = true;
    await redis?.kill();
    const goneMs = systemClock.nowMs();
    return async () => {
      wasAway('redis', systemClock.nowMs() - goneMs);
      await redis?.rollBack();
    };
  }),
  'postgres away for minutes': onStore('postgres', async ({ postgres }, { wasAway }) => {
    await postgres.kill();
    const goneMs = systemClock.nowMs();
    return () => {
      wasAway('postgres', systemClock.nowMs() - goneMs);
      return untilDone(() => postgres.restart());
    };
  }),
  'redis cut off': onWay('toRedis', cutOff),
  'redis frozen': onWay('toRedis', (proxy) => proxy.freeze()),
  'redis half open': onWay('toRedis', (proxy) => proxy.halfOpen()),
  'redis delayed': onWay('toRedis', (proxy, planned) => proxy.delay(delayOf(planned))),
  'redis refused': onWay('toRedis', refused),
};

type DeviceFault = (device: Device, planned: PlannedFault) => Begun['heal'] | void;

function onDevice(work: DeviceFault): Fault {
  return ({ devices }, planned) => {
    const device = devices[planned.target % devices.length];
    if (device === undefined) return undefined;
    return { what: device.name, heal: work(device, planned) ?? undefined };
  };
}

/** One whose process runs and shows a page. */
function onDeviceInUse(work: DeviceFault): Fault {
  const begin = onDevice(work);
  return (scene, planned) => {
    const { devices } = scene;
    return devices[planned.target % devices.length]?.isUp === true
      ? begin(scene, planned)
      : undefined;
  };
}

/** The instance comes back when the fault is over. */
function onInstance(
  end: (instance: World['stations'][number]['instance'], scene: Scene) => Promise<void>,
): Fault {
  return (scene, { target }) => {
    const { stations } = scene.world;
    const { instance } = stations[target % stations.length] ?? {};
    if (instance === undefined || !instance.isServing || instance.isFrozen) return undefined;
    const ended = end(instance, scene);
    return {
      what: instance.name,
      heal: async () => {
        await ended;
        await instance.start();
      },
    };
  };
}

/** One thing at a time is done to a store's process; `work` returns how it is undone. */
function onStore(
  store: Store,
  work: (world: World, scene: Scene) => Promise<(() => void | Promise<void>) | undefined>,
): Fault {
  return (scene) => {
    if (scene.busy.has(store)) return undefined;
    scene.busy.add(store);
    const undoing = work(scene.world, scene);
    return {
      what: store,
      heal: async () => {
        const undo = await undoing;
        await undo?.();
        scene.busy.delete(store);
      },
    };
  };
}

/** The way of one instance, or of both. */
function onWay(
  way: 'toPostgres' | 'toRedis',
  work: (proxy: FaultProxy, planned: PlannedFault) => () => void,
): Fault {
  return ({ world: { stations } }, planned) => {
    const which = planned.target % (stations.length + 1);
    const chosen = stations.filter((_, number) => which === stations.length || which === number);
    const undos = chosen.flatMap((station) => {
      const proxy = station[way];
      return proxy === undefined ? [] : [work(proxy, planned)];
    });
    return {
      what: chosen.map(({ instance }) => instance.name).join(' and '),
      heal: () => {
        for (const undo of undos) undo();
      },
    };
  };
}

/** Nothing answers and nothing is told: what is sent is lost, new connections hang. */
function cutOff(proxy: FaultProxy): () => void {
  const reset = proxy.halfOpen();
  const release = proxy.freeze();
  return () => {
    reset();
    release();
  };
}

function refused(proxy: FaultProxy): () => void {
  proxy.cut();
  return proxy.refuse();
}

function delayOf({ choice, target }: PlannedFault): number {
  return 1 + ((choice * 997 + target) % delayMsMax);
}

function flip({ routes, stations }: World, session: number): void {
  routes[session] = ((routes[session] ?? 0) + 1) % stations.length;
}

/** Milliseconds between two tries: a database that was killed may have processes that still end. */
const retryMs = 300;
const triesMax = 20;

async function untilDone(work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === triesMax) throw error;
      await delay(systemClock, retryMs);
    }
  }
}

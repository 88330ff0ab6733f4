/** A private Redis Cluster of three masters for tests. */
import { Redis } from 'ioredis';
import { vi } from 'vitest';

import { freePort } from './free-port.ts';
import { startRedis, type RedisService } from './redis-service.ts';

const slotCount = 16_384;
const masterCount = 3;

/** How far the move of a slot is: announced, with some of its keys at either end, or with all keys moved and not yet told. */
export type MovePhase = 'announced' | 'split' | 'moved';

export interface RedisClusterService {
  /** `redis+cluster://…` with every master. */
  readonly url: string;
  readonly masters: readonly RedisService[];
  slotOf(key: string): Promise<number>;
  /** Place in `masters` of the one that serves a slot. */
  masterOf(slot: number): Promise<number>;
  keysIn(slot: number): Promise<readonly string[]>;
  /** Moves a slot key by key, as resharding does, and waits for `during` on the way. Every master knows when it is over. */
  moveSlot(
    slot: number,
    to: number,
    during?: (phase: MovePhase) => Promise<void> | void,
  ): Promise<void>;
  stop(): Promise<void>;
}

interface Node {
  readonly service: RedisService;
  readonly redis: Redis;
  readonly id: string;
}

/** Without a master the others go on with their slots. */
export async function startRedisCluster(): Promise<RedisClusterService> {
  const nodes = await Promise.all(Array.from({ length: masterCount }, startNode));
  await join(nodes);
  const nodeAt = (place: number): Node => {
    const node = nodes[place];
    if (node === undefined) throw new Error(`There is no master ${place}.`);
    return node;
  };
  const masterOf = async (slot: number): Promise<number> => {
    const id = await ownerOf(nodeAt(0), slot);
    return nodes.findIndex((node) => node.id === id);
  };
  return {
    url: `redis+cluster://${nodes.map(({ service }) => `127.0.0.1:${service.port}`).join(',')}`,
    masters: nodes.map(({ service }) => service),
    slotOf: (key) => nodeAt(0).redis.cluster('KEYSLOT', key),
    masterOf,
    keysIn: async (slot) => keysIn(nodeAt(await masterOf(slot)), slot),
    moveSlot: async (slot, to, during = () => {}) => {
      const source = nodeAt(await masterOf(slot));
      const target = nodeAt(to);
      await target.redis.cluster('SETSLOT', slot, 'IMPORTING', source.id);
      await source.redis.cluster('SETSLOT', slot, 'MIGRATING', target.id);
      await during('announced');
      await moveKeys(source, target, slot, () => during('split'));
      await during('moved');
      // The target first: it must not be told by others of a slot it does not know to be its own.
      const others = nodes.filter((node) => node !== target && node !== source);
      for (const { redis } of [target, source, ...others])
        await redis.cluster('SETSLOT', slot, 'NODE', target.id);
    },
    stop: async () => {
      for (const { redis } of nodes) redis.disconnect();
      await Promise.all(nodes.map(({ service }) => service.stop()));
    },
  };
}

async function startNode(): Promise<Node> {
  const settings = {
    'cluster-enabled': 'yes',
    // By default it is the port plus 10,000, which may be none, or taken.
    'cluster-port': await freePort(),
    // A master that hears of no other for so long serves nothing: more than a busy machine keeps one waiting.
    'cluster-node-timeout': 15_000,
    'cluster-require-full-coverage': 'no',
  };
  const service = await startRedis(
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
  );
  const redis = new Redis(service.port, { maxRetriesPerRequest: 0 });
  redis.on('error', () => {});
  return { service, redis, id: (await redis.call('CLUSTER', 'MYID')) as string };
}

/** Every master gets a third of the slots, and knows of the others when this is done. */
async function join(nodes: readonly Node[]): Promise<void> {
  const [first] = nodes;
  for (const [place, { redis, service }] of nodes.entries()) {
    const from = Math.ceil((place * slotCount) / nodes.length);
    const through = Math.ceil(((place + 1) * slotCount) / nodes.length) - 1;
    await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', place + 1);
    await redis.call('CLUSTER', 'ADDSLOTSRANGE', from, through);
    const { port } = service;
    const bus = await redis.config('GET', 'cluster-port');
    if (place > 0) await first?.redis.call('CLUSTER', 'MEET', '127.0.0.1', port, bus[1] ?? '');
  }
  await vi.waitFor(
    async () => {
      for (const { redis } of nodes) {
        const state = await redis.cluster('INFO');
        if (!state.includes('cluster_state:ok') || !state.includes(`_slots_ok:${slotCount}`))
          throw new Error(`The cluster did not come about:\n${state}`);
      }
    },
    { timeout: 120_000, interval: 20 },
  );
}

async function ownerOf({ redis }: Node, slot: number): Promise<string | undefined> {
  type Range = [from: number, through: number, master: [host: string, port: number, id: string]];
  const ranges = (await redis.cluster('SLOTS')) as unknown as Range[];
  return ranges.find(([from, through]) => from <= slot && slot <= through)?.[2][2];
}

async function keysIn({ redis }: Node, slot: number): Promise<string[]> {
  return await redis.cluster('GETKEYSINSLOT', slot, 1_000);
}

async function moveKeys(
  source: Node,
  { service: { port } }: Node,
  slot: number,
  between: () => Promise<void> | void,
): Promise<void> {
  for (let keys = await keysIn(source, slot); keys.length > 0; keys = await keysIn(source, slot)) {
    const [key = ''] = keys;
    await source.redis.migrate('127.0.0.1', port, key, 0, 5_000);
    if (keys.length > 1) await between();
  }
}

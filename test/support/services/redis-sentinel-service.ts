/** A private Redis with a replica and three sentinels for tests. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Redis } from 'ioredis';
import { vi } from 'vitest';

import { freePort } from './free-port.ts';
import { makePrivateFolder } from './private-folder.ts';
import { startServer } from './private-server.ts';
import { startRedis, type RedisService } from './redis-service.ts';

const masterName = 'trackstand';
const sentinelCount = 3;
const quorum = 2;

/**
 * Until a silent server counts as down: long, so that nobody is promoted because the machine is busy, and short once the test's server
 * is gone. A replica is promoted when it was cut off for at most ten times as long.
 */
const downAfterMs = { patient: 600_000, brief: 2_000 };

export interface RedisSentinelService {
  /** `redis+sentinel://…` with every sentinel. */
  readonly url: string;
  readonly master: RedisService;
  readonly replica: RedisService;
  /** Resolves when the replica has all that the master has. */
  catchUp(): Promise<void>;
  /** From now on the replica gets nothing of what the master takes. */
  lag(): Promise<void>;
  /** Resolves when the sentinels have promoted the replica, as they do once the master is gone. */
  promoted(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedisWithSentinels(): Promise<RedisSentinelService> {
  const master = await startRedis(['--repl-diskless-sync-delay', '0']);
  const atMaster = await admin(master.port);
  // The replica has a user of its own, so that it alone can be locked out.
  await atMaster.call(
    'ACL',
    'SETUSER',
    'replica',
    'on',
    '>replica',
    '+psync',
    '+replconf',
    '+ping',
  );
  const user = ['--masteruser', 'replica', '--masterauth', 'replica'];
  const replica = await startRedis(['--replicaof', `127.0.0.1 ${master.port}`, ...user]);
  const atReplica = await admin(replica.port);
  await until(async () => /master_link_status:up/.test(await atReplica.info('replication')));
  const sentinels = await Promise.all(
    Array.from({ length: sentinelCount }, () => startSentinel(master.port)),
  );
  await Promise.all(sentinels.map(({ redis }) => until(() => knowsEverybody(redis))));
  const lookFor = async (ms: number): Promise<void> => {
    for (const { redis } of sentinels)
      await redis.call('SENTINEL', 'SET', masterName, 'down-after-milliseconds', ms);
  };
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return {
    url: `redis+sentinel://${hosts}/${masterName}`,
    master,
    replica,
    catchUp: () => until(async () => (await atMaster.wait(1, 100)) === 1),
    lag: async () => {
      await atMaster.call('ACL', 'SETUSER', 'replica', 'off');
      await atMaster.call('CLIENT', 'KILL', 'TYPE', 'replica');
      await until(async () => /connected_slaves:0/.test(await atMaster.info('replication')));
    },
    promoted: async () => {
      await lookFor(downAfterMs.brief);
      for (const { redis } of sentinels)
        await until(async () => {
          const [, port] = (await redis.call(
            'SENTINEL',
            'GET-MASTER-ADDR-BY-NAME',
            masterName,
          )) as string[];
          return Number(port) === replica.port && /role:master/.test(await atReplica.info());
        });
      await lookFor(downAfterMs.patient);
    },
    stop: async () => {
      for (const redis of [atMaster, atReplica]) redis.disconnect();
      // Sentinels first: else they would promote what is being stopped.
      await Promise.all(sentinels.map((sentinel) => sentinel.stop()));
      await Promise.all([master.stop(), replica.stop()]);
    },
  };
}

interface Sentinel {
  readonly port: number;
  readonly redis: Redis;
  stop(): Promise<void>;
}

async function startSentinel(masterPort: number): Promise<Sentinel> {
  const folder = await makePrivateFolder('sentinel');
  const port = await freePort();
  const file = join(folder.path, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder.path}`,
    `sentinel monitor ${masterName} 127.0.0.1 ${masterPort} ${quorum}`,
    `sentinel down-after-milliseconds ${masterName} ${downAfterMs.patient}`,
    `sentinel failover-timeout ${masterName} 5000`,
  ];
  // Sentinels keep what they learn in their configuration.
  await writeFile(file, `${lines.join('\n')}\n`);
  const command = { file: 'redis-server', args: [file, '--sentinel'], ready: /\+monitor master/ };
  const server = await startServer(command, folder);
  const redis = await admin(port);
  return {
    port,
    redis,
    stop: async () => {
      redis.disconnect();
      await server.end('SIGKILL');
      await folder.remove();
    },
  };
}

async function knowsEverybody(sentinel: Redis): Promise<boolean> {
  const known = await sentinel.info('sentinel');
  return known.includes(`status=ok,`) && known.includes(`slaves=1,sentinels=${sentinelCount}`);
}

async function admin(port: number): Promise<Redis> {
  const redis = new Redis(port, { maxRetriesPerRequest: 0, lazyConnect: true });
  redis.on('error', () => {});
  await redis.connect();
  return redis;
}

/** Looks again and again, within bounds. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const look = async (): Promise<void> => {
    if (!(await isSo())) throw new Error('The servers did not get there in time.');
  };
  await vi.waitFor(look, { timeout: 120_000, interval: 20 });
}

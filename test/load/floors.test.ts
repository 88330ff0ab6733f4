import { fork } from 'node:child_process';
import { once } from 'node:events';

import { Redis } from 'ioredis';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';

import { builtFile, freshPostgres, freshRedis } from '../support/services/shared-services.ts';

/** A floor in a process of its own, as it is measured, and a connection to it. */
async function ridden(name: string, checkpointMs: number) {
  const [redis, postgres] = await Promise.all([freshRedis(), freshPostgres()]);
  const child = fork(await builtFile('load/subject'), [name], { serialization: 'advanced' });
  const stores = { redis: redis.url, postgres: postgres.url };
  child.send({ id: 1, question: { kind: 'start', name, checkpointMs, ...stores } });
  const [{ answer: port }] = (await once(child, 'message')) as [{ answer: number }];
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  onTestFinished(() => {
    socket.terminate();
    child.kill('SIGKILL');
  });
  await once(socket, 'open');
  return { socket, stores };
}

test('the least that loses nothing has in Redis what it answers, and in Postgres at the next checkpoint', async () => {
  const never = await ridden('log', 1_000_000);
  const redis = new Redis(never.stores.redis);
  onTestFinished(() => redis.disconnect());
  for (const place of [1, 2]) {
    never.socket.send(JSON.stringify({ place }));
    const [data] = (await once(never.socket, 'message')) as [Buffer];
    expect(data.toString()).toBe(JSON.stringify({ place }));
    expect(await redis.lrange('log:0', 0, -1)).toHaveLength(place);
  }

  const { socket, stores } = await ridden('log', 1);
  const postgres = new Client({ connectionString: stores.postgres });
  await postgres.connect();
  onTestFinished(() => postgres.end());
  socket.send('{"place":3}');
  const saved = async (): Promise<unknown[]> =>
    (await postgres.query('select entries from floor_log')).rows;
  await expect.poll(saved).toEqual([{ entries: '{"place":3}' }]);
});

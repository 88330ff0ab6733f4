import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';

import { resumeTokens } from '../../server/auth/resume-tokens.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import { startServer, testSecret } from '../support/live-server.ts';
import {
  adds,
  attach,
  createSession,
  type Created,
  type RawClient,
} from '../support/raw-client.ts';
import { startRedis } from '../support/services/redis-service.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A Redis that a test makes refuse what would write, while it goes on answering what reads. */
async function refusingRedis() {
  const service = await startRedis();
  cleanups.push(() => service.stop());
  const admin = new Redis(service.url);
  cleanups.push(() => admin.disconnect());
  return { url: service.url, admin };
}

const refusals: Record<string, (admin: Redis) => Promise<unknown>> = {
  OOM: (admin) => admin.config('SET', 'maxmemory', '1'),
  READONLY: (admin) => admin.replicaof('127.0.0.1', 1),
};

/** How often it refused for that reason. */
async function refusedCount(admin: Redis, reason: string): Promise<number> {
  const [, count] =
    new RegExp(`errorstat_${reason}:count=(\\d+)`).exec(await admin.info('errorstats')) ?? [];
  return Number(count ?? 0);
}

/** Who is told to come back comes back. */
async function attachOnceServed(created: Created): ReturnType<typeof attach> {
  for (;;) {
    const client = await attach(created).catch(() => undefined);
    if (client !== undefined) return client;
  }
}

/** The seq after the last one given: commands one by one, for as long as Redis has not refused so often. */
async function addsUntilRefused(
  client: RawClient,
  from: number,
  isEnough: () => Promise<boolean>,
): Promise<number> {
  let seq = from;
  while (!(await isEnough())) {
    client.send(adds(seq, 1));
    // Rejects when the connection is closed.
    await client.nextOf('entries');
    seq++;
  }
  return seq;
}

// As many commands as it takes until Redis is asked again.
const limits = { ...defaultLimits, frames_per_s_max: 100_000 };

describe.each(Object.entries(refusals))(
  'a Redis that answers and refuses with %s',
  (reason, refuse) => {
    test('[R11] the session goes on in Postgres, and is not sent away each time Redis is asked again', async () => {
      const { url, admin } = await refusingRedis();
      const server = await startServer({ redis: url, limits });
      cleanups.push(() => server.stop());
      const created = await createSession(server.url);
      const first = await attach(created);
      first.send(adds(1, 1));
      await first.nextOf('entries');
      await refuse(admin);
      first.send(adds(2, 1));
      await first.closed;
      const again = await attachOnceServed(created);
      const before = await refusedCount(admin, reason);
      const isEnough = async () => (await refusedCount(admin, reason)) >= before + 3;
      await addsUntilRefused(again, 2, isEnough);
      expect(again.socket.readyState).toBe(again.socket.OPEN);
    });

    test('[R11] what it holds of a dead owner keeps nobody from being served', async () => {
      const { url, admin } = await refusingRedis();
      const former = await startServer({ redis: url, checkpointMs: 3_600_000 });
      cleanups.push(() => former.stop());
      const created = await createSession(former.url);
      const rider = await attach(created);
      rider.send(adds(1, 7));
      await rider.nextOf('entries');
      await refuse(admin);
      const next = await startServer({ redis: url, postgres: former.stores.postgres, limits });
      cleanups.push(() => next.stop());
      const other = { ...created, client_id: 'client-of-the-other-device' };
      const { issue } = resumeTokens(signingKeys([testSecret]));
      const token = issue(other.session_id, other.client_id, 1);
      other.resume_url = `${next.url}/v1/sessions/${other.session_id}/clients/${other.client_id}#${token}`;
      const client = await attachOnceServed(other);
      const before = await refusedCount(admin, reason);
      const isEnough = async () => (await refusedCount(admin, reason)) >= before + 3;
      await addsUntilRefused(client, 1, isEnough);
      expect(client.socket.readyState).toBe(client.socket.OPEN);
    });
  },
);

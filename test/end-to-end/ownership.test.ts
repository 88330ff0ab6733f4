import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';

import { positionProofs } from '../../server/auth/position-proofs.ts';
import { signingKeys } from '../../server/auth/signing-keys.ts';
import type { Position, ServerFrame } from '../../shared/protocol/frames.ts';
import { startServer, testSecret, type LiveServer } from '../support/live-server.ts';
import {
  adds,
  attach,
  createSession,
  epochOf,
  savedUpTo,
  type Created,
} from '../support/raw-client.ts';
import { startRedis } from '../support/services/redis-service.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function started(options?: Parameters<typeof startServer>[0]): Promise<LiveServer> {
  const server = await startServer(options);
  cleanups.push(() => server.stop());
  return server;
}

/** The same session at another instance. */
const at = (server: LiveServer, created: Created): Created => {
  const { pathname, hash } = new URL(created.resume_url);
  return { ...created, resume_url: `${server.url}${pathname}${hash}` };
};

/** Long enough to ask a few things meanwhile on a busy machine. */
const slowDrain = { noticeMs: 0, movesPerS: 1_000, graceMs: 3_000 };

const proven = (created: Created, position: Position): Position & { proof: string } => {
  const proofs = positionProofs(signingKeys([testSecret]));
  return { ...position, proof: proofs.sign(created.session_id, position.epoch, position.offset) };
};

const welcomeOf = (greeting: readonly ServerFrame[]) => {
  const [welcome] = greeting;
  if (welcome?.type !== 'welcome') throw new Error('The first frame is not welcome.');
  return welcome;
};

const stateOf = (greeting: readonly ServerFrame[]) => {
  const frame = greeting.find((frame) => frame.type === 'snapshot');
  return frame?.type === 'snapshot' ? (frame.snapshot.state as { total: number }) : undefined;
};

describe.each([{ withoutRedis: false }, { withoutRedis: true }])('two instances, %o', (setting) => {
  test('[O1] [O2] the one that takes a session over goes on exactly there, and fences the former at its next write', async () => {
    const former = await started({ ...setting, checkpointMs: 3_600_000 });
    const next = await started({ ...setting, ...former.stores });
    const created = await createSession(former.url);
    const old = await attach(created);
    old.send(adds(1, 1, 2));
    await old.nextOf('entries');
    const taken = await attach(at(next, created));
    expect(stateOf(taken.greeting)).toMatchObject({ total: 3 });
    expect(welcomeOf(taken.greeting)).toMatchObject({ accepted: 2 });
    old.send(adds(3, 100));
    expect(await old.closed).toMatchObject({ code: 4110 });
    taken.send(adds(3, 4));
    expect(await taken.nextOf('entries')).toMatchObject({ accepted: 3 });
    const again = await attach(at(next, created));
    expect(stateOf(again.greeting)).toMatchObject({ total: 7 });
  });

  test('[E1] [R1] offsets have no gap across instances, and a replay after a take-over is exact', async () => {
    // No checkpoint meanwhile, which may let a snapshot stand for what was missed.
    const former = await started({ ...setting, checkpointMs: 3_600_000 });
    const next = await started({ ...setting, ...former.stores });
    const created = await createSession(former.url);
    const first = await attach(created);
    first.send(adds(1, 1, 2, 3));
    await first.nextOf('entries');
    const { epoch } = welcomeOf(first.greeting);
    const second = await attach(at(next, created), { position: { epoch, offset: 2 } });
    const [welcome, missed] = second.greeting;
    // Postgres alone cannot know that its epoch did not go on elsewhere: the whole state comes, under another one.
    const whole = { type: 'snapshot', snapshot: { offset: 4 } };
    const rest = { type: 'entries', entries: [{ offset: 3 }, { offset: 4 }] };
    expect(welcome).toMatchObject({
      result: setting.withoutRedis ? 'rebuilt' : 'resumed',
      head: 4,
    });
    expect(missed).toMatchObject(setting.withoutRedis ? whole : rest);
  });

  test('[O2] a former owner’s checkpoint is refused, and its connections are closed', async () => {
    const former = await started({ ...setting, checkpointMs: 3_000 });
    const next = await started({ ...setting, ...former.stores });
    const created = await createSession(former.url);
    const old = await attach(created);
    old.send(adds(1, 1));
    // From one checkpoint to the next there is time for another owner.
    if (!setting.withoutRedis) await savedUpTo(old, 1);
    old.send(adds(2, 1));
    await old.nextOf('entries');
    const taken = await attach(at(next, created), { token: welcomeOf(old.greeting).token });
    if (setting.withoutRedis) old.send(adds(3, 1));
    expect(await old.closed).toMatchObject({ code: 4110 });
    expect(welcomeOf(taken.greeting)).toMatchObject({ accepted: 2 });
  });

  test('[D1] [D3] an instance that shuts down checkpoints everything and closes what stayed with 4200', async () => {
    const server = await started({ ...setting, checkpointMs: 3_600_000, drain: slowDrain });
    const created = await createSession(server.url);
    const client = await attach(created);
    client.send(adds(1, 5, 6));
    await client.nextOf('entries');
    const stopping = server.stop();
    expect(await client.nextOf('goaway')).toMatchObject({ slot_ms: 0 });
    const ready = await fetch(`${server.url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ phase: 'draining' });
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    const refused = await fetch(`${server.url}/v1/sessions`, { method: 'POST' });
    expect(refused.status).toBe(503);
    await expect(attach(created)).rejects.toThrow('503');
    expect(await client.closed).toMatchObject({ code: 4200 });
    await stopping;
    const pool = new Pool({ connectionString: server.stores.postgres });
    const { rows } = await pool.query<{ head: string }>(
      'select max(head) as head from trackstand.session_log where session_id = $1',
      [created.session_id],
    );
    await pool.end();
    expect(rows).toEqual([{ head: '3' }]);
  });
});

test('[D1] an instance that leaves serves on, everybody and as ever, until its proxy has noticed', async () => {
  const server = await started({ drain: { noticeMs: 5_000, movesPerS: 1_000, graceMs: 200 } });
  const stopping = server.stop();
  const ready = await fetch(`${server.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ phase: 'leaving' });
  expect((await fetch(`${server.url}/healthz`)).status).toBe(503);
  const client = await attach(await createSession(server.url));
  client.send(adds(1, 1));
  await client.nextOf('entries');
  // Who came in that time is asked to move like everybody else.
  await client.nextOf('goaway');
  expect(await client.closed).toMatchObject({ code: 4200 });
  await stopping;
});

describe('Redis in trouble', () => {
  test('[R8] Redis emptied under a running owner: what it had goes to Postgres, and clients go on under a new epoch', async () => {
    const server = await started({ checkpointMs: 3_600_000 });
    const created = await createSession(server.url);
    const client = await attach(created);
    client.send(adds(1, 1, 2));
    await client.nextOf('entries');
    const redis = new Redis(server.stores.redis ?? '');
    await redis.flushdb();
    redis.disconnect();
    client.send(adds(3, 4));
    expect(await client.closed).toMatchObject({ code: 4110 });
    const again = await attach(created, { position: { epoch: epochOf(client), offset: 3 } });
    expect(welcomeOf(again.greeting)).toMatchObject({
      result: 'rebuilt',
      accepted: 2,
      checkpointed: 2,
    });
    expect(epochOf(again)).not.toBe(epochOf(client));
    expect(stateOf(again.greeting)).toMatchObject({ total: 3 });
  });

  test('[R8] [R6] Redis and its owner gone at once: the client brings back what Postgres does not have', async () => {
    const former = await started({ checkpointMs: 3_600_000 });
    const created = await createSession(former.url);
    const client = await attach(created);
    client.send(adds(1, 1, 2));
    await client.nextOf('entries');
    const redis = new Redis(former.stores.redis ?? '');
    await redis.flushdb();
    redis.disconnect();
    const next = await started(former.stores);
    const again = await attach(at(next, created), {
      position: { epoch: epochOf(client), offset: 3 },
    });
    expect(welcomeOf(again.greeting)).toMatchObject({ result: 'rebuilt', accepted: 0 });
    again.send(adds(1, 1, 2));
    await again.nextOf('entries');
    expect(stateOf((await attach(at(next, created))).greeting)).toMatchObject({ total: 3 });
  });

  test('[R4] a client that has seen more than the log has opens the session anew, when it can prove it', async () => {
    const server = await started();
    const created = await createSession(server.url);
    const reader = await attach(created);
    const epoch = epochOf(reader);
    const position = { epoch, offset: 99 };
    const unproven = { ...position, proof: 'x'.repeat(16) };
    const { greeting: same } = await attach(created, { position, witness: unproven });
    expect(welcomeOf(same)).toMatchObject({ epoch, head: 1 });
    expect(same.map(({ type }) => type)).toEqual(['welcome', 'snapshot', 'live']);
    expect(await reader.closed).toMatchObject({ code: 4009 });
    const witness = proven(created, position);
    const { greeting } = await attach(created, { position, witness });
    expect(welcomeOf(greeting)).toMatchObject({ result: 'rebuilt' });
    expect(epochOf({ greeting })).not.toBe(epoch);
  });

  test('[O1] [R1] [R5] who comes back to a former owner goes on there at once, and has no pause', async () => {
    const former = await started({ checkpointMs: 3_600_000 });
    const next = await started({ ...former.stores, checkpointMs: 3_600_000 });
    const created = await createSession(former.url);
    const first = await attach(created);
    first.send(adds(1, 1, 2));
    await first.nextOf('entries');
    const epoch = epochOf(first);
    const second = await attach(at(next, created), { position: { epoch, offset: 3 } });
    second.send(adds(3, 4));
    await second.nextOf('entries');
    const position = { epoch, offset: 4 };
    const third = await attach(created, { position, witness: proven(created, position) });
    expect(welcomeOf(third.greeting)).toMatchObject({ result: 'resumed', epoch, accepted: 3 });
    expect(third.greeting.map(({ type }) => type)).toEqual(['welcome', 'live']);
    third.send(adds(4, 8));
    expect(await third.nextOf('entries')).toMatchObject({ accepted: 4 });
    expect(await first.closed).toMatchObject({ code: 4009 });
    second.send(adds(4, 16));
    expect(await second.closed).toMatchObject({ code: 4110 });
  });

  test('[O3] [C5] an append that Redis did not answer is tried again, and lands once', async () => {
    const service = await startRedis();
    cleanups.push(() => service.stop());
    const server = await started({ redis: service.url, checkpointMs: 3_600_000 });
    const created = await createSession(server.url);
    const client = await attach(created);
    const redis = new Redis(service.url);
    await redis.call('CLIENT', 'PAUSE', '2500', 'WRITE');
    client.send(adds(1, 7));
    expect(await client.nextOf('entries')).toMatchObject({ accepted: 1 });
    redis.disconnect();
    expect(stateOf((await attach(created)).greeting)).toMatchObject({ total: 7 });
  });

  test('[O5] [H6] an instance that knows only an older schema leaves the session to others', async () => {
    const server = await started();
    const created = await createSession(server.url);
    const pool = new Pool({ connectionString: server.stores.postgres });
    await pool.query('update trackstand.sessions set version = 2 where session_id = $1', [
      created.session_id,
    ]);
    await pool.end();
    await expect(attach(created)).rejects.toThrow('4203');
  });
});

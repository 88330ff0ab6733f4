import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rename, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { ask } from '../../deploy/verdict/ask.ts';
import { startRider } from '../support/rider.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { startNginx, type NginxService } from '../support/services/nginx-service.ts';
import { freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { isSaved } from '../support/watching.ts';
import { repository } from './shared-host.ts';

const sample = (powerW: number) => ({ type: 'sample', data: { powerW } }) as const;
/** A busy machine may take its time. */
const eventually = (look: () => Promise<number>) => expect.poll(look, { timeout: 60_000 });
const names = Array.from({ length: 20 }, (_, index) => `v${String(index).padStart(2, '0')}`);

describe('the routes of the proxy', () => {
  let nginx: NginxService;
  let stores: { postgres: string; redis: string };
  beforeAll(async () => {
    nginx = await startNginx(join(repository, 'deploy/nginx'));
    stores = { postgres: (await freshPostgres()).url, redis: (await freshRedis()).url };
  });
  afterAll(() => nginx.stop());

  const instance = async (
    name: string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<ServerProcess> => {
    const socket = join(nginx.runFolder, `${name}.sock`);
    const settings = {
      LISTEN: `unix:${socket}`,
      RELEASE: name,
      DRAIN_MOVES_PER_S: '1000',
      // What a busy machine may need; nobody waits for its end.
      DRAIN_GRACE_MS: '60000',
      ...more,
    };
    const process = await startServerProcess(stores, settings);
    onTestFinished(() => process.stop());
    return process;
  };
  /** Answers with its name and the route it is told. */
  const echo = async (name: string): Promise<void> => {
    const server = createServer((request, response) => {
      response.end(`${name} by ${String(request.headers['x-route'])}`);
    });
    server.listen({ path: join(nginx.runFolder, `${name}.sock`), writableAll: true });
    await once(server, 'listening');
    onTestFinished(() => void server.close());
  };
  const route = async (routes: readonly string[], to: string): Promise<void> => {
    for (const name of routes) {
      const link = join(nginx.runFolder, `${name}.sock`);
      await symlink(`${to}.sock`, `${link}.next`);
      await rename(`${link}.next`, link);
    }
  };
  const connectionsOf = async (name: string): Promise<number> => {
    const answer = await ask({ socketPath: join(nginx.runFolder, `${name}.sock`) }, '/readyz');
    return (answer?.body as { connections: number } | undefined)?.connections ?? 0;
  };
  const handOversOf = async (name: string): Promise<number> => {
    const answer = await ask({ socketPath: join(nginx.runFolder, `${name}.sock`) }, '/readyz');
    return (answer?.body as { hand_overs: number } | undefined)?.hand_overs ?? 0;
  };
  const releaseAt = async (path: string): Promise<string> => {
    const answer = await fetch(`${nginx.url}${path}`);
    return ((await answer.json()) as { release: string }).release;
  };

  test('each route says which release serves it, and an unknown one is nothing', async () => {
    await instance('a.r1');
    await instance('b.r1');
    await route(names.slice(0, 10), 'a.r1');
    await route(names.slice(10), 'b.r1');
    expect(await releaseAt('/__release')).toBe('b.r1');
    expect(await releaseAt('/__release/v00')).toBe('a.r1');
    expect(await releaseAt('/__release/v19')).toBe('b.r1');
    expect((await fetch(`${nginx.url}/__release/v20`)).status).toBe(404);
  });

  test.each(['trackstand.conf', 'trackstand-flags.conf'])(
    '%s keeps a connection longer than it tells its client: no request meets the end of one',
    async (name) => {
      const conf = await readFile(join(repository, 'deploy/nginx', name), 'utf8');
      const [, keptS, toldS] = /^ *keepalive_timeout (\d+)s (\d+)s;$/m.exec(conf) ?? [];
      expect(Number(keptS)).toBeGreaterThan(Number(toldS) + 3);
      const { headers } = await fetch(`${nginx.url}/version`);
      expect(headers.get('keep-alive')).toBe(`timeout=${toldS}`);
    },
  );

  test('a session goes the same route whatever else comes with the request', async () => {
    for (const name of names) await echo(`e.${name}`);
    for (const name of names) await route([name], `e.${name}`);
    const answers = new Set<string>();
    for (let count = 0; count < 20; count++) {
      const path = `/v1/sessions/abcdefghijklmnopqrstuv/clients/client-of-number-000${count}`;
      const headers = {
        'x-route': 'v00',
        cookie: `sid=${count}`,
        'x-forwarded-for': `10.${count}.0.1`,
      };
      answers.add(await (await fetch(`${nginx.url}${path}?x=${count}`, { headers })).text());
    }
    // The route the instance is told is the one it was reached by.
    expect([...answers]).toEqual([expect.stringMatching(/^e\.(v\d\d) by \1$/)]);
  });

  test('sessions spread over the routes evenly, whatever their address', async () => {
    for (const name of names) await echo(`f.${name}`);
    for (const name of names) await route([name], `f.${name}`);
    const counts = new Map<string, number>();
    for (let count = 0; count < 1_000; count++) {
      const id = createHash('sha256').update(String(count)).digest('base64url').slice(0, 22);
      const name = await (await fetch(`${nginx.url}/v1/sessions/${id}/clients/c`)).text();
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect(counts.size).toBe(20);
    // 50 each, with a standard deviation of 7.
    expect(Math.min(...counts.values())).toBeGreaterThan(20);
    expect(Math.max(...counts.values())).toBeLessThan(80);
  });

  test('an instance that is gone is passed by at once, and its sessions go on at the other slot', async () => {
    const gone = await instance('a.r3');
    await instance('b.r3');
    await route(names.slice(0, 10), 'a.r3');
    await route([...names.slice(10), 'a', 'b'], 'b.r3');
    const rider = await startRider(nginx.url);
    rider.give({ type: 'start', data: {} });
    await rider.when(isSaved);
    await gone.kill();
    const releases = await Promise.all(names.map((name) => releaseAt(`/__release/${name}`)));
    expect(new Set(releases)).toEqual(new Set(['b.r3']));
    rider.give(sample(200));
    expect((await rider.when(isSaved)).state).toEqual(rider.expected());
    rider.session.close();
  });

  test('a hand-over moves those whose routes lead elsewhere, once, without a gap, and leaves the others alone', async () => {
    const former = await instance('a.r4');
    await instance('b.r4');
    await route([...names, 'a', 'b'], 'a.r4');
    const riders = await Promise.all(names.map(() => startRider(nginx.url)));
    for (const rider of riders) rider.give({ type: 'start', data: {} });
    await Promise.all(riders.map((rider) => rider.when(isSaved)));
    const statuses = riders.map(({ session }) => {
      const seen: string[] = [];
      session.subscribe(({ status }) => seen.at(-1) === status || seen.push(status));
      return seen;
    });
    await route(names.slice(0, 10), 'b.r4');
    former.handOver();
    await eventually(() => connectionsOf('b.r4')).toBeGreaterThan(0);
    await eventually(
      async () => (await connectionsOf('a.r4')) + (await connectionsOf('b.r4')),
    ).toBe(20);
    for (const rider of riders) rider.give(sample(210));
    await Promise.all(riders.map((rider) => rider.when(isSaved)));
    const moves = statuses.map((seen) => seen.filter((status) => status === 'moving').length);
    expect(moves.reduce((sum, count) => sum + count, 0)).toBe(await connectionsOf('b.r4'));
    expect(new Set(statuses.map((seen) => seen.join()))).toEqual(
      new Set(['connected', 'connected,moving,connected']),
    );
    for (const { session, expected } of riders) {
      expect(session.view().state).toEqual(expected());
      expect(session.view().receipt).toMatchObject({ lost: 0 });
      session.close();
    }
  });

  test('there and back again at once, nobody is without a connection', async () => {
    const there = await instance('a.r5', { DETACHED_GRACE_MS: '600000' });
    const back = await instance('b.r5', { DETACHED_GRACE_MS: '600000' });
    await route([...names, 'a', 'b'], 'a.r5');
    const riders = await Promise.all(Array.from({ length: 10 }, () => startRider(nginx.url)));
    const statuses = new Set<string>();
    for (const rider of riders) rider.give({ type: 'start', data: {} });
    await Promise.all(riders.map((rider) => rider.when(isSaved)));
    for (const { session } of riders) session.subscribe(({ status }) => statuses.add(status));
    for (const [former, next] of [
      [there, 'b.r5'],
      [back, 'a.r5'],
    ] as const) {
      await route([...names, 'a', 'b'], next);
      former.handOver();
      await eventually(() => connectionsOf(next)).toBe(riders.length);
      // As a deploy does: the next move begins when the hand-over says that it has ended.
      await eventually(() => handOversOf(next === 'b.r5' ? 'a.r5' : 'b.r5')).toBe(1);
      for (const rider of riders) rider.give(sample(210));
      await Promise.all(riders.map((rider) => rider.when(isSaved)));
    }
    for (const { session, expected } of riders) expect(session.view().state).toEqual(expected());
    expect(statuses).toEqual(new Set(['connected', 'moving']));
    for (const { session } of riders) session.close();
  });
});

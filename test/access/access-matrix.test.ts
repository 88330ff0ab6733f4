import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { buildApp } from '../../server/app/build-app.ts';
import { readConfig } from '../../server/config.ts';
import { withRoutes, type Route } from '../fuzz/route-list.ts';
import { rightBody } from '../fuzz/seat.ts';
import { testSecret } from '../support/live-server.ts';
import { newIncarnation, type Created } from '../support/raw-client.ts';
import { builtFile, freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { callers, rules, type Caller } from './rules.ts';

let url: string;
let routes: readonly Route[];
let stop: () => Promise<void>;
beforeAll(async () => {
  const [page, postgres, redis] = await Promise.all([
    builtFile('app'),
    freshPostgres(),
    freshRedis(),
  ]);
  const config = readConfig({
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    TRACKSTAND_SECRET: testSecret,
    LOG_LEVEL: 'silent',
    SESSIONS_PER_HOUR_MAX: '10000',
  });
  const built = await withRoutes(() => buildApp(config, { page: page }));
  await built.app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(built.app.server.address() as AddressInfo).port}`;
  routes = built.routes;
  stop = () => built.app.close();
});
afterAll(() => stop());

/** HEAD is answered by the route of GET, and a session's GET is a WebSocket too. */
const names = (): readonly string[] => [
  ...new Set(
    routes.flatMap(({ method, url: path }) => {
      if (method === 'HEAD') return [`GET ${path}`];
      const isSession = method === 'GET' && path.endsWith('/clients/:client_id');
      return isSession ? [`GET ${path}`, `UPGRADE ${path}`] : [`${method} ${path}`];
    }),
  ),
];

async function begin(): Promise<Created & { readonly token: string }> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers,
    body: rightBody(),
  });
  const created = (await response.json()) as Created;
  return { ...created, token: new URL(created.resume_url).hash.slice(1) };
}

/** A session of somebody's, and what this caller has to show. */
async function approach(caller: Caller): Promise<{ created: Created; token: string | undefined }> {
  const created = await begin();
  if (caller === 'anonymous') return { created, token: undefined };
  if (caller === 'other') return { created, token: (await begin()).token };
  const { token } = created;
  if (caller === 'revoked')
    await fetch(created.resume_url, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    });
  return { created, token };
}

async function ask(name: string, caller: Caller): Promise<number | string> {
  const { created, token } = await approach(caller);
  const [method = '', path = ''] = name.split(' ');
  const { session_id, client_id } = created;
  const place = path
    .replace(':session_id', session_id)
    .replace(':client_id', client_id)
    .replace('*', 'index.html');
  if (method === 'UPGRADE') return attach(`${url.replace('http', 'ws')}${place}`, token);
  const body = rules[name]?.body?.();
  const response = await fetch(`${url}${place}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
  });
  await response.arrayBuffer();
  return response.status;
}

/** The first frame's type, or the close code. */
async function attach(place: string, token: string | undefined): Promise<number | string> {
  const socket = new WebSocket(place, ['trackstand.v1']);
  await once(socket, 'open');
  const hello = { type: 'hello', incarnation: newIncarnation(), kind: 'workout', version: 1 };
  socket.send(JSON.stringify({ ...hello, token: token ?? '' }));
  const first = await Promise.race([
    once(socket, 'message').then(([bytes]) => (JSON.parse(String(bytes)) as { type: string }).type),
    once(socket, 'close').then(([code]) => code as number),
  ]);
  socket.terminate();
  return first;
}

describe('who gets what', () => {
  test('every route has a rule, and every rule a route', () => {
    expect([...names()].toSorted()).toEqual(Object.keys(rules).toSorted());
  });

  test.each(Object.keys(rules).flatMap((name) => callers.map((caller) => ({ name, caller }))))(
    '$name as $caller',
    async ({ name, caller }) => {
      expect(await ask(name, caller)).toBe(rules[name]?.answers[caller]);
    },
  );

  test('a token in a query, a cookie or a body opens nothing', async () => {
    const { resume_url, token } = await begin();
    const [place = ''] = resume_url.split('#');
    const asked = await Promise.all([
      fetch(`${place}?token=${token}&access_token=${token}`),
      fetch(place, { headers: { cookie: `token=${token}` } }),
      fetch(place, {
        method: 'DELETE',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      }),
    ]);
    expect(asked.map(({ status }) => status)).toEqual([401, 401, 401]);
  });
});

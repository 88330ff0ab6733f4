import { once } from 'node:events';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

import { buildApp } from '../../server/app/build-app.ts';
import { readConfig } from '../../server/config.ts';
import { startSmtpSink } from '../accounts/smtp-sink.ts';
import { withRoutes, type Route } from '../fuzz/route-list.ts';
import { basic, goodKey, startIntervalsStandIn } from '../support/intervals-stand-in.ts';
import { testSecret } from '../support/live-server.ts';
import { newIncarnation, type Created } from '../support/raw-client.ts';
import { freePort } from '../support/services/free-port.ts';
import { builtFile, freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { callers, rules, type Caller, type Rule } from './rules.ts';
import { ask, setStage, type Service, type Stage } from './stage.ts';

let service: Service;
let routes: readonly Route[];
let stop: () => Promise<void>;
beforeAll(async () => {
  const [page, postgres, redis, mails, intervals, port] = await Promise.all([
    builtFile('app'),
    freshPostgres(),
    freshRedis(),
    startSmtpSink(),
    startIntervalsStandIn(),
    freePort(),
  ]);
  const config = readConfig({
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    TRACKSTAND_SECRET: testSecret,
    LOG_LEVEL: 'silent',
    SESSIONS_PER_HOUR_MAX: '10000',
    HASH_COST: '4',
    MAIL_URL: mails.url,
    INTERVALS_URL: intervals.url,
    PUBLIC_URL: `http://127.0.0.1:${port}`,
  });
  const built = await withRoutes(() => buildApp(config, { page: page }));
  await built.app.listen({ host: '127.0.0.1', port });
  const mailedTo = async (email: string): Promise<string> => {
    const { to, text } = await mails.next();
    const [, token] = /#password=([\w-]{43})/.exec(text) ?? [];
    return token !== undefined && to.includes(email) ? token : mailedTo(email);
  };
  service = { url: `http://127.0.0.1:${port}`, mailedTo };
  routes = built.routes;
  stop = async () => {
    await built.app.close();
    await mails.stop();
    await intervals.stop();
  };
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

/** What this caller puts into the Authorization header of a route that asks for that proof. */
async function proofOf(
  proof: NonNullable<Rule['proof']>,
  caller: Caller,
  stage: Stage,
): Promise<string | undefined> {
  const { owner, other, ended, created, token, othersToken } = stage;
  if (caller === 'anonymous' || proof === 'none') return undefined;
  if (proof === 'access')
    return { owner: owner.access, other: other.access, revoked: ended.access }[caller];
  if (proof === 'key') return basic(caller === 'owner' ? goodKey : `of-${caller}`).slice(6);
  if (proof === 'reader') {
    const { link, othersLink } = stage;
    if (caller === 'other') return othersLink.token;
    const place = `${pathOf(created)}/readers/${link.readerId}`;
    if (caller === 'revoked') await ask(service, 'DELETE', place, { proof: token });
    return link.token;
  }
  if (caller === 'other') return othersToken;
  if (caller === 'revoked') await ask(service, 'DELETE', pathOf(created), { proof: token });
  return token;
}

const pathOf = ({ resume_url }: Created): string => new URL(resume_url).pathname;

async function askAs(name: string, caller: Caller): Promise<number | string> {
  const stage = await setStage(service);
  const { proof: kind = 'resume', body } = rules[name] ?? {};
  const proof = await proofOf(kind, caller, stage);
  const [method = '', path = ''] = name.split(' ');
  const { session_id, client_id } = stage.created;
  const place = path
    .replace(':session_id', session_id)
    .replace(':client_id', client_id)
    .replace(':reader_id', stage.link.readerId)
    .replace(':workout_id', stage.workoutId)
    .replace(':login_id', stage.owner.loginId)
    .replace(':athlete_id', '0')
    .replace('*', 'index.html');
  if (method === 'UPGRADE') return attach(`${service.url.replace('http', 'ws')}${place}`, proof);
  const told = body === undefined ? {} : { body: body(stage, caller) };
  const scheme = kind === 'key' ? 'Basic' : 'Bearer';
  const response = await ask(service, method, place, { proof, scheme, ...told });
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

  // By caller, not by route: intervals.icu is asked five times at once at most, whoever asks.
  test.each(callers.flatMap((caller) => Object.keys(rules).map((name) => ({ name, caller }))))(
    '$name as $caller',
    async ({ name, caller }) => {
      expect(await askAs(name, caller)).toBe(rules[name]?.answers[caller]);
    },
  );

  test('a token in a query, a cookie or a body opens nothing', async () => {
    const { created, token } = await setStage(service);
    const [place = ''] = created.resume_url.split('#');
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

  test('a token of one kind is none of another', async () => {
    const { owner, created, token, mailed } = await setStage(service);
    const statuses = await Promise.all(
      [
        ...[token, owner.refresh, mailed].map((proof) => ['/v1/accounts/me', proof] as const),
        ...[token, owner.refresh].map((proof) => ['/v1/logins', proof] as const),
        ...[owner.access, owner.refresh].map((proof) => [pathOf(created), proof] as const),
      ].map(async ([path, proof]) => (await ask(service, 'GET', path, { proof })).status),
    );
    expect(new Set(statuses)).toEqual(new Set([401]));
    const body = { refresh_token: owner.access };
    expect((await ask(service, 'POST', '/v1/logins/refresh', { body })).status).toBe(401);
  });
});

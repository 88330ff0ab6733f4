import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as rawRequest, type IncomingMessage } from 'node:http';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { intervalsProblems } from '../../server/intervals/intervals-problems.ts';
import { intervalsRoom } from '../../server/intervals/intervals.ts';
import { startAccountServer, type AccountServer } from '../accounts/account-server.ts';
import {
  basic,
  goodKey,
  plannedEvent,
  startIntervalsStandIn,
  type IntervalsStandIn,
  type Trouble,
} from '../support/intervals-stand-in.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';

let outside: IntervalsStandIn;
let server: AccountServer;
let clock: ManualClock;
beforeEach(async () => {
  outside = await startIntervalsStandIn();
  outside.ridesOn('2026-11-30');
  clock = manualClock();
  server = await startWith({});
});
afterEach(async () => {
  await server.stop();
  await outside.stop();
});

function startWith(bounds: Parameters<typeof intervalsRoom>[1]): Promise<AccountServer> {
  const unbounded = { name: 'intervals-service', burst: 1_000, eachMs: 1 };
  const room = intervalsRoom(outside.url, { clock, serviceRate: unbounded, ...bounds });
  return startAccountServer({ rooms: [room] });
}

async function restartWith(bounds: Parameters<typeof intervalsRoom>[1]): Promise<void> {
  await server.stop();
  server = await startWith(bounds);
}

const place = '/v1/intervals';
const me = `${place}/athletes/0`;
const ask = (method: string, path: string, body?: unknown, key = goodKey) =>
  server.ask(method, path, { headers: { authorization: basic(key) }, body });
const codeOf = async (answer: ReturnType<AccountServer['ask']>) => {
  const { status, body } = await answer;
  return [status, body['code']];
};

/** As far as anybody here looks: a header, and something that differs. */
const fit = (text: string): string =>
  Buffer.from(`\x0e\x20\x00\x00\x00\x00\x00\x00.FIT${text}`, 'latin1').toString('base64');
const days = { oldest: '2026-11-29', newest: '2026-12-01' };
const ride = { external_id: 'trackstand-ride-1', name: 'Über & über', ...days };
const send = (more: object = {}) =>
  ask('POST', `${me}/activities`, { ...ride, file: fit('first'), ...more });
const zwo = '<workout_file><name>Sweet</name><workout/></workout_file>';

describe('a key', () => {
  test('is checked, and says whose it is', async () => {
    expect((await server.ask('GET', place)).body).toEqual({ site: new URL(outside.url).host });
    const { status, body } = await ask('GET', me);
    expect([status, body]).toEqual([200, { athlete_id: 'i12345', name: 'Ada' }]);
    expect(outside.requests).toEqual([
      { method: 'GET', path: '/api/v1/athlete/0', authorization: basic(goodKey) },
    ]);
  });

  test('that intervals.icu does not take, with 401 or 403, is refused', async () => {
    expect(await codeOf(ask('GET', me, undefined, 'anothers'))).toEqual([
      401,
      'intervals-key-refused',
    ]);
    outside.meets((_request, response) => void response.writeHead(401).end());
    expect(await codeOf(send())).toEqual([401, 'intervals-key-refused']);
  });

  test.each([
    undefined,
    'Bearer a1b2c3d4e5f6g7h8i9j0k1l2m',
    'Basic',
    `Basic ${Buffer.from('ada:secret').toString('base64')}`,
    `Basic ${Buffer.from('API_KEY:').toString('base64')}`,
    `Basic ${Buffer.from('API_KEY:with\r\nbreak').toString('base64')}`,
    `Basic ${Buffer.from(`API_KEY:${'x'.repeat(129)}`).toString('base64')}`,
  ])('of another form goes nowhere: %s', async (authorization) => {
    const headers = authorization === undefined ? {} : { authorization };
    expect(await codeOf(server.ask('GET', me, { headers }))).toEqual([
      401,
      'intervals-key-refused',
    ]);
    expect(outside.requests).toEqual([]);
  });

  test('opens the athletes it may see, and an id that is none goes nowhere', async () => {
    expect((await ask('GET', `${place}/athletes/i12345`)).status).toBe(200);
    expect(await codeOf(ask('GET', `${place}/athletes/i777`))).toEqual([
      401,
      'intervals-key-refused',
    ]);
    expect(await codeOf(ask('GET', `${place}/athletes/i9`))).toEqual([
      404,
      'intervals-athlete-unknown',
    ]);
    const asked = outside.requests.length;
    // As it is written: a browser takes the dots away.
    for (const id of ['..', '%2e%2e', '%2e%2e/workouts', 'i1%2f..', '0%3fx', 'ada', '1'.repeat(13)])
      expect([id, await rawStatus(`${place}/athletes/${id}`)]).toEqual([id, 404]);
    expect(outside.requests.length).toBe(asked);
  });

  test('is in no log line, whatever happens', async () => {
    await ask('GET', me);
    await send();
    for (const status of [401, 429, 500, 302])
      await during(status, async () => {
        await ask('GET', me);
        await send();
      });
    await outside.stop();
    expect(await codeOf(ask('GET', me))).toEqual([424, 'intervals-away']);
    const log = server.log.join('\n');
    expect(log).toContain('ECONNREFUSED');
    for (const form of [goodKey, basic(goodKey).slice('Basic '.length)])
      expect(log).not.toContain(form);
    outside = await startIntervalsStandIn();
  });
});

async function rawStatus(path: string): Promise<number | undefined> {
  const headers = { authorization: basic(goodKey) };
  const asking = rawRequest(server.url, { path, headers }).end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  answer.resume();
  return answer.statusCode;
}

async function during(status: number, act: () => Promise<unknown>): Promise<void> {
  outside.meets((_request, response) => void response.writeHead(status).end(goodKey));
  await act();
  outside.meets(undefined);
  clock.pass(60_000);
}

describe('a plan', () => {
  test('is the rides of the calendar, in order, each with its file', async () => {
    outside.plan([
      plannedEvent(2, '2026-12-01', 'Hills', '<broken'),
      { ...plannedEvent(3, '2026-11-30', 'Easy run', zwo), type: 'Run' },
      plannedEvent(1, '2026-11-30', 'Sweet\nspot', zwo),
      plannedEvent(4, '2026-12-02', 'By feel'),
      { id: 5, name: 'of no day' },
      plannedEvent(6, '2026-13-45', 'of no month'),
      plannedEvent(7, '2026-02-30', 'of no February'),
    ]);
    const { status, body } = await ask('GET', `${me}/workouts`);
    expect([status, body]).toEqual([
      200,
      {
        workouts: [
          { event_id: '1', name: 'Sweet spot', day: '2026-11-30', file: zwo },
          { event_id: '2', name: 'Hills', day: '2026-12-01', file: '<broken' },
          { event_id: '4', name: 'By feel', day: '2026-12-02', file: '' },
        ],
      },
    ]);
    expect(outside.requests.map(({ path }) => path)).toEqual([
      '/api/v1/athlete/0/events?category=WORKOUT&ext=zwo&resolve=true&limit=40',
    ]);
  });

  test('leaves out a file that is too large, and all beyond half a megabyte', async () => {
    const event = (id: number, bytes: number) =>
      plannedEvent(id, '2026-11-30', `${id}`, 'x'.repeat(bytes));
    outside.plan([
      event(1, 65_537),
      ...Array.from({ length: 44 }, (_, at) => event(at + 2, 15_000)),
    ]);
    const { body } = await ask('GET', `${me}/workouts`);
    const workouts = body['workouts'] as { event_id: string; file: string }[];
    expect(workouts).toHaveLength(40);
    expect(workouts[0]).toMatchObject({ event_id: '1', file: '' });
    expect(workouts.filter(({ file }) => file !== '')).toHaveLength(34);
    expect(JSON.stringify(body).length).toBeLessThan(524_288 + 40 * 300);
  });

  test.each<[string, Trouble]>([
    ['is down', (_request, response) => void response.writeHead(503).end()],
    ['breaks off', (request) => void request.socket.destroy()],
    ['answers with a page', (_request, response) => void response.end('<h1>Hotel</h1>')],
    ['answers with another thing', (_request, response) => void response.end('{"events":[]}')],
    [
      'answers with too much',
      (_request, response) => void response.end(`[{"x":"${'x'.repeat(9_000)}"}]`),
    ],
    ['does not answer', () => {}],
    ['stops in the middle', (_request, response) => void response.writeHead(200).write('[')],
  ])('cannot be had while intervals.icu %s', async (_name, trouble) => {
    await restartWith({ answerMaxMs: 300, answerBytesMax: 8_192 });
    outside.meets(trouble);
    expect(await codeOf(ask('GET', `${me}/workouts`))).toEqual([424, 'intervals-away']);
  });

  test('is not looked for where a redirect leads: the key would go along', async () => {
    const elsewhere = await startIntervalsStandIn();
    outside.meets(
      (_request, response) =>
        void response.writeHead(307, { location: `${elsewhere.url}/athlete/0` }).end(),
    );
    expect(await codeOf(ask('GET', me))).toEqual([424, 'intervals-away']);
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.stop();
  });

  test.each([
    ['120', '120', '2 minutes'],
    ['99999999', '86400', '24 h'],
    ['soon', '5', '5 s'],
  ])('waits as intervals.icu says: Retry-After %s', async (told, passedOn, text) => {
    outside.meets(
      (_request, response) => void response.writeHead(429, { 'retry-after': told }).end(),
    );
    const { status, headers, body } = await ask('GET', `${me}/workouts`);
    expect([status, body['code']]).toEqual([429, 'intervals-busy']);
    expect(headers.get('retry-after')).toBe(passedOn);
    expect(body['detail']).toContain(`try again in ${text}.`);
  });
});

describe('a ride', () => {
  test('is sent once: again, from another device or after a lost answer it is known', async () => {
    expect((await send()).body).toEqual({ outcome: 'sent', activity_id: 'i1000' });
    expect((await send()).body).toEqual({ outcome: 'known', activity_id: 'i1000' });
    expect((await send({ file: fit('another') })).body).toMatchObject({ outcome: 'known' });
    // A file that the rider uploaded by hand: the same bytes are the same activity.
    const renamed = await send({ external_id: 'trackstand-ride-2' });
    expect(renamed.body).toEqual({ outcome: 'known', activity_id: 'i1000' });
    expect((await send({ external_id: 'ride-3', file: fit('more') })).body).toEqual({
      outcome: 'sent',
      activity_id: 'i1001',
    });
    expect(outside.activities).toMatchObject([
      { name: 'Über & über', external_id: 'trackstand-ride-1' },
      { external_id: 'ride-3' },
    ]);
    expect(outside.activities[0]?.file.toString('base64')).toBe(fit('first'));
    expect(outside.requests[0]?.path).toBe(
      '/api/v1/athlete/0/activities?oldest=2026-11-29&newest=2026-12-01',
    );
  });

  test('that comes twice at once, as of two tabs, is sent once', async () => {
    const both = await Promise.all([send(), send({ file: fit('another') })]);
    expect(both.map(({ body }) => body['activity_id'])).toEqual(['i1000', 'i1000']);
    expect(outside.activities).toHaveLength(1);
  });

  test('that intervals.icu does not take is refused', async () => {
    outside.meets((request, response) => {
      response.writeHead(request.method === 'POST' ? 422 : 200).end('[]');
    });
    expect(await codeOf(send())).toEqual([422, 'intervals-file-refused']);
  });

  test.each([
    ['no file', { file: undefined }],
    ['a file that is no .fit', { file: Buffer.from('something else').toString('base64') }],
    ['a month there is not', { oldest: '2026-13-01' }],
    ['a day there is not', { newest: '2026-02-30' }],
    ['an id of another form', { external_id: 'a&b=c' }],
    ['no name', { name: '' }],
  ])('with %s goes nowhere', async (_name, more) => {
    expect(await codeOf(send(more))).toEqual([400, 'bad-request']);
    expect(outside.requests).toEqual([]);
  });

  test('has a megabyte at most', async () => {
    const file = fit('x'.repeat(800_000));
    expect(await codeOf(send({ file }))).toEqual([413, 'body-too-large']);
  });
});

describe('how often', () => {
  test('requests are bounded for the whole service, so that intervals.icu does not turn it away', async () => {
    await restartWith({
      serviceRate: { name: 'intervals-service', burst: 2, eachMs: 600_000 },
    });
    expect((await ask('GET', me)).status).toBe(200);
    // Another key, of another address perhaps: it is one service all the same.
    expect((await ask('GET', me, undefined, 'anothers')).status).toBe(401);
    const { status, headers, body } = await ask('GET', me);
    expect([status, body['code'], headers.get('retry-after')]).toEqual([
      429,
      'intervals-busy',
      '600',
    ]);
    expect(body['detail']).toContain('Too many riders of this service');
    expect(outside.requests).toHaveLength(2);
  });

  test('as long as intervals.icu says it is not asked again, and for a minute at most', async () => {
    for (const [told, restS] of [
      ['20', 20],
      ['99999', 60],
    ] as const) {
      outside.meets(
        (_request, response) => void response.writeHead(429, { 'retry-after': told }).end(),
      );
      expect((await ask('GET', me)).status).toBe(429);
      outside.meets(undefined);
      const asked = outside.requests.length;
      clock.pass(restS * 1_000 - 1_500);
      const { status, headers } = await ask('GET', me, undefined, 'anothers');
      expect([status, headers.get('retry-after')]).toEqual([429, '2']);
      expect(outside.requests).toHaveLength(asked);
      clock.pass(1_500);
      expect((await ask('GET', me)).status).toBe(200);
    }
  });

  test('answers at once are bounded, and count until they have left', async () => {
    await restartWith({ inFlightMax: 1 });
    const held = new Promise<() => void>((resolve) => {
      outside.meets((_request, response) => resolve(() => void response.end('{"id":"i12345"}')));
    });
    const first = ask('GET', me);
    const release = await held;
    const { status, headers, body } = await ask('GET', me);
    expect([status, body['code'], headers.get('retry-after')]).toEqual([
      429,
      'intervals-busy',
      '5',
    ]);
    release();
    expect((await first).status).toBe(200);
    outside.meets(undefined);
    expect((await ask('GET', me)).status).toBe(200);
  });

  test('an address has so many tries', async () => {
    const codes = [];
    for (let tries = 0; tries < 61; tries++) codes.push((await codeOf(ask('GET', me)))[1]);
    expect(codes.indexOf('too-many-tries')).toBe(60);
    expect(outside.requests).toHaveLength(60);
  });

  test('of who has no key or too many tries no body is read', async () => {
    // It never comes to its end.
    const begun = async (authorization: string) => {
      const headers = {
        authorization,
        'content-type': 'application/json',
        'content-length': 1_000_000,
      };
      const asking = rawRequest(`${server.url}${me}/activities`, { method: 'POST', headers });
      asking.on('error', () => {});
      asking.write('{');
      const [answer] = (await once(asking, 'response')) as [IncomingMessage];
      asking.destroy();
      return answer.statusCode;
    };
    expect(await begun('Basic')).toBe(401);
    for (let tries = 0; tries < 60; tries++) await ask('GET', me, undefined, 'anothers');
    expect(await begun(basic(goodKey))).toBe(429);
  });
});

describe('INTERVALS.md', () => {
  const page = readFileSync(
    new URL('../../server/intervals/INTERVALS.md', import.meta.url),
    'utf8',
  );

  test('has every route and no other', () => {
    const documented = [...page.matchAll(/^\| `([A-Z]+ \/v1\/[^`]+)`/gm)].map(([, route = '']) =>
      route.replaceAll(/<(\w+)>/g, ':$1'),
    );
    const real = server.routes.filter((route) => route.includes(place));
    expect(real).toHaveLength(4);
    expect(documented.toSorted()).toEqual(real.toSorted());
  });

  test('has every code with its status and no other', () => {
    const documented = [...page.matchAll(/^\| (\d{3})[^|]*\| (.*) \|$/gm)].map(
      ([, status, code = '']) => `${status} ${code.replaceAll('`', '')}`,
    );
    const real = Object.entries(intervalsProblems).map(([code, [status]]) => `${status} ${code}`);
    expect(documented.toSorted()).toEqual(real.toSorted());
  });
});

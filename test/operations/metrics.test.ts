import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Client } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';

import { connect } from '../../client/connect.ts';
import { listenForMetrics } from '../../server/operations/metrics-listener.ts';
import { durationHistogram } from '../../server/telemetry/duration-histogram.ts';
import { prometheusText } from '../../server/telemetry/prometheus-text.ts';
import { startServer } from '../support/live-server.ts';
import { createSession } from '../support/raw-client.ts';
import { freePort } from '../support/services/free-port.ts';
import { tally } from '../support/tally.ts';
import { isSaved, when } from '../support/watching.ts';

async function measured(options: Parameters<typeof startServer>[0] = {}) {
  const port = await freePort();
  const metrics = { host: '127.0.0.1', firstPort: port, lastPort: port };
  const server = await startServer({ metrics, release: 'r"1\\', ...options });
  onTestFinished(() => server.stop());
  const scrape = async (): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return { server, port, scrape };
}

/** Values by name and labels, as they stand in the text. */
const valuesOf = (text: string): Record<string, number> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  );

async function riding(url: string) {
  const input = { bound: 1_000_000 };
  const session = await connect({ url, session: tally, input, WebSocket, random: () => 0.02 });
  onTestFinished(() => session.close());
  return session;
}

describe('what an instance tells Prometheus', () => {
  test('what riders do is counted, and what is not saved is seen', async () => {
    const { server, scrape } = await measured();
    const session = await riding(server.url);
    for (const amount of [1, 2, 3]) session.send('add', { amount });
    await when(session, isSaved);
    const after = valuesOf(await scrape());
    expect(after).toMatchObject({
      trackstand_sessions: 1,
      trackstand_sessions_unsaved: 0,
      trackstand_checkpoint_lag_seconds: 0,
      trackstand_connections: 1,
      trackstand_connections_welcomed_total: 1,
      trackstand_connections_unwelcomed_total: 0,
      trackstand_sessions_opened_total: 1,
      trackstand_sessions_rebuilt_total: 0,
      // The join, and three commands.
      trackstand_entries_accepted_total: 4,
      trackstand_entries_checkpointed_total: 4,
      'trackstand_store_circuit_open{store="postgres"}': 0,
      'trackstand_store_failures_total{store="redis"}': 0,
      'trackstand_phase{phase="ready"}': 1,
      'trackstand_phase{phase="draining"}': 0,
      'trackstand_http_requests_total{status="2xx"}': 1,
      trackstand_http_request_duration_seconds_count: 1,
      'trackstand_info{release="r\\"1\\\\"}': 1,
    });
    expect(after['process_resident_memory_bytes']).toBeGreaterThan(10_000_000);
  });

  test('an owner that is put out, a session begun anew and a store that does not answer are seen', async () => {
    const { server, scrape } = await measured({ withoutRedis: true });
    const session = await riding(server.url);
    session.send('add', { amount: 1 });
    await when(session, isSaved);
    const client = new Client({ connectionString: server.stores.postgres });
    await client.connect();
    await client.query(`update trackstand.sessions set owner_id = 'another'`);
    session.send('add', { amount: 2 });
    await when(session, isSaved);
    expect(valuesOf(await scrape())).toMatchObject({
      trackstand_sessions_fenced_total: 1,
      trackstand_sessions_opened_total: 2,
      'trackstand_connections_closed_total{code="4110"}': 1,
    });
    await client.query('alter table trackstand.session_log rename to session_log_away');
    session.send('add', { amount: 3 });
    await when(session, ({ status }) => status === 'reconnecting');
    const away = valuesOf(await scrape());
    expect(away['trackstand_store_failures_total{store="postgres"}']).toBeGreaterThan(0);
    await client.query('alter table trackstand.session_log_away rename to session_log');
    await client.end();
    await when(session, isSaved);
  });

  test('there are no more lines after fifty sessions and codes nobody knows than before', async () => {
    const { server, scrape } = await measured();
    const before = (await scrape()).split('\n').length;
    for (let count = 0; count < 50; count++) {
      const created = await createSession(server.url);
      const [place = ''] = created.resume_url.replace('http', 'ws').split('#');
      const socket = new WebSocket(place, ['trackstand.v1']);
      await once(socket, 'open');
      socket.close(count < 25 ? 3_000 + count : 1_000);
      await once(socket, 'close');
      await fetch(`${server.url}/v1/there-is-no-${count}`);
    }
    const text = await scrape();
    expect(text.split('\n')).toHaveLength(before);
    expect(text).not.toMatch(/session_id|client_id|127\.0\.0\.1/);
    expect(valuesOf(text)).toMatchObject({
      'trackstand_http_requests_total{status="2xx"}': 50,
      'trackstand_http_requests_total{status="4xx"}': 50,
      'trackstand_connections_closed_total{code="1000"}': 25,
      'trackstand_connections_closed_total{code="other"}': 25,
    });
  });

  test('who comes to resume and is not welcomed is counted; who only knocks is not', async () => {
    const { server, scrape } = await measured();
    const created = await createSession(server.url);
    const [place = ''] = created.resume_url.replace('http', 'ws').split('#');
    const opened = async (): Promise<WebSocket> => {
      const socket = new WebSocket(place, ['trackstand.v1']);
      await once(socket, 'open');
      return socket;
    };
    const knocks = await opened();
    knocks.close(1000);
    await once(knocks, 'close');
    const forbidden = await opened();
    forbidden.send(
      JSON.stringify({
        type: 'hello',
        token: 'wrong',
        incarnation: 'i'.repeat(22),
        kind: 'tally',
        version: 1,
      }),
    );
    const [code] = (await once(forbidden, 'close')) as [number];
    expect(code).toBeGreaterThanOrEqual(4000);
    const page = await riding(server.url);
    await when(page, isSaved);
    expect(valuesOf(await scrape())).toMatchObject({
      trackstand_connections_welcomed_total: 1,
      trackstand_connections_unwelcomed_total: 1,
    });
  });

  test('with accounts the line of passwords to be hashed is seen', async () => {
    const { server, scrape } = await measured({ withoutRedis: true });
    expect(await scrape()).not.toMatch(/^trackstand_hash/m);
    await server.stop();
    const hashing = {
      begins: () => Promise.resolve({ kind: 'nobody' as const }),
      ownerOf: () => Promise.resolve(undefined),
      hashing: () => ({ pendingCount: 7, hashMs: 250 }),
    };
    const other = await measured({ owners: () => Promise.resolve(hashing) });
    expect(valuesOf(await other.scrape())).toMatchObject({
      trackstand_hashes_pending: 7,
      trackstand_hash_seconds: 0.25,
    });
  });

  test('the text is what Prometheus takes', async (context) => {
    const { scrape } = await measured();
    if (spawnSync('promtool', ['--version']).error !== undefined)
      context.skip('promtool is not installed: apt-get install prometheus');
    const input = await scrape();
    expect(() =>
      execFileSync('promtool', ['check', 'metrics'], { input, stdio: 'pipe' }),
    ).not.toThrow();
  });
});

describe('the listener for metrics', () => {
  test('is another one than the service’s, and has nothing else', async () => {
    const { server, port } = await measured();
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
    for (const path of ['/', '/readyz', '/metrics/', '/metrics?a=b'])
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(404);
    const posted = await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST', body: 'x' });
    expect(posted.status).toBe(404);
  });

  test('takes the first free port, and when every one is taken the instance goes on without', async () => {
    const first = await listenForMetrics(
      { host: '127.0.0.1', firstPort: 0, lastPort: 0 },
      () => [],
    );
    onTestFinished(() => first?.close());
    const port = first?.port ?? 0;
    const address = { host: '127.0.0.1', firstPort: port, lastPort: port };
    expect(await listenForMetrics(address, () => [])).toBeUndefined();
    const { server } = await measured({ metrics: address });
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    expect(server.log.join('\n')).toContain('every port for metrics is taken');
  });

  test('an address that is not this machine’s stops the start', async () => {
    const metrics = { host: '192.0.2.1', firstPort: 9, lastPort: 9 };
    await expect(startServer({ metrics })).rejects.toThrow(/EADDRNOTAVAIL|EACCES/);
  });

  test('ports in a row are tried one after the other', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const listener = await listenForMetrics(
      { host: '127.0.0.1', firstPort: port, lastPort: port + 20 },
      () => [],
    );
    onTestFinished(() => listener?.close());
    expect(listener?.port).toBeGreaterThan(port);
  });
});

describe('the text of metrics', () => {
  test('a histogram counts what took up to its bounds, and everything', () => {
    const histogram = durationHistogram([10, 100]);
    for (const durationMs of [1, 10, 11, 5_000]) histogram.observe(durationMs);
    const samples = histogram.samples();
    const text = prometheusText([{ name: 'x_seconds', help: 'X.', type: 'histogram', samples }]);
    expect(text).toBe(
      [
        '# HELP x_seconds X.',
        '# TYPE x_seconds histogram',
        'x_seconds_bucket{le="0.01"} 2',
        'x_seconds_bucket{le="0.1"} 3',
        'x_seconds_bucket{le="+Inf"} 4',
        'x_seconds_sum 5.022',
        'x_seconds_count 4',
        '',
      ].join('\n'),
    );
  });
});

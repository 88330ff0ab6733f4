/** Rows of other ways: other proxies used with care, and the recipes people publish, with their nearest equivalents here. */
import { setTimeout as delay } from 'node:timers/promises';

import { startPair, untilHealthy, type Pair } from './instances.ts';
import {
  caddyConfig,
  haproxyConfig,
  isInstalled,
  nginxConfig,
  startProxy,
  type ConfigOf,
  type Kind,
  type Proxy,
} from './proxies.ts';
import type { Row } from './rows.ts';
import { underLoad } from './under-load.ts';

interface Way {
  readonly group: 'other-proxies' | 'others';
  readonly id: string;
  readonly what: string;
  readonly because: string;
  readonly kind: Kind;
  readonly config: (ports: readonly [number, number]) => ConfigOf;
  /** Of the server. A lame duck serves that long after it says that it is not ready. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Slots that run at the beginning; both, if absent. */
  readonly first?: 0;
  readonly act: (pair: Pair, proxy: Proxy) => Promise<void>;
}

const both: readonly (0 | 1)[] = [0, 1];
/** One after the other, as most scripts do it: end it, start it, wait until its health page says so. */
const inPlace =
  (end: 'leave' | 'kill', healthyMs: number) =>
  async (pair: Pair): Promise<void> => {
    for (const index of both) {
      await pair[end](index);
      await pair.start(index);
      await untilHealthy(pair.ports[index], healthyMs);
    }
    await delay(3_000);
  };
/** Start the other colour, wait, change over, end the former one. */
const flip =
  (change: (proxy: Proxy, ports: readonly [number, number]) => Promise<void>, healthyMs = 1_000) =>
  async (pair: Pair, proxy: Proxy): Promise<void> => {
    await pair.start(1);
    await untilHealthy(pair.ports[1], healthyMs);
    await change(proxy, pair.ports);
    await delay(500);
    await pair.leave(0);
    await delay(2_000);
  };
const one = (port: number): ConfigOf => nginxConfig(`server 127.0.0.1:${port};`);
const printed = ([a, b]: readonly [number, number]): ConfigOf =>
  nginxConfig(`ip_hash; server 127.0.0.1:${a}; server 127.0.0.1:${b};`);
const checked =
  (options: string) =>
  ([a, b]: readonly [number, number]): ConfigOf =>
    haproxyConfig([
      `server a 127.0.0.1:${a} check ${options}`,
      `server b 127.0.0.1:${b} check ${options}`,
    ]);
const lameDuck = (ms: number) => ({ DRAIN_NOTICE_MS: String(ms) });
const fromTutorial = (ports: readonly [number, number]): ConfigOf =>
  caddyConfig(
    ports,
    'lb_policy round_robin\nhealth_uri /readyz\nhealth_interval 5s\nhealth_timeout 2s\nhealth_status 200\nfail_duration 30s\nmax_fails 2\nunhealthy_status 5xx\ntransport http {\n dial_timeout 2s\n}',
  );
const healthGated = (ports: readonly [number, number]): ConfigOf =>
  caddyConfig(
    ports,
    'lb_policy round_robin\nhealth_uri /readyz\nhealth_interval 500ms\nhealth_timeout 500ms',
  );

const ways: readonly Way[] = [
  {
    group: 'other-proxies',
    id: 'haproxy',
    kind: 'haproxy',
    what: 'HAProxy: drained by its socket before an instance leaves',
    because: 'Sound for requests; clients are moved by the instance, and some of them twice.',
    config: checked('inter 500ms fall 2 rise 2'),
    act: async (pair, proxy) => {
      for (const index of both) {
        const name = `api/${index === 0 ? 'a' : 'b'}`;
        await proxy.tell(`set server ${name} state drain`);
        await pair.leave(index);
        await proxy.tell(`set server ${name} state maint`);
        await pair.start(index);
        await untilHealthy(pair.ports[index], 1_000);
        await proxy.tell(`set server ${name} state ready`);
        await delay(2_000);
      }
    },
  },
  {
    group: 'other-proxies',
    id: 'caddy',
    kind: 'caddy',
    what: 'Caddy: quick health checks, and an instance that serves on for 2 s when it leaves',
    because: 'Sound when its time to notice is shorter than that.',
    config: healthGated,
    settings: lameDuck(2_000),
    act: inPlace('leave', 2_000),
  },
  {
    group: 'others',
    id: 'wattlog',
    kind: 'nginx',
    what: 'Wattlog’s recipe as printed: two containers restarted one after the other behind ip_hash',
    because: 'nginx remembers for 10 s that the first one was away, and then the second one is.',
    config: printed,
    act: inPlace('kill', 0),
  },
  {
    group: 'others',
    id: 'wattlog-drained',
    kind: 'nginx',
    what: 'the same with instances that drain',
    because: 'The memory is the same.',
    config: printed,
    act: inPlace('leave', 0),
  },
  {
    group: 'others',
    id: 'e1',
    kind: 'nginx',
    first: 0,
    what: 'trip2g E1, nearest equivalent: nginx routes to a new instance as soon as it is started',
    because: 'Half of everything meets the one that warms up. (There: Nomad and Traefik.)',
    config: ([a]) => one(a),
    act: async (pair, proxy) => {
      const [a, b] = pair.ports;
      const started = pair.start(1);
      await proxy.reload(
        nginxConfig(
          `server 127.0.0.1:${a} max_fails=0; server 127.0.0.1:${b} max_fails=0;`,
          'proxy_next_upstream off;',
        ),
      );
      await started;
      await proxy.reload(one(b));
      await pair.leave(0);
      await delay(2_000);
    },
  },
  {
    group: 'others',
    id: 'e2',
    kind: 'haproxy',
    first: 0,
    what: 'trip2g E2, nearest equivalent: HAProxy counts a server as up until its first check',
    because: 'A window of one check at each end. (There: Traefik with a check of its own.)',
    config: checked('inter 2s fall 3 rise 2'),
    act: async (pair, proxy) => {
      await proxy.tell('set server api/b state maint');
      await delay(500);
      const started = pair.start(1);
      await proxy.tell('set server api/b state ready');
      await started;
      await untilHealthy(pair.ports[1], 3_000);
      await pair.leave(0);
      await delay(2_000);
    },
  },
  {
    group: 'others',
    id: 'e3',
    kind: 'nginx',
    first: 0,
    what: 'trip2g E3, nearest equivalent: a file with the new address and a reload',
    because:
      'Nothing with a round trip of 0 ms; idle kept connections are reset over a real network. (There: Traefik’s file provider.)',
    config: ([a]) => one(a),
    act: flip((proxy, [, b]) => proxy.reload(one(b))),
  },
  {
    group: 'others',
    id: 'e4',
    kind: 'haproxy',
    what: 'trip2g E4, nearest equivalent: health checks that take longer to notice than an instance serves on',
    because: 'Routed to one that is gone. (There: Consul’s catalogue.)',
    config: checked('inter 2s fall 3 rise 2'),
    settings: lameDuck(1_500),
    act: inPlace('leave', 5_000),
  },
  {
    group: 'others',
    id: 'e4b',
    kind: 'haproxy',
    what: 'trip2g E4b, nearest equivalent: the listener is closed first, and then the instance waits',
    because: 'The window gets longer. (There: shutdown_delay.)',
    config: checked('inter 2s fall 3 rise 2'),
    act: inPlace('kill', 5_000),
  },
  {
    group: 'others',
    id: 'e4d',
    kind: 'haproxy',
    what: 'trip2g E4d, nearest equivalent: an instance that serves on for longer than the window',
    because: 'Sound for requests.',
    config: checked('inter 1s fall 2 rise 2'),
    settings: lameDuck(4_000),
    act: inPlace('leave', 3_000),
  },
  {
    group: 'others',
    id: 'e5',
    kind: 'caddy',
    what: 'trip2g E5: Caddy with health checks, the new colour beside the old one',
    because: 'Sound.',
    config: healthGated,
    settings: lameDuck(2_000),
    first: 0,
    act: flip(async () => {}, 2_000),
  },
  {
    group: 'others',
    id: 'pydist',
    kind: 'nginx',
    first: 0,
    what: 'PyDist’s swap: two configurations, and a reload',
    because: 'As E3; old workers stay as long as somebody holds a WebSocket.',
    config: ([a]) => one(a),
    act: flip((proxy, [, b]) => proxy.reload(one(b))),
  },
  {
    group: 'others',
    id: 'heroctl',
    kind: 'caddy',
    what: 'HeroCtl’s script and Caddyfile: stopped in order, healthy for 10 s, then the next',
    because: 'Caddy looks every 5 s, and is told of a departure by errors only.',
    config: fromTutorial,
    act: inPlace('leave', 10_000),
  },
  {
    group: 'others',
    id: 'heroctl-hard',
    kind: 'caddy',
    what: 'the same with instances that are killed',
    because: 'It remembers 30 s, and the script goes on after 10.',
    config: fromTutorial,
    act: inPlace('kill', 10_000),
  },
];

export const otherRows: readonly Row[] = ways.map((way) => ({
  ...way,
  isClean: false,
  run: async (bench) => {
    if (!(await isInstalled(way.kind))) return `${way.kind} is not installed`;
    const pair = await startPair({
      serverFile: bench.serverFile,
      ...(await bench.stores()),
      ...(way.settings === undefined ? {} : { settings: way.settings }),
    });
    const proxy = await startProxy(way.kind, way.config(pair.ports));
    try {
      if (way.first === 0) await pair.kill(1);
      // Until the proxy has noticed what there is.
      await delay(way.kind === 'nginx' ? 500 : 4_000);
      return await underLoad(proxy.url, bench.use, () => way.act(pair, proxy));
    } finally {
      await proxy.stop();
      await pair.stop();
    }
  },
}));

/** How others deploy: the proxies they use, the steps they take, and one such way under load. */
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
import { startRelay } from './relay.ts';
import type { Bench, Row, RowNoticed } from './rows.ts';
import { underLoad } from './under-load.ts';

export interface Way extends Omit<Row, 'run'> {
  readonly kind: Kind;
  readonly config: (ports: readonly [number, number]) => ConfigOf;
  /** Of the server. A lame duck serves that long after it says that it is not ready. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Slots that run at the beginning; both, if absent. */
  readonly first?: 0;
  /** Milliseconds that everything to and from the proxy takes, each way. */
  readonly farMs?: number;
  readonly act: (pair: Pair, proxy: Proxy) => Promise<void>;
}

export const both: readonly (0 | 1)[] = [0, 1];
/** One after the other, as most scripts do it: end it, start it, wait until its health page says so. */
export const inPlace =
  (end: 'leave' | 'kill', healthyMs: number) =>
  async (pair: Pair): Promise<void> => {
    for (const index of both) {
      await pair[end](index);
      await pair.start(index);
      await untilHealthy(pair.ports[index], healthyMs);
    }
    await delay(3_000);
  };
/** Start the other colour, wait, change over, end the former one, and look on. */
export const flip =
  ({
    change = async () => {},
    healthyMs = 1_000,
    end = 'leave',
    afterMs = 2_000,
  }: {
    change?: (proxy: Proxy, ports: readonly [number, number]) => Promise<void>;
    healthyMs?: number;
    end?: 'leave' | 'kill';
    afterMs?: number;
  } = {}) =>
  async (pair: Pair, proxy: Proxy): Promise<void> => {
    await pair.start(1);
    await untilHealthy(pair.ports[1], healthyMs);
    await change(proxy, pair.ports);
    await delay(500);
    await pair[end](0);
    await delay(afterMs);
  };
export const one = (port: number): ConfigOf => nginxConfig(`server 127.0.0.1:${port};`);
export const printed = ([a, b]: readonly [number, number]): ConfigOf =>
  nginxConfig(`ip_hash; server 127.0.0.1:${a}; server 127.0.0.1:${b};`);
export const tried =
  (options: string, more: string) =>
  ([a, b]: readonly [number, number]): ConfigOf =>
    nginxConfig(`server 127.0.0.1:${a} ${options}; server 127.0.0.1:${b} ${options};`, more);
export const checked =
  (options: string, retry = { retry: false }) =>
  ([a, b]: readonly [number, number]): ConfigOf =>
    haproxyConfig(
      [`server a 127.0.0.1:${a} check ${options}`, `server b 127.0.0.1:${b} check ${options}`],
      retry,
    );
export const lameDuck = (ms: number) => ({ DRAIN_NOTICE_MS: String(ms) });
export const fromTutorial = (ports: readonly [number, number]): ConfigOf =>
  caddyConfig(
    ports,
    'lb_policy round_robin\nhealth_uri /readyz\nhealth_interval 5s\nhealth_timeout 2s\nhealth_status 200\nfail_duration 30s\nmax_fails 2\nunhealthy_status 5xx\ntransport http {\n dial_timeout 2s\n}',
  );
export const healthGated = (ports: readonly [number, number]): ConfigOf =>
  caddyConfig(
    ports,
    'lb_policy round_robin\nhealth_uri /readyz\nhealth_interval 500ms\nhealth_timeout 5s',
  );

export async function runWay(way: Way, bench: Bench): Promise<RowNoticed | string> {
  if (!(await isInstalled(way.kind))) return `${way.kind} is not installed`;
  const stores = await bench.stores();
  const pair = await startPair({
    serverFile: bench.serverFile,
    ...stores,
    ...(way.settings === undefined ? {} : { settings: way.settings }),
  });
  const proxy = await startProxy(way.kind, way.config(pair.ports));
  const relay = way.farMs === undefined ? undefined : await startRelay(proxy.url, way.farMs);
  try {
    if (way.first === 0) await pair.kill(1);
    // Until the proxy has noticed what there is.
    await delay(way.kind === 'nginx' ? 500 : 4_000);
    const use = { ...bench.use, slowPerS: 5, postgres: stores.postgres };
    return await underLoad(relay?.url ?? proxy.url, use, () => way.act(pair, proxy));
  } finally {
    await relay?.stop();
    await proxy.stop();
    await pair.stop();
  }
}

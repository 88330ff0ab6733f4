/** Rows of other ways: other proxies used with care, and the recipes people publish, with their nearest equivalents here. */
import { setTimeout as delay } from 'node:timers/promises';

import { fails, failsOnly, hardlyAnyFails, noRequestFails, onlySeen } from './expectations.ts';
import { untilHealthy } from './instances.ts';
import { nginxConfig } from './proxies.ts';
import type { Row } from './rows.ts';
import {
  both,
  checked,
  flip,
  fromTutorial,
  healthGated,
  inPlace,
  lameDuck,
  one,
  printed,
  runWay,
  tried,
  type Way,
} from './ways.ts';

const ways: readonly Way[] = [
  {
    group: 'taken-away',
    id: 'no-links',
    kind: 'nginx',
    what: 'No links to move: restarted in place behind nginx, which tries a refusal (503) elsewhere',
    because: 'Upgrades and GETs are saved by that; a POST is not sent twice.',
    expects: failsOnly('POSTs fail with 503 or 502, and nothing else', /^50[23] of post$/),
    config: tried('max_fails=0', 'proxy_next_upstream error timeout http_503;'),
    act: inPlace('leave', 0),
  },
  {
    group: 'taken-away',
    id: 'no-links-memory',
    isAlone: true,
    kind: 'nginx',
    what: 'No links, and without max_fails=0',
    because: 'A refusal counts as a failure, remembered for 10 s: in the end by both.',
    expects: fails('GETs fail with 502', /^502 of get/),
    config: tried('', 'proxy_next_upstream error timeout http_503;'),
    act: inPlace('leave', 0),
  },
  {
    group: 'taken-away',
    id: 'no-links-no-503',
    kind: 'nginx',
    what: 'No links, and without http_503 among what is tried elsewhere',
    because: 'Upgrades are refused too.',
    expects: fails('upgrades fail with 503', /503 of upgrade$/),
    config: tried('max_fails=0', ''),
    act: inPlace('leave', 0),
  },
  {
    group: 'other-proxies',
    id: 'haproxy',
    isAlone: true,
    kind: 'haproxy',
    what: 'HAProxy: drained by its socket before an instance leaves',
    because: 'Sound for requests; clients are moved by the instance, and some of them twice.',
    expects: noRequestFails,
    config: checked('inter 500ms fall 2 rise 2', { retry: true }),
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
    isAlone: true,
    kind: 'caddy',
    what: 'Caddy: looks every 0.5 s, and an instance serves on for 5 s when it leaves',
    because: 'Sound while its time to notice is shorter than that.',
    expects: hardlyAnyFails,
    config: healthGated,
    settings: lameDuck(5_000),
    act: inPlace('leave', 4_000),
  },
  {
    group: 'others',
    id: 'wattlog',
    isAlone: true,
    kind: 'nginx',
    what: 'Wattlog’s recipe as printed: two instances restarted one after the other behind ip_hash',
    because: 'nginx remembers for 10 s that the first one was away, and then the second one is.',
    expects: fails('GETs fail with 502', /^502 of get/),
    config: printed,
    act: inPlace('kill', 0),
  },
  {
    group: 'others',
    id: 'wattlog-drained',
    kind: 'nginx',
    what: 'Wattlog’s recipe with instances that drain',
    because: 'ip_hash sends everybody to one, and goes on doing so while that one refuses.',
    expects: fails('POSTs or upgrades fail with 503', /503 of (post|upgrade)$/),
    config: printed,
    act: inPlace('leave', 0),
  },
  {
    group: 'others',
    id: 'e1',
    kind: 'nginx',
    first: 0,
    what: 'trip2g’s E1, nearest equivalent: nginx routes to a new instance as soon as it is started',
    because: 'Half of everything meets the one that warms up. (There: Nomad and Traefik, 23 %.)',
    expects: fails('GETs fail with 502', /^502 of get/),
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
    what: 'trip2g’s E2, nearest equivalent: HAProxy counts a server as up until its first check',
    because: 'A window of one check at each end. (There: Traefik with a check of its own, 2.4 %.)',
    expects: fails('GETs fail with 502 or 503', /^50[23] of get/),
    config: checked('inter 1s fall 1 rise 1'),
    act: async (pair, proxy) => {
      await proxy.tell('set server api/b state maint');
      await delay(500);
      const started = pair.start(1);
      await proxy.tell('set server api/b state ready');
      await started;
      await untilHealthy(pair.ports[1], 3_000);
      await pair.kill(0);
      await delay(3_000);
    },
  },
  {
    group: 'others',
    id: 'e3',
    kind: 'nginx',
    first: 0,
    what: 'trip2g’s E3, nearest equivalent: a file with the new address and a reload',
    because:
      'nginx has no moment without an upstream, as Traefik’s file provider has (there 5 %); what it has is in pydist-far.',
    expects: onlySeen('how long nginx takes to read the new file is up to the machine'),
    config: ([a]) => one(a),
    act: flip({ change: (proxy, [, b]) => proxy.reload(one(b)) }),
  },
  {
    group: 'others',
    id: 'e4',
    kind: 'haproxy',
    what: 'trip2g’s E4, nearest equivalent: a new one is routed to when its check passes, an old one is ended and then noticed',
    because: 'No warm-up is seen any more, but the end is. (There: Consul’s catalogue, 2.3 %.)',
    expects: fails('GETs fail with 502 or 503', /^50[23] of get/),
    config: checked('inter 2s fall 1 rise 1'),
    first: 0,
    act: flip({ healthyMs: 3_000, end: 'kill', afterMs: 5_000 }),
  },
  {
    group: 'others',
    id: 'e4b',
    kind: 'haproxy',
    what: 'trip2g’s E4b, nearest equivalent: taken off the list and ended, with a list that is read again after 6 s',
    because: 'The window gets longer. (There: shutdown_delay, 8.9 %.)',
    expects: fails('GETs fail with 502 or 503', /^50[23] of get/),
    config: checked('inter 2s fall 3 rise 1'),
    first: 0,
    act: flip({ healthyMs: 3_000, end: 'kill', afterMs: 8_000 }),
  },
  {
    group: 'others',
    id: 'e4c',
    kind: 'haproxy',
    what: 'trip2g’s E4c, nearest equivalent: E4 with a check twice as often',
    because: 'A shorter window is still one. (There: 1.9 %.)',
    expects: fails('GETs fail with 502 or 503', /^50[23] of get/),
    config: checked('inter 1s fall 1 rise 1'),
    first: 0,
    act: flip({ healthyMs: 3_000, end: 'kill', afterMs: 5_000 }),
  },
  {
    group: 'others',
    id: 'e4d',
    kind: 'haproxy',
    what: 'trip2g’s E4d, nearest equivalent: an instance that serves on, for less time than it takes to notice',
    because: 'Rarer, not gone. (There: 5 s against 15 s, 1.4 %.)',
    expects: fails('something fails with 503', /503 of /),
    config: checked('inter 2s fall 3 rise 1'),
    first: 0,
    settings: lameDuck(2_000),
    act: flip({ healthyMs: 3_000, afterMs: 6_000 }),
  },
  {
    group: 'others',
    id: 'e5',
    isAlone: true,
    kind: 'caddy',
    what: 'trip2g’s E5: Caddy with health checks, the new colour beside the old one',
    because: 'Sound. (There: 0 of 9000.)',
    expects: hardlyAnyFails,
    config: healthGated,
    settings: lameDuck(5_000),
    first: 0,
    act: flip({ healthyMs: 4_000 }),
  },
  {
    group: 'others',
    id: 'e7',
    isAlone: true,
    kind: 'haproxy',
    what: 'trip2g’s E7, nearest equivalent: checks every second, a retry, and an instance that serves on for longer than the window',
    because: 'Sound. (There: 0 of 11000 and 0 of 12500 reads.)',
    expects: noRequestFails,
    config: checked('inter 1s fall 2 rise 2', { retry: true }),
    first: 0,
    settings: lameDuck(6_000),
    act: flip({ healthyMs: 5_000 }),
  },
  {
    group: 'others',
    id: 'pydist',
    kind: 'nginx',
    first: 0,
    what: 'PyDist’s swap: two configurations, and a reload',
    because: 'Nothing, when nobody is far away.',
    expects: onlySeen('nearby, a reload meets a request on its way by chance'),
    config: ([a]) => one(a),
    act: flip({ change: (proxy, [, b]) => proxy.reload(one(b)) }),
  },
  {
    group: 'others',
    id: 'pydist-far',
    kind: 'nginx',
    what: 'PyDist’s reload 20 times, for clients 40 ms away',
    because:
      'A reload closes kept connections, and meets requests that are on their way. Old workers stay as long as somebody holds a WebSocket.',
    expects: fails(
      'requests on kept connections are reset',
      /^(ECONNRESET|socket hang up) of (get-kept|post)$/,
    ),
    config: ([a]) => one(a),
    farMs: 20,
    act: async ({ ports }, proxy) => {
      for (let count = 1; count <= 20; count++) {
        await proxy.reload(one(ports[count % 2 === 0 ? 0 : 1]));
        await delay(500);
      }
    },
  },
  {
    group: 'others',
    id: 'heroctl',
    kind: 'caddy',
    what: 'HeroCtl’s script and Caddyfile: serves on for 5 s when stopped, healthy for 10 s, then the next',
    because: 'Caddy looks every 5 s: it may notice in time, or not.',
    expects: onlySeen('Caddy looks every 5 s, and 5 s is what it has'),
    config: fromTutorial,
    settings: lameDuck(5_000),
    act: inPlace('leave', 10_000),
  },
  {
    group: 'others',
    id: 'heroctl-hard',
    kind: 'caddy',
    what: 'HeroCtl’s script with instances that are killed',
    because: 'It remembers 30 s, and the script goes on after 10.',
    expects: fails('GETs fail with 502 or 503', /^50[23] of get/),
    config: fromTutorial,
    act: inPlace('kill', 10_000),
  },
];

export const otherRows: readonly Row[] = ways.map((way) => ({
  ...way,
  run: (bench) => runWay(way, bench),
}));

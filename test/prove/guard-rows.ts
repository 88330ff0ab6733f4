/** Rows of this deploy kit with single guards taken away, which show what each of them prevents. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import { Client } from 'pg';
import { WebSocket } from 'ws';

import { defaultLimits } from '../../shared/protocol/limits.ts';
import { subprotocols } from '../../shared/protocol/version.ts';
import type { DeployHost } from '../support/deploy-host.ts';
import {
  and,
  everyoneWaits,
  nobodyWaits,
  fails,
  failsOnly,
  nothingIsNoticed,
  eachMovesOnce,
  someWait,
} from './expectations.ts';
import { rollbackTimed, type Act, type Came, type Without } from './own-bench.ts';
import { asRow, killInstance, rolling, type Plan } from './own-rows.ts';
import { failedCount, type Row, type RowNoticed } from './rows.ts';
import { slowPage } from './slow-page.ts';

const noRetry = (text: string): string =>
  text.replaceAll(/proxy_next_upstream [^;]*;/g, 'proxy_next_upstream off;');

const twoTries = (text: string): string =>
  text.replaceAll(/proxy_next_upstream [^;]*;/g, '$& proxy_next_upstream_tries 2;');

/** A release that is warm only 3 s after its routes lead to it, however long the machine took to lead them there. */
const warmsUp = `
  const { readlinkSync } = await import('node:fs');
  const { basename, dirname, join } = await import('node:path');
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const own = process.env.LISTEN.replace('unix:', '');
  const targetOf = (route) => {
    try {
      return readlinkSync(join(dirname(own), route + '.sock'));
    } catch {
      return undefined;
    }
  };
  while (!['v00', 'v10'].some((route) => targetOf(route) === basename(own))) await pause(50);
  await pause(3_000);`;

/** The same, but its socket is there from the beginning and answers that it is not ready. */
const listensEarly = `
  const { createServer } = await import('node:http');
  const early = createServer((request, response) => request.resume().once('end', () => response.writeHead(503).end()));
  await new Promise((resolve) => early.listen(process.env.LISTEN.replace('unix:', ''), resolve));
  ${warmsUp}`;

/** It leaves, slowly, while its routes still lead to it. */
const leaveWhileRouted = async (host: DeployHost): Promise<Came> => {
  await host.driver('stop', 'a.r1', '25');
  await delay(1_000);
  return {};
};
const slowLeave: Without = { instanceSettings: { DRAIN_MOVES_PER_S: 4, DRAIN_GRACE_MS: 3_000 } };

const twoAtOnce: Act = async (host) => {
  await host.release('r3', slowPage);
  const came = await Promise.all(['r2', 'r3'].map((release) => host.rolling('deploy', release)));
  const serving = (await host.routed()).join(' and ');
  return {
    exitCodes: came.map(({ code }) => code),
    isMixed: serving.includes('r2') && serving.includes('r3'),
    said: came.map(({ said }) => said).join('\n'),
    note: `They ended with exit ${came.map(({ code }) => code).join(' and ')}, and what serves is ${serving}.`,
  };
};
/** Whom the lock or the journal sends away has done no harm, and seen none. */
const wasSentAway = (code: number | null): boolean => code === 75 || code === 70;
/** A release that came to harm on its way, though nothing is wrong with it. */
const cameToHarm = (code: number | null): boolean => code !== null && code >= 20 && code <= 32;
/** Begun, and ended when the other one's journal was there in the place of its own. */
const lostItsJournal = ({ exitCodes = [], said = '' }: RowNoticed): boolean =>
  exitCodes.includes(10) && said.includes('The journal cannot be written');

/** What a migration that was let through would do at the start of its release, while the former one serves. */
const renameUnderway: Act = async (_host, { postgres }) => {
  const client = new Client({ connectionString: postgres });
  await client.connect();
  try {
    await client.query('alter table trackstand.sessions rename column kind to sort');
    await delay(3_000);
    await client.query('alter table trackstand.sessions rename column sort to kind');
  } finally {
    await client.end();
  }
  await delay(2_000);
  return {};
};

/** One client sends a frame that is too long, which `ws` tells as an error of the socket. */
const sendTooMuch: Act = async (host) => {
  const id = 'x'.repeat(22);
  const url = `${host.url.replace('http', 'ws')}/v1/sessions/${id}/clients/${id}`;
  const socket = new WebSocket(url, [...subprotocols]);
  socket.on('error', () => {});
  await once(socket, 'open');
  socket.send('x'.repeat(defaultLimits.frame_bytes_max + 1));
  await once(socket, 'close');
  await delay(4_000);
  return {};
};

async function deployAndWait(host: DeployHost, release: string, ms: number): Promise<Came> {
  const came = await rolling('deploy', release)(host);
  await delay(ms);
  return came;
}

export const guardPlans: readonly Plan[] = [
  {
    group: 'taken-away',
    id: 'no-slo',
    what: 'A release that answers 2 % with errors, not judged',
    because: 'It gets both slots and serves everybody.',
    expects: and(fails('GETs fail with 500', /^500 of get/), {
      says: 'the deploy says that all is well (exit 0)',
      holds: ({ exitCode }) => exitCode === 0,
    }),
    without: { blind: ['soak'] },
    act: (host) => deployAndWait(host, 'errs', 5_000),
  },
  {
    group: 'taken-away',
    id: 'no-gate',
    what: 'A release that is routed 3 s before it is ready, and no retry',
    because: 'Its routes lead to nothing until it listens.',
    expects: fails('GETs fail with 502', /^502 of get/),
    without: {
      blind: ['await-ready', 'try-out', 'verify', 'hand-over', 'soak'],
      editProxy: noRetry,
      showsShipped: true,
      beforeNext: warmsUp,
    },
    act: rolling('deploy', 'r2'),
  },
  {
    group: 'taken-away',
    id: 'early-listen',
    what: 'The same with the retry, but it listens before it is warm',
    because:
      'What refuses a connection is passed over; who answers 503 has had the POST, and it is not sent twice.',
    expects: fails('POSTs fail with 503', /^503 of post$/),
    without: {
      blind: ['await-ready', 'try-out', 'verify', 'hand-over', 'soak'],
      beforeNext: listensEarly,
      editServer: {
        from: 'if (await isServed(path)) throw new Error(`Another process listens on ${path}.`);',
        to: '',
      },
    },
    act: rolling('deploy', 'r2'),
  },
  {
    group: 'taken-away',
    id: 'no-retry',
    what: '`kill -9` of an instance, and no retry',
    because: 'Its routes fail until it is back.',
    expects: fails('GETs fail with 502', /^502 of get/),
    without: { editProxy: noRetry, showsShipped: true },
    act: killInstance,
  },
  {
    group: 'taken-away',
    id: 'two-tries',
    what: '`kill -9` of an instance, and two tries in place of any number',
    because: 'Both tries meet what is gone.',
    expects: fails('GETs fail with 502', /^502 of get/),
    without: { editProxy: twoTries, showsShipped: true },
    act: killInstance,
  },
  {
    group: 'taken-away',
    id: 'leave-first',
    what: 'An instance that leaves before its routes lead elsewhere',
    because: 'It refuses what is new; a GET and an upgrade are tried elsewhere, a POST is not.',
    expects: and(failsOnly('POSTs fail with 503, and nothing else', /^503 of post$/), nobodyWaits),
    without: slowLeave,
    act: leaveWhileRouted,
  },
  {
    group: 'taken-away',
    id: 'takes-back',
    what: 'The same, and it goes on taking upgrades while it leaves',
    because: 'Clients come back to what is about to go, and are cut off in the end.',
    expects: someWait,
    without: {
      ...slowLeave,
      editServer: {
        from: 'refusal: (reply) => isDraining() ? sendProblem(reply, "draining") : void 0',
        to: 'refusal: () => void 0',
      },
    },
    act: leaveWhileRouted,
  },
  {
    group: 'taken-away',
    id: 'no-linger',
    what: 'No pause between leading routes elsewhere and asking clients to move',
    because:
      'Nothing is seen of it at this load: an instance that hands over goes on serving, and what was on its way to it is answered. The pause costs 0.2 s and stays.',
    expects: eachMovesOnce,
    without: { editDeploy: { from: '  sleep 0.2\n', to: '' } },
    act: rolling('deploy', 'r2'),
  },
  {
    group: 'taken-away',
    id: 'close-first',
    isAlone: true,
    what: 'Clients that close the old connection before they open the new one',
    because:
      'Each is away for the time of a reconnect, as with any service that asks its clients to come back.',
    expects: everyoneWaits,
    without: { closesFirst: true },
    act: rolling('deploy', 'r2'),
  },
  {
    group: 'taken-away',
    id: 'no-drain',
    what: 'Instances that end at SIGTERM, without a hand-over',
    because: 'Every connection is cut, and comes back.',
    expects: someWait,
    without: {
      blind: ['hand-over'],
      before: `process.once('SIGTERM', () => process.exit(0));`,
    },
    act: rolling('deploy', 'r2'),
  },
  {
    group: 'taken-away',
    id: 'no-rate',
    what: '200 clients asked to move at once',
    because: 'The other slot meets all of a slot in the same moment, in place of 10 in 0.1 s.',
    expects: { says: 'more than 40 move in 0.1 s', holds: ({ peak }) => peak > 40 },
    without: { instanceSettings: { DRAIN_MOVES_PER_S: 10_000 }, sessions: 200 },
    act: rolling('deploy', 'r2'),
  },
  {
    group: 'taken-away',
    id: 'no-min-healthy',
    what: 'No minimum healthy time, and nothing that looks at it later, a release that ends 15 s after it was ready',
    because: 'One look gives it users, who lose their connection with it.',
    expects: someWait,
    without: {
      blind: ['try-out', 'verify', 'hand-over', 'soak'],
      settings: { HEALTHY_S: 0, SOAK_S: 0 },
    },
    act: (host) => deployAndWait(host, 'ends', 16_000),
  },
  {
    group: 'taken-away',
    id: 'no-warm',
    isAlone: true,
    what: 'Rollback to a release that was not kept warm',
    because: 'It must start first; nobody notices that either.',
    expects: nothingIsNoticed,
    act: async (host) => {
      const there = await rolling('deploy', 'r2')(host);
      return there.exitCode === 0 ? rollbackTimed(host, 'r1') : there;
    },
  },
  {
    group: 'taken-away',
    id: 'no-lock',
    what: 'Two deploys at once, and no lock',
    because: 'Each takes away what the other one built.',
    expects: {
      says: 'both begin, and both say that theirs serves, one of them fails, two releases serve, a request fails or somebody is without a connection',
      holds: (noticed) => {
        const { exitCodes = [], isMixed, gapsMs } = noticed;
        return (
          !exitCodes.some(wasSentAway) &&
          // Only one of them can be right.
          ((exitCodes.length > 1 && exitCodes.every((code) => code === 0)) ||
            isMixed === true ||
            gapsMs.length > 0 ||
            failedCount(noticed) > 0 ||
            exitCodes.some(cameToHarm) ||
            lostItsJournal(noticed))
        );
      },
    },
    without: {
      editDeploy: {
        from: 'if ! flock -n 9 || ! flock -n "$STATE_DIR/acting" true 9>&-; then',
        to: 'if false; then',
      },
    },
    act: twoAtOnce,
  },
  {
    group: 'taken-away',
    id: 'rename-underway',
    what: 'A column renamed for 3 s under the release that uses it, as a migration without the gate would do for good',
    because: 'Nobody can begin meanwhile; who rides on loses nothing.',
    expects: fails('POSTs fail with 500 or 503', /^50[03] of post$/),
    act: renameUnderway,
  },
  {
    group: 'taken-away',
    id: 'no-error-listener',
    what: 'No listener for the errors of a WebSocket, and one client that sends a frame too long',
    because: 'The error ends the process, and with it every connection it had.',
    expects: someWait,
    without: {
      editServer: {
        from: 'socket.on("error", (error) => reportSocketError(error, socket, app.log));',
        to: '',
      },
    },
    act: sendTooMuch,
  },
];

export const guardRows: readonly Row[] = guardPlans.map(asRow);

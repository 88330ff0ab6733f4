/** Rows of this deploy kit, whole and with single guards taken away. */
import { setTimeout as delay } from 'node:timers/promises';

import type { DeployHost } from '../support/deploy-host.ts';
import { canarySettings, onHost, rollbackTimed, type Came, type Without } from './own-bench.ts';
import {
  eachMovesOnce,
  gapsAreSeen,
  nothingIsNoticed,
  onlyWhatWasUnderWayFails,
  requestsFail,
  type Row,
} from './rows.ts';

const rolling =
  (...words: readonly string[]) =>
  async (host: DeployHost): Promise<Came> => {
    const { code, said } = await host.rolling(...words);
    return { exitCode: code, said };
  };

/** The instance, not its keeper, which starts it again. */
const killInstance = async (host: DeployHost): Promise<Came> => {
  const { stdout } = await host.driver('alive', 'a.r1');
  await delay(1_000);
  process.kill(Number(stdout.split('/')[0]), 'SIGKILL');
  await delay(4_000);
  return {};
};

const noRetry = (text: string): string =>
  text.replaceAll(/proxy_next_upstream [^;]*;/g, 'proxy_next_upstream off;');

const twoTries = (text: string): string =>
  text.replaceAll(/proxy_next_upstream [^;]*;/g, '$& proxy_next_upstream_tries 2;');

async function deployAndWait(host: DeployHost, release: string, ms: number): Promise<Came> {
  const came = await rolling('deploy', release)(host);
  await delay(ms);
  return came;
}

interface Plan extends Omit<Row, 'run'> {
  readonly without?: Without;
  readonly act: (host: DeployHost) => Promise<Came>;
}

const plans: readonly Plan[] = [
  {
    group: 'ours',
    id: 'deploy',
    what: 'deploy, slot after slot',
    because: 'Nobody notices; each client moves once.',
    expects: eachMovesOnce,
    act: rolling('deploy', 'r2'),
  },
  {
    group: 'ours',
    id: 'canary',
    what: 'canary 5, 25, 50, 100 % and promotion',
    because: 'Those whose routes become the twin’s move once more.',
    expects: nothingIsNoticed,
    without: { settings: canarySettings },
    act: rolling('canary', 'r2'),
  },
  {
    group: 'ours',
    id: 'rollback',
    what: 'switch, and rollback to the warm release',
    because: 'There and back is two moves.',
    expects: nothingIsNoticed,
    act: async (host) => {
      const there = await rolling('switch', 'r2')(host);
      return there.exitCode === 0 ? rollbackTimed(host, 'r1') : there;
    },
  },
  {
    group: 'ours',
    id: 'abort',
    what: 'a canary that is killed (-9) at 50 %, and aborted',
    because: 'Those who had moved move back.',
    expects: nothingIsNoticed,
    without: { settings: canarySettings },
    act: async (host) => {
      const wasKilled = await host.killedAt('canary:50', 'canary', 'r2');
      const { code, said } = await host.rolling('abort');
      return { exitCode: wasKilled ? code : -1, said };
    },
  },
  {
    group: 'ours',
    id: 'slo',
    what: 'a release with 2 % errors, taken back by itself',
    because: 'What failed until then is its own; it never got the second slot.',
    expects: (noticed) =>
      noticed.exitCode === 30 &&
      !gapsAreSeen(noticed) &&
      Object.keys(noticed.failed).every((fault) => fault.includes('500')),
    without: { settings: { SOAK_S: 20 } },
    act: rolling('deploy', 'errs'),
  },
  {
    group: 'ours',
    id: 'kill',
    what: 'kill -9 of an instance',
    because: 'Nothing is lost; a POST under way may fail, and its clients reconnect.',
    expects: onlyWhatWasUnderWayFails,
    act: killInstance,
  },
  {
    group: 'ours',
    id: 'stop-first',
    what: 'deploy without memory for one instance more',
    because: 'Those of the first slot move twice.',
    expects: nothingIsNoticed,
    act: rolling('deploy', 'r2', '--strategy', 'stop-first'),
  },
  {
    group: 'ours',
    id: 'flags',
    what: 'deploy with routes by files',
    because: 'As by links.',
    expects: eachMovesOnce,
    without: { isByFlags: true },
    act: rolling('deploy', 'r2'),
  },
  {
    group: 'taken-away',
    id: 'no-slo',
    what: 'a release with 2 % errors, not judged',
    because: 'It serves everybody.',
    expects: (noticed) => requestsFail(noticed) && noticed.exitCode === 0,
    without: { blind: ['soak'] },
    act: (host) => deployAndWait(host, 'errs', 5_000),
  },
  {
    group: 'taken-away',
    id: 'no-gate',
    what: 'routed before it is ready, and no retry',
    because: 'The warm-up is seen.',
    expects: requestsFail,
    without: {
      blind: ['await-ready', 'try-out', 'verify'],
      editProxy: noRetry,
      showsShipped: true,
    },
    act: rolling('deploy', 'r2'),
  },
  {
    group: 'taken-away',
    id: 'no-retry',
    what: 'kill -9 of an instance, and no retry',
    because: 'Its routes fail until it is back.',
    expects: requestsFail,
    without: { editProxy: noRetry, showsShipped: true },
    act: killInstance,
  },
  {
    group: 'taken-away',
    id: 'two-tries',
    what: 'kill -9 of an instance, and two tries in place of any number',
    because: 'Both tries meet what is gone.',
    expects: requestsFail,
    without: { editProxy: twoTries, showsShipped: true },
    act: killInstance,
  },
  {
    group: 'taken-away',
    id: 'no-min-healthy',
    what: 'no minimum healthy time and no watching, a release that ends 8 s after it was ready',
    because: 'One look gives it users, who lose their connection with it.',
    expects: gapsAreSeen,
    // Nor is it tried out: on a busy machine that takes time, in which it would end by itself.
    without: { blind: ['soak', 'try-out'], settings: { HEALTHY_S: 0, SOAK_S: 0 } },
    act: (host) => deployAndWait(host, 'ends', 10_000),
  },
  {
    group: 'taken-away',
    id: 'no-drain',
    what: 'instances that end at SIGTERM',
    because:
      'Every connection is cut, and comes back: what close and reconnect would cost at best.',
    expects: gapsAreSeen,
    without: {
      blind: ['hand-over'],
      before: `process.once('SIGTERM', () => process.exit(0));`,
    },
    act: rolling('deploy', 'r2'),
  },
  {
    group: 'taken-away',
    id: 'no-rate',
    what: '200 sessions asked to move at once',
    because: 'The other slot meets all of a slot in the same moment, in place of 10 in 0.1 s.',
    expects: ({ peak }) => peak > 60,
    without: { instanceSettings: { DRAIN_MOVES_PER_S: 10_000 }, sessions: 200 },
    act: rolling('deploy', 'r2'),
  },
  {
    group: 'taken-away',
    id: 'no-warm',
    what: 'rollback to a release that was not kept warm',
    because: 'It must start first.',
    expects: nothingIsNoticed,
    act: async (host) => {
      const there = await rolling('deploy', 'r2')(host);
      return there.exitCode === 0 ? rollbackTimed(host, 'r1') : there;
    },
  },
];

export const ownRows: readonly Row[] = plans.map(({ without = {}, act, ...row }) => ({
  ...row,
  run: (bench) => onHost(bench, without, act),
}));

/** Rows of this deploy kit as it is. */
import { setTimeout as delay } from 'node:timers/promises';

import type { DeployHost } from '../support/deploy-host.ts';
import { eachMovesOnce, nothingIsNoticed, onlyWhatWasUnderWayFails } from './expectations.ts';
import {
  canarySettings,
  onHost,
  rollbackTimed,
  type Act,
  type Came,
  type Without,
} from './own-bench.ts';
import { gaps } from './rows-page.ts';
import type { Row, RowNoticed } from './rows.ts';

export const rolling =
  (...words: readonly string[]) =>
  async (host: DeployHost): Promise<Came> => {
    const { code, said } = await host.rolling(...words);
    return { exitCode: code, said };
  };

/** The instance, not its keeper, which starts it again. */
export const killInstance = async (host: DeployHost): Promise<Came> => {
  const { stdout } = await host.driver('alive', 'a.r1');
  await delay(1_000);
  process.kill(Number(stdout.split('/')[0]), 'SIGKILL');
  await delay(4_000);
  return {};
};

export interface Plan extends Omit<Row, 'run'> {
  readonly without?: Without;
  readonly act: Act;
  /** What of it is worth a sentence of its own. */
  readonly tells?: (noticed: RowNoticed) => string;
}

export const asRow = ({ without = {}, act, tells, ...row }: Plan): Row => ({
  ...row,
  run: async (bench) => {
    const noticed = await onHost(bench, without, act);
    return tells === undefined ? noticed : { ...noticed, note: tells(noticed) };
  },
});

const ofKill = (noticed: RowNoticed): string => {
  const { failed, tallies, moves, differingCount, commandCount } = noticed;
  const count = Object.entries(failed)
    .filter(([fault]) => fault.endsWith(' of post'))
    .reduce((sum, [, times]) => sum + times, 0);
  return [
    `**${differingCount} of ${moves.length} sessions lost or doubled a command**, of ${commandCount}.`,
    `${count} of ${tallies.post.sent} POSTs failed, those under way.`,
    `Without a connection: ${gaps(noticed)}.`,
  ].join(' ');
};

const plans: readonly Plan[] = [
  {
    group: 'ours',
    id: 'deploy',
    what: 'A deploy, slot after slot',
    because: 'Nobody notices; each client moves once.',
    expects: eachMovesOnce,
    act: rolling('deploy', 'r2'),
  },
  {
    group: 'ours',
    id: 'canary',
    what: 'A canary of 5, 25, 50, 100 %, and its promotion',
    because: 'Those whose routes become the twin’s move once more.',
    expects: nothingIsNoticed,
    without: { settings: canarySettings },
    act: rolling('canary', 'r2'),
  },
  {
    group: 'ours',
    id: 'rollback',
    isAlone: true,
    what: 'A switch, and the rollback to the release that is warm',
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
    what: 'rolling.sh killed with -9 in a canary at 50 %, and `abort`',
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
    what: 'A release that answers 2 % with errors, taken back by itself',
    because: 'What failed until then is its own doing; it never got the second slot.',
    expects: {
      says: 'exit 30, nobody is without a connection, and something fails, by the release itself alone (500)',
      holds: ({ exitCode, gapsMs, failed }) =>
        exitCode === 30 &&
        gapsMs.length === 0 &&
        Object.keys(failed).length > 0 &&
        Object.keys(failed).every((fault) => fault.includes('500')),
    },
    without: { settings: { SOAK_S: 20 } },
    act: rolling('deploy', 'errs'),
  },
  {
    group: 'ours',
    id: 'kill',
    isAlone: true,
    what: '`kill -9` of an instance, which is started again',
    because: 'Its clients reconnect, and nginx goes to the other slot meanwhile.',
    expects: onlyWhatWasUnderWayFails,
    act: killInstance,
    tells: ofKill,
  },
  {
    group: 'ours',
    id: 'stop-first',
    what: 'A deploy without memory for one instance more',
    because: 'Those of the first slot move twice.',
    expects: nothingIsNoticed,
    act: rolling('deploy', 'r2', '--strategy', 'stop-first'),
  },
  {
    group: 'ours',
    id: 'flags',
    what: 'A deploy with routes by files in place of links',
    because: 'The same.',
    expects: eachMovesOnce,
    without: { isByFlags: true },
    act: rolling('deploy', 'r2'),
  },
];

export const ownRows: readonly Row[] = plans.map(asRow);

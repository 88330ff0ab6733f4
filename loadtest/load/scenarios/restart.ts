/** `kill -9` of one of two instances behind nginx, again and again, while riders ride: who notices, and for how long. */
import { join } from 'node:path';

import { startChild } from '../child.ts';
import { startPair } from '../pair.ts';
import { rounded, type ScenarioResult } from '../result.ts';
import type { Recovery, RideResult } from '../riders.ts';
import type { Scenario, Surroundings } from '../scenario.ts';
import { percentile } from './storm.ts';

const riderCount = 1_000;
const hzDefault = 1;
const checkpointMs = 5_000;

/** Between two kills: the one that was killed is there again. */
const restS = 4;

/** Until everybody is back and on the instance their routes lead to, at most: the riders ride meanwhile. */
const backS = 8;

/** Of the riders; the goals are for the first. */
const growth = [1, 2, 4];

interface Restarted {
  readonly riders: number;
  readonly recoveries: readonly Recovery[];
  readonly ridden: RideResult;
}

async function run(surroundings: Surroundings): Promise<ScenarioResult> {
  const { riders = riderCount, hz = hzDefault, rounds } = surroundings.options;
  const all: Restarted[] = [];
  for (const times of growth)
    all.push(
      await killAgainAndAgain(surroundings, {
        riders: riders * times,
        hz,
        kills: times === 1 ? rounds : Math.ceil(rounds / 3),
      }),
    );
  return resultOf(all, hz);
}

async function killAgainAndAgain(
  { stores, options, tell }: Surroundings,
  { riders, hz, kills }: { readonly riders: number; readonly hz: number; readonly kills: number },
): Promise<Restarted> {
  const pair = await startPair(stores, checkpointMs);
  const generator = startChild('generator', ['durable']);
  try {
    const port = Number(new URL(pair.nginx.url).port);
    tell(`restart: ${riders} riders`);
    await generator.ask({ kind: 'connect', subject: 'durable', port, count: riders });
    await generator.ask({ kind: 'ride', seconds: options.warmUpS, load: { hz } });
    const seconds = kills * (restS + backS);
    const riding = generator.ask<RideResult>({ kind: 'ride', seconds, load: { hz } });
    const recoveries: Recovery[] = [];
    for (let kill = 1; kill <= kills; kill++) {
      tell(`restart: ${riders} riders, kill ${kill} of ${kills}`);
      const slot = kill % 2 === 0 ? 0 : 1;
      const recovering = generator.ask<Recovery>({ kind: 'break', isOwn: false });
      await pair.instances[slot].kill();
      recoveries.push(await recovering);
      await pair.replace(slot);
      // Half of them go back to where their routes lead: the next kill concerns half of them again, and not everybody.
      await generator.ask<Recovery>({ kind: 'break', isOwn: true });
      await new Promise((resolve) => setTimeout(resolve, restS * 1_000));
    }
    return { riders, recoveries, ridden: await riding };
  } finally {
    await generator.kill();
    await pair.end();
  }
}

const backOf = ({ recoveries }: Restarted): number[] =>
  recoveries.flatMap((recovery) => recovery.backMs);
const dialsOf = ({ recoveries }: Restarted): number =>
  recoveries.reduce((sum, { dialCount }) => sum + dialCount, 0);

function resultOf(all: readonly Restarted[], hz: number): ScenarioResult {
  const [main] = all;
  const back = (one: Restarted, share: number): number => percentile(backOf(one), share);
  return {
    name: 'restart',
    what: `riders × ${hz} Hz on two instances behind ${join('deploy', 'nginx')}, one of them killed with -9 again and again`,
    tables: [
      {
        title: 'Back again',
        columns: [
          'riders',
          'kills',
          'lost the connection',
          'half ms',
          '99 % ms',
          'all ms',
          'dials each',
        ],
        rows: all.map((one) => [
          one.riders,
          one.recoveries.length,
          backOf(one).length,
          ...[50, 99, 100].map((share) => Math.round(back(one, share))),
          rounded(dialsOf(one) / backOf(one).length),
        ]),
      },
    ],
    charts: [
      {
        title: 'Back again after a kill',
        x: 'riders',
        y: 'ms',
        lines: [50, 99, 100].map((share) => ({
          name: share === 100 ? 'all' : `${share} %`,
          points: all.map((one) => [one.riders, back(one, share)] as const),
        })),
      },
      {
        title: `Sent → accepted, second by second, ${main?.riders} riders`,
        x: 's',
        y: 'ms',
        lines: (['p50', 'p99'] as const).map((name) => ({
          name,
          points: (main?.ridden.overTime ?? []).map(
            (moment) => [moment.second, moment[name]] as const,
          ),
        })),
      },
    ],
    goals: main === undefined ? [] : goalsOf(main),
    faults: all.flatMap((one) => [
      ...(one.ridden.missing > 0
        ? [`${one.riders} riders: ${one.ridden.missing} events were never accepted.`]
        : []),
      ...(one.recoveries.some(({ missing }) => missing > 0)
        ? [`${one.riders} riders: some did not come back.`]
        : []),
      ...(backOf(one).length === 0 ? [`${one.riders} riders: nobody lost a connection.`] : []),
    ]),
  };
}

function goalsOf(main: Restarted): ScenarioResult['goals'] {
  const back = (share: number): number => percentile(backOf(main), share);
  return [
    {
      what: '99 % of those who lost their instance are back',
      measured: back(99),
      limit: { atMost: 700 },
      unit: 'ms',
    },
    {
      what: 'all of them are back',
      measured: back(100),
      limit: { atMost: 2_000 },
      unit: 'ms',
    },
    {
      what: 'dials for each who lost the connection',
      measured: dialsOf(main) / backOf(main).length,
      limit: { atMost: 2 },
      unit: '×',
    },
    {
      what: 'events that were never accepted',
      measured: main.ridden.missing,
      limit: { atMost: 0 },
      unit: 'events',
    },
  ];
}

export const restart: Scenario = { what: 'kill -9 of one of two instances, under load', run };

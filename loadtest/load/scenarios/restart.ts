/** `kill -9` of one of two instances behind nginx, again and again, while riders ride: who notices, and for how long. */
import { join } from 'node:path';

import { startChild, type Child } from '../child.ts';
import { startPair, type Pair } from '../pair.ts';
import { median, rounded, type ScenarioResult } from '../result.ts';
import type { Recovery, Ride, RideResult } from '../riders.ts';
import type { Scenario, Surroundings } from '../scenario.ts';
import type { SubjectName } from '../subjects.ts';
import type { Usage } from '../usage.ts';
import { percentile } from './storm.ts';

const riderCount = 1_000;
const hzDefault = 1;
const checkpointMs = 5_000;

/** Seconds of riding before a kill, and after it: everybody is back by then, of the larger crowds after as many times that. */
const beforeS = 3;
const afterS = 6;

/** Seconds from a kill in which the instance that is left is watched, as it takes riders up and serves the others. */
const watchedS = 4;

/** Always the same: the other one has been there for long, and is not as cold as one that has just begun. */
const slot = 1;

/** Of the riders; the goals are for the first, which is beside a floor. */
const growth = [1, 2, 4];

interface Crew {
  readonly subject: SubjectName;
  readonly riders: number;
  readonly pair: Pair;
  readonly generator: Child;
  readonly kills: Kill[];
}

interface Kill {
  readonly recovery: Recovery;
  readonly ridden: RideResult;
  /** CPU of the instance that is left. */
  readonly serverMs: number;
}

type Restarted = Pick<Crew, 'subject' | 'riders' | 'kills'>;

async function run(surroundings: Surroundings): Promise<ScenarioResult> {
  const { riders = riderCount, hz = hzDefault, rounds } = surroundings.options;
  const all: Restarted[] = [];
  for (const times of growth)
    all.push(
      ...(await killAgainAndAgain(surroundings, {
        riders: riders * times,
        seconds: beforeS + afterS * times,
        hz,
        kills: times === 1 ? rounds : Math.ceil(rounds / 3),
        subjects: times === 1 ? ['durable', 'set'] : ['durable'],
      })),
    );
  return resultOf(all, hz);
}

interface KillsPlan {
  readonly riders: number;
  /** Of riding, around each kill. */
  readonly seconds: number;
  readonly hz: number;
  readonly kills: number;
  readonly subjects: readonly SubjectName[];
}

async function killAgainAndAgain(
  { stores, options, tell }: Surroundings,
  { riders, seconds, hz, kills, subjects }: KillsPlan,
): Promise<Restarted[]> {
  const crews: Crew[] = [];
  try {
    for (const subject of subjects) {
      tell(`restart: ${subject}, ${riders} riders`);
      const pair = await startPair(stores, checkpointMs, subject);
      const generator = startChild('generator', [subject]);
      crews.push({ subject, riders, pair, generator, kills: [] });
      const port = Number(new URL(pair.nginx.url).port);
      await generator.ask({ kind: 'connect', subject, port, count: riders });
      await generator.ask({ kind: 'ride', seconds: options.warmUpS, load: { hz } });
    }
    for (let kill = 1; kill <= kills; kill++)
      for (const crew of crews) {
        tell(`restart: ${crew.subject}, ${riders} riders, kill ${kill} of ${kills}`);
        crew.kills.push(await killOne(crew, { kind: 'ride', seconds, load: { hz } }));
      }
    return crews;
  } finally {
    await Promise.all(crews.map(({ generator }) => generator.kill()));
    await Promise.all(crews.map(({ pair }) => pair.end()));
  }
}

async function killOne({ pair, generator }: Crew, ride: Ride): Promise<Kill> {
  const [left] = pair.instances;
  const usedUs = async (): Promise<number> => (await left.ask<Usage>({ kind: 'usage' })).cpuUs;
  const riding = generator.ask<RideResult>(ride);
  await pause(beforeS);
  const usedBeforeUs = await usedUs();
  const recovering = generator.ask<Recovery>({ kind: 'break', isOwn: false });
  await pair.instances[slot].kill();
  await pause(watchedS);
  const serverMs = ((await usedUs()) - usedBeforeUs) / 1_000;
  const [recovery, ridden] = [await recovering, await riding];
  await pair.replace(slot);
  // Half of them go back to where their routes lead: the next kill concerns half of them again, and not everybody.
  await generator.ask<Recovery>({ kind: 'break', isOwn: true });
  return { recovery, ridden, serverMs };
}

const pause = (seconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

const sumOf = ({ kills }: Restarted, of: (kill: Kill) => number): number =>
  kills.reduce((sum, kill) => sum + of(kill), 0);
const lostOf = (one: Restarted): number => sumOf(one, ({ recovery }) => recovery.backMs.length);
const missingOf = (one: Restarted): number => sumOf(one, ({ ridden }) => ridden.missing);
const dialsOf = (one: Restarted): number =>
  sumOf(one, ({ recovery }) => recovery.dialCount) / lostOf(one);
const backOf = ({ kills }: Restarted, share: number): number =>
  median(kills.map(({ recovery }) => percentile(recovery.backMs, share)));
const lastBackOf = ({ kills }: Restarted): number =>
  Math.max(...kills.map(({ recovery }) => percentile(recovery.backMs, 100)));
/** Who is killed for the first time finds the other one cold: of most kills there is only this one. */
const firstBackOf = ({ kills }: Restarted): number =>
  percentile(kills[0]?.recovery.backMs ?? [], 99);
const serverMsOf = ({ kills }: Restarted): number => median(kills.map(({ serverMs }) => serverMs));

function resultOf(all: readonly Restarted[], hz: number): ScenarioResult {
  const durable = all.filter(({ subject }) => subject === 'durable');
  const [main] = durable;
  const floor = all.find(({ subject }) => subject === 'set');
  return {
    name: 'restart',
    what: `riders × ${hz} Hz on two instances behind ${join('deploy', 'nginx')}, one of them killed with -9 again and again; figures are medians of the kills, but for the last one back`,
    tables: [
      {
        title: 'Back again',
        columns: [
          'subject',
          'riders',
          'kills',
          'lost the connection',
          'half ms',
          '99 % ms',
          'all ms',
          '99 % after the first kill ms',
          'dials each',
          'events lost',
          `CPU ms of the instance left, in ${watchedS} s`,
        ],
        rows: all.map((one) => [
          one.subject,
          one.riders,
          one.kills.length,
          lostOf(one),
          ...[backOf(one, 50), backOf(one, 99), lastBackOf(one), firstBackOf(one)].map(Math.round),
          rounded(dialsOf(one)),
          missingOf(one),
          Math.round(serverMsOf(one)),
        ]),
      },
    ],
    charts: chartsOf(durable),
    goals: main === undefined || floor === undefined ? [] : goalsOf(main, floor),
    faults: all.flatMap((one) => [
      ...(one.subject === 'durable' && missingOf(one) > 0
        ? [`${one.riders} riders: ${missingOf(one)} events were never accepted.`]
        : []),
      ...(one.kills.some(({ recovery }) => recovery.missing > 0)
        ? [`${one.subject}, ${one.riders} riders: some did not come back.`]
        : []),
      ...(lostOf(one) === 0
        ? [`${one.subject}, ${one.riders} riders: nobody lost a connection.`]
        : []),
    ]),
  };
}

function chartsOf(durable: readonly Restarted[]): ScenarioResult['charts'] {
  const [main] = durable;
  const seconds = (main?.kills ?? []).flatMap(({ ridden }, kill) =>
    ridden.overTime
      .filter(({ second }) => second < beforeS + afterS)
      .map((moment) => ({ ...moment, second: kill * (beforeS + afterS) + moment.second })),
  );
  return [
    {
      title: 'Back again after a kill',
      x: 'riders',
      y: 'ms',
      lines: [50, 99, 100].map((share) => ({
        name: share === 100 ? 'all' : `${share} %`,
        points: durable.map(
          (one) => [one.riders, share === 100 ? lastBackOf(one) : backOf(one, share)] as const,
        ),
      })),
    },
    {
      title: `Sent → accepted, second by second, ${main?.riders} riders`,
      x: 's',
      y: 'ms',
      lines: (['p50', 'p99'] as const).map((name) => ({
        name,
        points: seconds.map((moment) => [moment.second, moment[name]] as const),
      })),
    },
  ];
}

function goalsOf(main: Restarted, floor: Restarted): ScenarioResult['goals'] {
  return [
    {
      what: '99 % of those who lost their instance are back',
      measured: backOf(main, 99),
      limit: { atMost: 700 },
      unit: 'ms',
    },
    {
      what: 'all of them are back',
      measured: lastBackOf(main),
      limit: { atMost: 2_000 },
      unit: 'ms',
    },
    {
      what: 'dials for each who lost the connection',
      measured: dialsOf(main),
      limit: { atMost: 2 },
      unit: '×',
    },
    {
      what: 'events that were never accepted',
      measured: missingOf(main),
      limit: { atMost: 0 },
      unit: 'events',
    },
    {
      what: 'CPU of the instance that is left, riding and taking up, of ws + SET',
      measured: ratioOf(main, floor),
      limit: { atMost: 0.8 },
      unit: '×',
    },
  ];
}

/** Kill by kill, and of those the median. */
const ratioOf = (main: Restarted, floor: Restarted): number =>
  median(
    main.kills.map(({ serverMs }, kill) => serverMs / (floor.kills[kill]?.serverMs ?? Number.NaN)),
  );

export const restart: Scenario = { what: 'kill -9 of one of two instances, under load', run };

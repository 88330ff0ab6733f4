/** Kills and cuts, one after the other, while riders ride: whether everything arrives once, with nobody but the clients to send it again. */
import { startChild } from '../child.ts';
import { startPair } from '../pair.ts';
import { rounded, type ScenarioResult } from '../result.ts';
import type { Account, Recovery, RideResult } from '../riders.ts';
import type { Scenario, Surroundings } from '../scenario.ts';
import { percentile } from './storm.ts';

const riderCount = 200;
const hzDefault = 4;
const checkpointMs = 5_000;
const killCount = 20;

/** Every so many kills it is Redis, with all that it has. */
const redisEvery = 5;

/** Between two troubles. */
const restMs = 1_000;
const redisAwayMs = 1_000;

/** Of a trouble, for the length of the ride; what is left of it is ridden in quiet. */
const secondsEach = 8;

type Trouble = 'instance' | 'redis' | 'cut';

const troubles: readonly Trouble[] = Array.from({ length: killCount }, (_, place): Trouble[] => [
  (place + 1) % redisEvery === 0 ? 'redis' : 'instance',
  'cut',
]).flat();

async function run({ stores, options, tell }: Surroundings): Promise<ScenarioResult> {
  const { riders = riderCount, hz = hzDefault } = options;
  const pair = await startPair(stores, checkpointMs);
  const generator = startChild('generator', ['durable']);
  try {
    const port = Number(new URL(pair.nginx.url).port);
    tell(`survive: ${riders} riders`);
    await generator.ask({ kind: 'connect', subject: 'durable', port, count: riders });
    const seconds = troubles.length * secondsEach;
    const riding = generator.ask<RideResult>({ kind: 'ride', seconds, load: { hz } });
    const beganMs = performance.now();
    const recoveries: Recovery[] = [];
    let slot: 0 | 1 = 0;
    for (const [place, trouble] of troubles.entries()) {
      tell(`survive: trouble ${place + 1} of ${troubles.length}: ${trouble}`);
      const recovering = generator.ask<Recovery>({ kind: 'break', isOwn: trouble === 'cut' });
      if (trouble === 'instance') {
        slot = slot === 0 ? 1 : 0;
        await pair.instances[slot].kill();
        await pair.replace(slot);
      }
      if (trouble === 'redis') {
        await stores.redis.kill();
        await new Promise((resolve) => setTimeout(resolve, redisAwayMs));
        await stores.redis.restart({ keepData: false });
      }
      recoveries.push(await recovering);
      await new Promise((resolve) => setTimeout(resolve, restMs));
    }
    const isRiddenThrough = performance.now() - beganMs < seconds * 1_000;
    const ridden = await riding;
    tell('survive: counting');
    const account = await generator.ask<Account>({ kind: 'account' });
    return resultOf({ riders, hz, recoveries, ridden, account, isRiddenThrough });
  } finally {
    await generator.kill();
    await pair.end();
  }
}

interface Survived {
  readonly riders: number;
  readonly hz: number;
  readonly recoveries: readonly Recovery[];
  readonly ridden: RideResult;
  readonly account: Account;
  /** Whether there was somebody riding until the last trouble was over. */
  readonly isRiddenThrough: boolean;
}

function resultOf({
  riders,
  hz,
  recoveries,
  ridden,
  account,
  isRiddenThrough,
}: Survived): ScenarioResult {
  const of = (which: Trouble): Recovery[] =>
    recoveries.filter((_, place) => troubles[place] === which);
  const names = { instance: 'instance, kill -9', redis: 'Redis with all its data', cut: 'all cut' };
  return {
    name: 'survive',
    what: `${riders} riders × ${hz} Hz through ${killCount} kills and ${killCount} cuts, Redis with all its data among them; only the clients send again`,
    tables: [
      {
        title: 'What the service has in the end, asked session by session',
        columns: ['given', 'undelivered', 'lost', 'doubled', 'sessions that differ'],
        rows: [
          [account.given, account.undelivered, account.lost, account.doubled, account.differing],
        ],
      },
      {
        title: 'Back again',
        columns: ['trouble', 'times', 'lost the connection', 'half ms', '99 % ms', 'all ms'],
        rows: (['instance', 'redis', 'cut'] as const).map((which) => {
          const backMs = of(which).flatMap((recovery) => recovery.backMs);
          const at = (share: number): number | string =>
            backMs.length === 0 ? '-' : Math.round(percentile(backMs, share));
          return [names[which], of(which).length, backMs.length, at(50), at(99), at(100)];
        }),
      },
    ],
    charts: [
      {
        title: 'Sent → accepted, second by second',
        x: 's',
        y: 'ms',
        lines: (['p50', 'p99'] as const).map((name) => ({
          name,
          points: ridden.overTime.map((moment) => [moment.second, rounded(moment[name])] as const),
        })),
      },
    ],
    goals: (['lost', 'doubled', 'undelivered', 'differing'] as const).map((name) => ({
      what: name === 'differing' ? 'sessions that differ' : `events ${name}`,
      measured: account[name],
      limit: { atMost: 0 },
      unit: name === 'differing' ? 'sessions' : 'events',
    })),
    faults: [
      ...(isRiddenThrough ? [] : ['The ride was over before the troubles were.']),
      ...(account.given === 0 ? ['Nothing was given.'] : []),
      ...(of('instance').every(({ backMs }) => backMs.length === 0)
        ? ['Nobody lost a connection by a kill.']
        : []),
    ],
  };
}

export const survive: Scenario = {
  what: '20 kills and 20 cuts: lost, doubled, undelivered',
  run,
};

/** As many events as there is room for: what one costs when everybody is busy. */
import type { ScenarioResult } from '../result.ts';
import {
  costChart,
  costTables,
  faultsOf,
  growthChart,
  medianRatio,
  ratioTable,
  runRounds,
  type BySubject,
} from '../rounds.ts';
import type { Scenario, Surroundings } from '../scenario.ts';

const riderCount = 200;
const inFlight = 16;

/** The real client takes more than the server: in one process it would be the one that is saturated. */
const generatorCount = 2;
const growth = [2, 4];

async function run(surroundings: Surroundings): Promise<ScenarioResult> {
  const { options } = surroundings;
  const riders = options.riders ?? riderCount;
  const plan = { load: { inFlight }, generatorCount };
  const all = await runRounds(surroundings, {
    ...plan,
    riders,
    subjects: ['durable', 'set', 'echo', 'echo-16', 'log-16'],
  });
  const bySize: [riders: number, all: BySubject][] = [[riders, all]];
  for (const times of growth) {
    const subjects = ['durable', 'set'] as const;
    const rounds = Math.ceil(options.rounds / 3);
    const grown = await runRounds(surroundings, {
      ...plan,
      riders: riders * times,
      subjects,
      rounds,
    });
    bySize.push([riders * times, grown]);
  }
  return {
    name: 'saturate',
    what: `${riders} riders, each with ${inFlight} events under way, then twice and four times as many`,
    tables: [...costTables(bySize, (count) => `CPU per event, ${count} riders`), ratioTable(all)],
    charts: [
      costChart(bySize),
      growthChart(bySize, {
        title: 'Events taken',
        y: 'per second',
        of: ({ cost }) => cost.eventsPerS,
      }),
    ],
    goals: goalsOf(all),
    faults: bySize.flatMap(([count, measured]) => faultsOf(measured, count)),
  };
}

function goalsOf(all: BySubject): ScenarioResult['goals'] {
  const server = (base: 'set' | 'echo' | 'echo-16'): number =>
    medianRatio(all, 'durable', base, ({ cost }) => cost.serverUs);
  return [
    {
      what: 'server CPU per event, of ws + SET',
      measured: server('set'),
      limit: { atMost: 0.33 },
      unit: '×',
    },
    {
      what: 'server CPU per event, of an echo that keeps nothing',
      measured: server('echo'),
      limit: { atMost: 1 },
      unit: '×',
    },
    {
      what: 'Redis CPU per event, of ws + SET',
      measured: medianRatio(all, 'durable', 'set', ({ cost }) => cost.redisUs),
      limit: { atMost: 0.6 },
      unit: '×',
    },
  ];
}

export const saturate: Scenario = {
  what: 'CPU per event with as many under way as there is room for',
  run,
};

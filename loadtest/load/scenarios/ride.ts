/** Riders at their own pace: what an event costs and how long it takes while there is room, and where that ends. */
import type { Measured } from '../bench.ts';
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
import type { SubjectName } from '../subjects.ts';

const riderCount = 500;
const hzDefault = 4;

/** A process of riders stands still while it collects their garbage, some 8 ms with all 500 of them: no device has that many. */
const generatorCount = 2;
const subjects = ['durable', 'set', 'echo', 'log'] as const satisfies readonly SubjectName[];

/** Of the riders: how it grows. */
const growth = [1, 2, 4];

async function run(surroundings: Surroundings): Promise<ScenarioResult> {
  const { options } = surroundings;
  const { riders = riderCount, hz = hzDefault } = options;
  const bySize: [riders: number, all: BySubject][] = [];
  for (const times of growth) {
    const all = await runRounds(surroundings, {
      subjects,
      riders: riders * times,
      load: { hz },
      generatorCount,
      rounds: times === 1 ? options.rounds : Math.ceil(options.rounds / 3),
    });
    bySize.push([riders * times, all]);
  }
  const first = bySize[0]?.[1] ?? new Map<SubjectName, Measured[]>();
  return {
    name: 'ride',
    what: `${riders} riders with ${hz} events a second each, then twice and four times as many`,
    tables: [...costTables(bySize, (count) => `${count} riders × ${hz} Hz`), ratioTable(first)],
    charts: [
      costChart(bySize),
      growthChart(bySize, {
        title: 'Sent → accepted, p99',
        y: 'ms',
        of: ({ latencies }) => latencies.p99,
      }),
    ],
    goals: goalsOf(first),
    faults: bySize.flatMap(([count, all]) => faultsOf(all, count)),
  };
}

function goalsOf(all: BySubject): ScenarioResult['goals'] {
  const ofSet = (what: string, of: (one: Measured) => number, atMost: number) => ({
    what: `${what}, of ws + SET`,
    measured: medianRatio(all, 'durable', 'set', of),
    limit: { atMost },
    unit: '×',
  });
  return [
    ofSet('server CPU per event', ({ cost }) => cost.serverUs, 0.85),
    ofSet('Redis CPU per event', ({ cost }) => cost.redisUs, 0.6),
    ofSet('sent → accepted p50', ({ latencies }) => latencies.p50, 0.9),
    ofSet('sent → accepted p99', ({ latencies }) => latencies.p99, 0.8),
  ];
}

export const ride: Scenario = {
  what: 'CPU and latency per event of riders at their own pace, and how they grow',
  run,
};

/** Riders at their own pace: what an event costs and how long it takes while there is room, and where that ends. */
import type { ScenarioResult } from '../result.ts';
import { costColumns, costRows, faultsOf, medianOf, runRounds, type BySubject } from '../rounds.ts';
import type { Scenario, Surroundings } from '../scenario.ts';
import type { SubjectName } from '../subjects.ts';

const riderCount = 500;
const hzDefault = 4;
const subjects = ['durable', 'set', 'echo'] as const satisfies readonly SubjectName[];

/** Of the riders: how it grows. */
const growth = [1, 2, 4];

async function run(surroundings: Surroundings): Promise<ScenarioResult> {
  const { options } = surroundings;
  const { riders = riderCount, hz = hzDefault } = options;
  const bySize: (readonly [riders: number, BySubject])[] = [];
  for (const times of growth)
    bySize.push([
      riders * times,
      await runRounds(surroundings, { subjects, riders: riders * times, load: { hz } }),
    ]);
  const [first] = bySize;
  const of = (
    name: SubjectName,
    what: Parameters<typeof medianOf>[1],
    all: BySubject | undefined = first?.[1],
  ): number => medianOf(all?.get(name), what);
  const ratio = (what: Parameters<typeof medianOf>[1]): number =>
    of('durable', what) / of('set', what);
  const line = (what: Parameters<typeof medianOf>[1]) =>
    subjects.map((name) => ({
      name,
      points: bySize.map(([count, all]) => [count, of(name, what, all)] as const),
    }));
  return {
    name: 'ride',
    what: `${riders} riders with ${hz} events a second each, then twice and four times as many`,
    tables: bySize.map(([count, all]) => ({
      title: `${count} riders × ${hz} Hz`,
      columns: costColumns,
      rows: costRows(all),
    })),
    charts: [
      {
        title: 'Server CPU per event',
        x: 'riders',
        y: 'µs',
        lines: line(({ cost }) => cost.serverUs),
      },
      {
        title: 'Sent → accepted, p99',
        x: 'riders',
        y: 'ms',
        lines: line(({ latencies }) => latencies.p99),
      },
    ],
    goals: [
      {
        what: 'server CPU per event, of ws + SET',
        measured: ratio(({ cost }) => cost.serverUs),
        limit: { atMost: 0.85 },
        unit: '×',
      },
      {
        what: 'Redis CPU per event, of ws + SET',
        measured: ratio(({ cost }) => cost.redisUs),
        limit: { atMost: 0.6 },
        unit: '×',
      },
      {
        what: 'sent → accepted p50, of ws + SET',
        measured: ratio(({ latencies }) => latencies.p50),
        limit: { atMost: 0.9 },
        unit: '×',
      },
      {
        what: 'sent → accepted p99, of ws + SET',
        measured: ratio(({ latencies }) => latencies.p99),
        limit: { atMost: 0.8 },
        unit: '×',
      },
    ],
    faults: faultsOf(first?.[1] ?? new Map()),
  };
}

export const ride: Scenario = {
  what: 'CPU and latency per event of riders at their own pace, and how they grow',
  run,
};

/** Everybody's connection breaks in one moment: how soon they are served again, and what that costs. */
import { openBench } from '../bench.ts';
import type { ScenarioResult } from '../result.ts';
import type { Recovery } from '../riders.ts';
import type { Scenario, Surroundings } from '../scenario.ts';
import type { Usage } from '../usage.ts';

const sizes = [250, 500, 1_000, 2_000, 4_000];

/** The size the goals are for. */
const mainSize = 1_000;
const checkpointMs = 5_000;

interface Storm extends Recovery {
  readonly size: number;
  readonly serverMs: number;
}

async function run({ stores, options, tell }: Surroundings): Promise<ScenarioResult> {
  const bench = await openBench(stores, { subject: 'durable', riders: 0, checkpointMs });
  const storms: Storm[] = [];
  try {
    let connected = 0;
    for (const size of options.riders === undefined ? sizes : [options.riders]) {
      tell(`storm: ${size} riders`);
      await bench.connect(size - connected);
      connected = size;
      const before = await bench.subject.ask<Usage>({ kind: 'usage' });
      const recovery = await bench.generators[0].ask<Recovery>({ kind: 'break', isOwn: true });
      const after = await bench.subject.ask<Usage>({ kind: 'usage' });
      storms.push({ ...recovery, size, serverMs: (after.cpuUs - before.cpuUs) / 1_000 });
    }
  } finally {
    await bench.end();
  }
  const main = storms.find(({ size }) => size === mainSize) ?? storms.at(-1);
  const [first, last] = [storms[0], storms.at(-1)];
  return {
    name: 'storm',
    what: 'all connections are cut in one moment',
    tables: [
      {
        title: 'Back again',
        columns: [
          'riders',
          'half ms',
          '99 % ms',
          'all ms',
          'dials',
          'server CPU ms',
          'per session',
        ],
        rows: storms.map(({ size, backMs, dialCount, serverMs }) => [
          size,
          Math.round(percentile(backMs, 50)),
          Math.round(percentile(backMs, 99)),
          Math.round(percentile(backMs, 100)),
          dialCount,
          Math.round(serverMs),
          Number((serverMs / size).toFixed(2)),
        ]),
      },
    ],
    charts: [
      {
        title: 'Server CPU of a storm',
        x: 'riders',
        y: 'ms',
        lines: [
          {
            name: 'durable',
            points: storms.map(({ size, serverMs }) => [size, serverMs] as const),
          },
        ],
      },
    ],
    goals: [
      {
        what: 'half of the riders are back',
        measured: percentile(main?.backMs ?? [], 50),
        limit: { atMost: 120 },
        unit: 'ms',
      },
      {
        what: '99 % of the riders are back',
        measured: percentile(main?.backMs ?? [], 99),
        limit: { atMost: 700 },
        unit: 'ms',
      },
      {
        what: 'server CPU per session at the largest, of that at the smallest',
        measured:
          (last?.serverMs ?? 0) / (last?.size ?? 1) / ((first?.serverMs ?? 0) / (first?.size ?? 1)),
        limit: { atMost: 1.2 },
        unit: '×',
      },
    ],
    faults: storms
      .filter(({ missing }) => missing > 0)
      .map(({ size, missing }) => `${missing} of ${size} riders did not come back.`),
  };
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((share / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export const storm: Scenario = {
  what: 'all connections cut at once: back when, at what cost',
  run,
};

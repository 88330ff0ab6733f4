/** Everybody's connection breaks in one moment: how soon they are served again, and what that costs. */
import { openBench, type Bench } from '../bench.ts';
import type { ScenarioResult } from '../result.ts';
import type { Recovery } from '../riders.ts';
import type { Scenario, Surroundings } from '../scenario.ts';
import type { SubjectName } from '../subjects.ts';
import type { Usage } from '../usage.ts';

const sizes = [250, 500, 1_000, 2_000, 4_000];

/** The size the goals are for. */
const mainSize = 1_000;
const checkpointMs = 5_000;

/** The echo greets nobody and sends nothing again: what connecting alone takes. */
const subjects = ['durable', 'echo'] as const satisfies readonly SubjectName[];

interface Storm extends Recovery {
  readonly subject: SubjectName;
  readonly size: number;
  readonly serverMs: number;
  readonly ridersMs: number;
}

async function run({ stores, options, tell }: Surroundings): Promise<ScenarioResult> {
  const benches = new Map<SubjectName, Bench>();
  const storms: Storm[] = [];
  try {
    for (const subject of subjects) {
      benches.set(subject, await openBench(stores, { subject, riders: 0, checkpointMs }));
    }
    let connected = 0;
    for (const size of options.riders === undefined ? sizes : [options.riders]) {
      for (const [subject, bench] of benches) {
        tell(`storm: ${subject}, ${size} riders`);
        await bench.connect(size - connected);
        storms.push({ subject, size, ...(await breakAll(bench)) });
      }
      connected = size;
    }
  } finally {
    await Promise.all([...benches.values()].map((bench) => bench.end()));
  }
  return resultOf(storms);
}

async function breakAll({
  subject,
  generators: [riders],
}: Bench): Promise<Recovery & Pick<Storm, 'serverMs' | 'ridersMs'>> {
  const used = (): Promise<Usage[]> =>
    Promise.all([subject, riders].map((child) => child.ask<Usage>({ kind: 'usage' })));
  const before = await used();
  const recovery = await riders.ask<Recovery>({ kind: 'break', isOwn: true });
  const [serverMs = 0, ridersMs = 0] = (await used()).map(
    ({ cpuUs }, place) => (cpuUs - (before[place]?.cpuUs ?? 0)) / 1_000,
  );
  return { ...recovery, serverMs, ridersMs };
}

function resultOf(all: readonly Storm[]): ScenarioResult {
  const storms = all.filter(({ subject }) => subject === 'durable');
  const main = storms.find(({ size }) => size === mainSize) ?? storms.at(-1);
  const [first, last] = [storms[0], storms.at(-1)];
  return {
    name: 'storm',
    what: 'all connections are cut in one moment',
    tables: [
      {
        title: 'Back again',
        columns: [
          'subject',
          'riders',
          'half ms',
          '99 % ms',
          'all ms',
          'dials',
          'server CPU ms',
          'per session',
          'riders CPU, per session',
        ],
        rows: all.map(({ subject, size, backMs, dialCount, serverMs, ridersMs }) => [
          subject,
          size,
          ...[50, 99, 100].map((share) => Math.round(percentile(backMs, share))),
          dialCount,
          Math.round(serverMs),
          Number((serverMs / size).toFixed(2)),
          Number((ridersMs / size).toFixed(2)),
        ]),
      },
    ],
    charts: [
      {
        title: 'Server CPU of a storm',
        x: 'riders',
        y: 'ms',
        lines: subjects.map((name) => ({
          name,
          points: all
            .filter(({ subject }) => subject === name)
            .map(({ size, serverMs }) => [size, serverMs] as const),
        })),
      },
    ],
    goals: goalsOf(main, first, last),
    faults: all
      .filter(({ missing }) => missing > 0)
      .map(
        ({ subject, size, missing }) =>
          `${subject}: ${missing} of ${size} riders did not come back.`,
      ),
  };
}

function goalsOf(
  main: Storm | undefined,
  first: Storm | undefined,
  last: Storm | undefined,
): ScenarioResult['goals'] {
  return [
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
  ];
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((share / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export const storm: Scenario = {
  what: 'all connections cut at once: back when, at what cost',
  run,
};

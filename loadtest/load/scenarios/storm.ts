/** Everybody's connection breaks in one moment: how soon they are served again, and what that costs. */
import { openBench, type Bench } from '../bench.ts';
import { median, type ScenarioResult } from '../result.ts';
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

/** After a break: what is saved then is not the next one's. A floor saves nothing. */
const restMs = { durable: checkpointMs + 500, echo: 500 } as const;

interface Storm {
  readonly subject: SubjectName;
  readonly size: number;
  readonly rounds: readonly Round[];
}

interface Round extends Recovery {
  readonly serverMs: number;
  readonly ridersMs: number;
}

async function run({ stores, options, tell }: Surroundings): Promise<ScenarioResult> {
  const benches = new Map<(typeof subjects)[number], Bench>();
  const storms: Storm[] = [];
  try {
    for (const subject of subjects) {
      benches.set(subject, await openBench(stores, { subject, riders: 0, checkpointMs }));
    }
    let connected = 0;
    for (const size of options.riders === undefined ? sizes : [options.riders]) {
      const bySubject = new Map<SubjectName, Round[]>(subjects.map((subject) => [subject, []]));
      for (const bench of benches.values()) await bench.connect(size - connected);
      connected = size;
      await new Promise((resolve) => setTimeout(resolve, restMs.durable));
      for (let round = 1; round <= options.rounds; round++)
        for (const [subject, bench] of benches) {
          tell(`storm: ${subject}, ${size} riders, round ${round} of ${options.rounds}`);
          bySubject.get(subject)?.push(await breakAll(bench));
          await new Promise((resolve) => setTimeout(resolve, restMs[subject]));
        }
      for (const [subject, rounds] of bySubject) storms.push({ subject, size, rounds });
    }
  } finally {
    await Promise.all([...benches.values()].map((bench) => bench.end()));
  }
  return resultOf(storms);
}

const medianOf = ({ rounds }: Storm, of: (round: Round) => number): number =>
  median(rounds.map(of));
const backOf = (storm: Storm, share: number): number =>
  medianOf(storm, ({ backMs }) => percentile(backMs, share));
const serverMsPerSession = (storm: Storm): number =>
  medianOf(storm, ({ serverMs }) => serverMs) / storm.size;

async function breakAll({ subject, generators: [riders] }: Bench): Promise<Round> {
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
    what: 'all connections are cut in one moment, again and again; figures are medians',
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
        rows: all.map((storm) => [
          storm.subject,
          storm.size,
          ...[50, 99, 100].map((share) => Math.round(backOf(storm, share))),
          medianOf(storm, ({ dialCount }) => dialCount),
          Math.round(medianOf(storm, ({ serverMs }) => serverMs)),
          Number(serverMsPerSession(storm).toFixed(2)),
          Number((medianOf(storm, ({ ridersMs }) => ridersMs) / storm.size).toFixed(2)),
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
            .map((storm) => [storm.size, medianOf(storm, ({ serverMs }) => serverMs)] as const),
        })),
      },
    ],
    goals: goalsOf(main, first, last),
    faults: all
      .filter(({ rounds }) => rounds.some(({ missing }) => missing > 0))
      .map(({ subject, size }) => `${subject}: some of ${size} riders did not come back.`),
  };
}

function goalsOf(
  main: Storm | undefined,
  first: Storm | undefined,
  last: Storm | undefined,
): ScenarioResult['goals'] {
  if (main === undefined || first === undefined || last === undefined) return [];
  return [
    {
      what: 'half of the riders are back',
      measured: backOf(main, 50),
      limit: { atMost: 120 },
      unit: 'ms',
    },
    {
      what: '99 % of the riders are back',
      measured: backOf(main, 99),
      limit: { atMost: 700 },
      unit: 'ms',
    },
    {
      what: 'server CPU per session at the largest, of that at the smallest',
      measured: serverMsPerSession(last) / serverMsPerSession(first),
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

/** Subjects in turn, again and again, so that what else the machine does concerns all of them alike. */
import { measure, openBench, type Bench, type Cost, type Measured } from './bench.ts';
import { median, rounded, type Chart, type Table } from './result.ts';
import type { Ride } from './riders.ts';
import type { Surroundings } from './scenario.ts';
import type { SubjectName } from './subjects.ts';

export interface RoundsPlan {
  readonly subjects: readonly SubjectName[];
  readonly riders: number;
  readonly load: Ride['load'];
  readonly generatorCount?: number;
  /** Of the options where it is absent. */
  readonly rounds?: number;
}

export type BySubject = ReadonlyMap<SubjectName, readonly Measured[]>;

/**
 * Seconds at the beginning of a turn whose latencies do not count: caches and the processor's clock follow whoever works. They are part of the
 * turn, because who waits for a checkpoint between them and the rest is cold again, and who has none is not.
 */
const settleS = 2;
const checkpointMs = 5_000;

export async function runRounds(
  { stores, options, tell }: Surroundings,
  { subjects, riders, load, generatorCount, rounds = options.rounds }: RoundsPlan,
): Promise<BySubject> {
  const benches = new Map<SubjectName, Bench>();
  const all = new Map<SubjectName, Measured[]>();
  try {
    for (const subject of subjects) {
      tell(`${subject}, ${riders} riders: warming up for ${options.warmUpS} s`);
      const bench = await openBench(stores, { subject, riders, checkpointMs, generatorCount });
      benches.set(subject, bench);
      // Until then code is compiled, and what compiles it and what collects its garbage is counted as the subject's.
      await measure(bench, { kind: 'ride', seconds: options.warmUpS, load });
    }
    for (let round = 1; round <= rounds; round++)
      for (const [subject, bench] of benches) {
        tell(`round ${round} of ${rounds}: ${subject}, ${riders} riders`);
        const profile = subject === 'durable' && round === 1 ? options.profile : undefined;
        if (profile !== undefined) await bench.subject.ask({ kind: 'profile', file: undefined });
        const seconds = settleS + options.seconds;
        const measured = await measure(bench, { kind: 'ride', seconds, settleS, load });
        if (profile !== undefined) await bench.subject.ask({ kind: 'profile', file: profile });
        all.set(subject, [...(all.get(subject) ?? []), measured]);
      }
  } finally {
    await Promise.all([...benches.values()].map((bench) => bench.end()));
  }
  return all;
}

export const medianOf = (
  measured: readonly Measured[] | undefined,
  of: (one: Measured) => number,
): number => median((measured ?? []).map(of));

/** Of a subject to `base`, round by round, and of those the median: what the machine did in a round concerned both. */
export function medianRatio(
  all: BySubject,
  subject: SubjectName,
  base: SubjectName,
  of: (one: Measured) => number,
): number {
  const ratios = (all.get(subject) ?? []).map((one, round) => {
    const other = all.get(base)?.[round];
    return other === undefined ? Number.NaN : of(one) / of(other);
  });
  return median(ratios);
}

const costColumns = [
  'subject',
  'events/s',
  'server µs',
  'Redis µs',
  'Postgres µs',
  'riders µs',
  'p50 ms',
  'p99 ms',
  'cores: server',
  'Redis',
  'Postgres',
  'riders, each process',
] as const;

function costRows(all: BySubject): (string | number)[][] {
  return [...all].map(([subject, measured]) => {
    const cost = (name: keyof Cost): number => medianOf(measured, (one) => one.cost[name]);
    const cores = (name: keyof Cost): number =>
      medianOf(measured, (one) => (one.cost[name] * one.cost.eventsPerS) / 1_000_000);
    return [
      subject,
      Math.round(cost('eventsPerS')),
      ...(['serverUs', 'redisUs', 'postgresUs', 'generatorUs'] as const).map((name) =>
        rounded(cost(name)),
      ),
      rounded(medianOf(measured, ({ latencies }) => latencies.p50)),
      rounded(medianOf(measured, ({ latencies }) => latencies.p99)),
      ...(['serverUs', 'redisUs', 'postgresUs'] as const).map((name) =>
        Number(cores(name).toFixed(2)),
      ),
      Number(medianOf(measured, ({ own }) => own.cores).toFixed(2)),
    ];
  });
}

/** How often what SET takes each of the others does. */
export function ratioTable(all: BySubject): Table {
  const of = (subject: SubjectName, what: (one: Measured) => number): number =>
    rounded(medianRatio(all, subject, 'set', what));
  const others = [...all.keys()].filter((subject) => subject !== 'set');
  return {
    title: 'Of ws + SET, medians of the ratios of each turn',
    columns: ['subject', 'server CPU', 'Redis CPU', 'p50', 'p99'],
    rows: others.map((subject) => [
      subject,
      of(subject, ({ cost }) => cost.serverUs),
      of(subject, ({ cost }) => cost.redisUs),
      of(subject, ({ latencies }) => latencies.p50),
      of(subject, ({ latencies }) => latencies.p99),
    ]),
  };
}

/** What so many riders made of each subject. */
export type BySize = readonly (readonly [riders: number, all: BySubject])[];

export const costTables = (bySize: BySize, titleOf: (riders: number) => string): Table[] =>
  bySize.map(([riders, all]) => ({
    title: titleOf(riders),
    columns: costColumns,
    rows: costRows(all),
  }));

export const costChart = (bySize: BySize): Chart =>
  growthChart(bySize, {
    title: 'Server CPU per event',
    y: 'µs',
    of: ({ cost }) => cost.serverUs,
  });

/** How a figure grows with the riders, a line for each subject. */
export function growthChart(
  bySize: BySize,
  { title, y, of }: Pick<Chart, 'title' | 'y'> & { readonly of: (one: Measured) => number },
): Chart {
  const names = [...new Set(bySize.flatMap(([, all]) => [...all.keys()]))];
  const lines = names.map((name) => ({
    name,
    points: bySize
      .filter(([, all]) => all.has(name))
      .map(([riders, all]) => [riders, medianOf(all.get(name), of)] as const),
  }));
  return { title, x: 'riders', y, lines };
}

/** Milliseconds the riders may be late themselves in an open loop, and what they may take of a core: beyond it the figures tell of them. */
const latenessMsMax = 20;
const coresMax = 0.95;

export const isStarved = ({ lateness, own }: Pick<Measured, 'lateness' | 'own'>): boolean =>
  lateness.p99 > latenessMsMax || own.cores > coresMax;

/** One sentence for each thing that makes the figures worthless. */
export function faultsOf(all: BySubject, riders: number): string[] {
  return [...all].flatMap(([subject, measured]) => {
    const sum = (of: (one: Measured) => number): number =>
      measured.reduce((total, one) => total + of(one), 0);
    const [missing, unsaved] = [sum((one) => one.missing), sum((one) => one.unsaved)];
    const starved = measured.filter(isStarved).length;
    const who = `${subject}, ${riders} riders`;
    const cores = medianOf(measured, ({ own }) => own.cores).toFixed(2);
    const late = medianOf(measured, ({ lateness }) => lateness.p99).toFixed(0);
    return [
      ...(missing > 0 ? [`${who}: ${missing} events were never answered.`] : []),
      ...(unsaved > 0 ? [`${who}: ${unsaved} events were not saved in time.`] : []),
      ...(starved > measured.length / 2
        ? [`${who}: the riders starved: ${cores} of a core, and their p99 is ${late} ms late.`]
        : []),
    ];
  });
}

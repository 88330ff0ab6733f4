/** Subjects in turn, again and again, so that what else the machine does concerns all of them alike. */
import { measure, openBench, type Cost, type Measured } from './bench.ts';
import { median } from './result.ts';
import type { Ride } from './riders.ts';
import type { Surroundings } from './scenario.ts';
import type { SubjectName } from './subjects.ts';

export interface RoundsPlan {
  readonly subjects: readonly SubjectName[];
  readonly riders: number;
  readonly load: Ride['load'];
}

export type BySubject = ReadonlyMap<SubjectName, readonly Measured[]>;

/** Seconds before a measurement, in which everything is compiled and connected. */
const warmUpS = 2;
const checkpointMs = 5_000;

export async function runRounds(
  { stores, options, tell }: Surroundings,
  { subjects, riders, load }: RoundsPlan,
): Promise<BySubject> {
  const all = new Map<SubjectName, Measured[]>();
  for (let round = 1; round <= options.rounds; round++)
    for (const subject of subjects) {
      tell(`round ${round} of ${options.rounds}: ${subject}, ${riders} riders`);
      const bench = await openBench(stores, { subject, riders, checkpointMs });
      try {
        await measure(bench, { kind: 'ride', seconds: warmUpS, load });
        const profile = subject === 'durable' && round === 1 ? options.profile : undefined;
        if (profile !== undefined) await bench.subject.ask({ kind: 'profile', file: undefined });
        const measured = await measure(bench, { kind: 'ride', seconds: options.seconds, load });
        if (profile !== undefined) await bench.subject.ask({ kind: 'profile', file: profile });
        all.set(subject, [...(all.get(subject) ?? []), measured]);
      } finally {
        await bench.end();
      }
    }
  return all;
}

export const medianOf = (
  measured: readonly Measured[] | undefined,
  of: (one: Measured) => number,
): number => median((measured ?? []).map(of));

export const costColumns = [
  'subject',
  'events/s',
  'server µs',
  'Redis µs',
  'Postgres µs',
  'riders µs',
  'server busy',
  'riders busy',
  'p50 ms',
  'p99 ms',
] as const;

export function costRows(all: BySubject): (string | number)[][] {
  return [...all].map(([subject, measured]) => {
    const cost = (name: keyof Cost): number => medianOf(measured, (one) => one.cost[name]);
    return [
      subject,
      Math.round(cost('eventsPerS')),
      ...(['serverUs', 'redisUs', 'postgresUs', 'generatorUs'] as const).map((name) =>
        Number(cost(name).toFixed(2)),
      ),
      ...(['serverBusy', 'generatorBusy'] as const).map((name) => Number(cost(name).toFixed(2))),
      Number(medianOf(measured, ({ latencies }) => latencies.p50).toFixed(1)),
      Number(medianOf(measured, ({ latencies }) => latencies.p99).toFixed(1)),
    ];
  });
}

/** Milliseconds the riders may be late themselves in an open loop; beyond it their figures tell of them. */
const latenessMsMax = 20;

export function faultsOf(all: BySubject): string[] {
  return [...all].flatMap(([subject, measured]) => {
    const missing = measured.reduce((sum, one) => sum + one.missing, 0);
    const late = medianOf(measured, ({ lateness }) => lateness.p99);
    return [
      ...(missing > 0 ? [`${subject}: ${missing} events were never answered.`] : []),
      ...(late > latenessMsMax
        ? [`${subject}: the riders starved: their own p99 is ${late.toFixed(0)} ms late.`]
        : []),
    ];
  });
}

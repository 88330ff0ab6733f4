/** Riders who say nothing: what each of them takes, as a slope, so that what the process takes by itself does not count. */
import { Redis } from 'ioredis';

import { openBench, type Bench } from '../bench.ts';
import type { ScenarioResult } from '../result.ts';
import type { Scenario, Surroundings } from '../scenario.ts';
import type { SubjectName } from '../subjects.ts';
import type { Usage } from '../usage.ts';

const steps = [1_000, 2_000, 3_000, 4_000, 5_000];

/** Seconds in which everybody's heartbeat comes once and a half: what idling costs. */
const idleS = 30;

const checkpointMs = 5_000;

/** Milliseconds until what a session begins with is in Postgres: its log in Redis takes more than all the rest until then. */
const savedMs = checkpointMs + 2_000;

interface Weight {
  readonly riders: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly redisBytes: number;
}

async function run(surroundings: Surroundings): Promise<ScenarioResult> {
  const { options } = surroundings;
  const last = options.riders ?? steps.at(-1) ?? 0;
  const counts = steps.map((count) => Math.round((count / (steps.at(-1) ?? 1)) * last));
  const durable = await weigh(surroundings, 'durable', counts);
  const echo = await weigh(surroundings, 'echo-beat', counts);
  const perSession = (weights: readonly Weight[], of: (weight: Weight) => number): number =>
    slope(weights.map((weight) => [weight.riders, of(weight)] as const)) / 1_024;
  const row = (name: SubjectName, { weights, busy }: Weighed) =>
    [
      name,
      ...(['rssBytes', 'heapBytes', 'redisBytes'] as const).map((what) =>
        Number(perSession(weights, (weight) => weight[what]).toFixed(2)),
      ),
      Number((100 * busy).toFixed(2)),
    ] as const;
  return {
    name: 'idle',
    what: `${counts.join(', ')} riders who say nothing`,
    tables: [
      {
        title: `Per session, and of a core at ${last} of them`,
        columns: ['subject', 'server KiB', 'of it heap KiB', 'Redis KiB', 'CPU %'],
        rows: [row('durable', durable), row('echo-beat', echo)],
      },
    ],
    charts: [
      {
        title: 'Memory of the server',
        x: 'riders',
        y: 'MiB',
        lines: [
          ['durable', durable],
          ['echo-beat', echo],
        ].map(([name, weighed]) => ({
          name: name as string,
          points: (weighed as Weighed).weights.map(
            ({ riders, rssBytes }) => [riders, rssBytes / 2 ** 20] as const,
          ),
        })),
      },
    ],
    goals: [
      {
        what: 'memory of an idle session in the server',
        measured: perSession(durable.weights, ({ rssBytes }) => rssBytes),
        limit: { atMost: 10 },
        unit: 'KiB',
      },
      {
        what: 'memory of an idle session in Redis',
        measured: perSession(durable.weights, ({ redisBytes }) => redisBytes),
        limit: { atMost: 1 },
        unit: 'KiB',
      },
      {
        what: `server CPU with ${last} idle sessions`,
        measured: 100 * durable.busy,
        limit: { atMost: 0.5 },
        unit: '% of a core',
      },
    ],
    faults: [],
  };
}

interface Weighed {
  readonly weights: readonly Weight[];
  /** Share of a core at the last step. */
  readonly busy: number;
}

async function weigh(
  { stores, tell }: Surroundings,
  subject: SubjectName,
  counts: readonly number[],
): Promise<Weighed> {
  const bench = await openBench(stores, { subject, riders: 0, checkpointMs });
  const weights: Weight[] = [];
  try {
    let connected = 0;
    for (const riders of counts) {
      tell(`idle: ${subject}, ${riders} riders`);
      await bench.connect(riders - connected);
      connected = riders;
      await new Promise((resolve) => setTimeout(resolve, savedMs));
      weights.push({ riders, ...(await memoryOf(bench)) });
    }
    tell(`idle: ${subject}, ${connected} riders for ${idleS} s`);
    const before = await bench.subject.ask<Usage>({ kind: 'usage' });
    await new Promise((resolve) => setTimeout(resolve, idleS * 1_000));
    const after = await bench.subject.ask<Usage>({ kind: 'usage' });
    return { weights, busy: (after.cpuUs - before.cpuUs) / (idleS * 1_000_000) };
  } finally {
    await bench.end();
  }
}

async function memoryOf({ subject, stores }: Bench): Promise<Omit<Weight, 'riders'>> {
  const { rssBytes, heapBytes } = await subject.ask<Usage>({ kind: 'memory' });
  const redis = new Redis(stores.redis.url);
  try {
    const [, used] = /used_memory_dataset:(\d+)/.exec(await redis.info('memory')) ?? [];
    const [, overhead] = /used_memory_overhead:(\d+)/.exec(await redis.info('memory')) ?? [];
    return { rssBytes, heapBytes, redisBytes: Number(used) + Number(overhead) };
  } finally {
    redis.disconnect();
  }
}

/** Of the line through the points, by least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanX, meanY] = [mean(([x]) => x), mean(([, y]) => y)];
  const shared = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return shared / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

export const idle: Scenario = { what: 'memory and CPU of sessions in which nothing happens', run };

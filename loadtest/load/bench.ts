/** Stores, a subject and riders, each in processes of their own; and what each of them used. */
import { Redis } from 'ioredis';

import {
  startPostgres,
  type PostgresService,
} from '../../test/support/services/postgres-service.ts';
import { startRedis, type RedisService } from '../../test/support/services/redis-service.ts';
import { startChild, type Child } from './child.ts';
import { together } from './latencies.ts';
import type { ConnectRiders, GeneratorQuestion, Ride, RideResult } from './riders.ts';
import type { SubjectName, SubjectQuestion } from './subjects.ts';
import { treeCpuUs, type Usage } from './usage.ts';

export interface Stores {
  readonly postgres: PostgresService;
  readonly redis: RedisService;
  stop(): Promise<void>;
}

export async function startStores(): Promise<Stores> {
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  return {
    postgres,
    redis,
    stop: async () => {
      await Promise.all([postgres.stop(), redis.stop()]);
    },
  };
}

/** A subject with its riders connected. */
export interface Bench {
  readonly subject: Child;
  readonly port: number;
  readonly generators: readonly [Child, ...Child[]];
  readonly stores: Stores;
  /** That many more riders. */
  connect(riders: number): Promise<void>;
  end(): Promise<void>;
}

export interface BenchPlan {
  readonly subject: SubjectName;
  readonly riders: number;
  readonly checkpointMs: number;
  readonly hasAccounts?: boolean;
  /** Processes the riders are spread over; one where it is absent. */
  readonly generatorCount?: number | undefined;
}

const askSubject = <Answer>(child: Child, question: SubjectQuestion): Promise<Answer> =>
  child.ask(question);
const askGenerator = <Answer>(child: Child, question: GeneratorQuestion): Promise<Answer> =>
  child.ask(question);

export async function openBench(stores: Stores, plan: BenchPlan): Promise<Bench> {
  const { generatorCount = 1 } = plan;
  const subject = startChild('subject', [plan.subject], ['--expose-gc']);
  const generators: [Child, ...Child[]] = [startChild('generator', [plan.subject])];
  while (generators.length < generatorCount)
    generators.push(startChild('generator', [plan.subject]));
  const end = async (): Promise<void> => {
    await Promise.all([subject, ...generators].map((child) => child.kill()));
  };
  try {
    const port = await askSubject<number>(subject, {
      kind: 'start',
      name: plan.subject,
      postgres: stores.postgres.url,
      redis: stores.redis.url,
      checkpointMs: plan.checkpointMs,
      hasAccounts: plan.hasAccounts,
    });
    const connect = async (count: number): Promise<void> => {
      const share = Math.floor(count / generators.length);
      await Promise.all(
        generators.map((generator, place) => {
          const own = place === 0 ? count - share * (generators.length - 1) : share;
          const question: ConnectRiders = {
            kind: 'connect',
            subject: plan.subject,
            port,
            count: own,
          };
          return askGenerator(generator, question);
        }),
      );
    };
    if (plan.riders > 0) await connect(plan.riders);
    return { subject, port, generators, stores, connect, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Microseconds of CPU per event. */
export interface Cost {
  readonly eventsPerS: number;
  readonly serverUs: number;
  readonly redisUs: number;
  readonly postgresUs: number;
  readonly generatorUs: number;
}

export interface Measured extends RideResult {
  readonly cost: Cost;
}

/** Rides, and reads before and after what everybody used. The end, in which everything is answered and saved, belongs to it. */
export async function measure(bench: Bench, ride: Ride): Promise<Measured> {
  const before = await readAll(bench);
  const result = summed(
    await Promise.all(
      bench.generators.map((generator) => askGenerator<RideResult>(generator, ride)),
    ),
  );
  const after = await readAll(bench);
  const per = (of: (reading: Reading) => number): number =>
    (of(after) - of(before)) / result.latencies.count;
  return {
    ...result,
    cost: {
      eventsPerS: result.events / ride.seconds,
      serverUs: per(({ server }) => server.cpuUs),
      redisUs: per(({ redisUs }) => redisUs),
      postgresUs: per(({ postgresUs }) => postgresUs),
      generatorUs: per(({ generatorUs }) => generatorUs),
    },
  };
}

/** Of several generators; `own` is the one that had most to do. */
export function summed(parts: readonly RideResult[]): RideResult {
  const sum = (of: (part: RideResult) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  return {
    events: sum(({ events }) => events),
    latencies: together(parts.map(({ latencies }) => latencies)),
    overTime: parts[0]?.overTime ?? [],
    lateness: together(parts.map(({ lateness }) => lateness)),
    saving: together(parts.map(({ saving }) => saving)),
    missing: sum(({ missing }) => missing),
    unsaved: sum(({ unsaved }) => unsaved),
    own: {
      cores: Math.max(...parts.map(({ own }) => own.cores)),
      busy: Math.max(...parts.map(({ own }) => own.busy)),
    },
  };
}

interface Reading {
  readonly server: Usage;
  readonly generatorUs: number;
  readonly redisUs: number;
  readonly postgresUs: number;
}

async function readAll({ subject, generators, stores }: Bench): Promise<Reading> {
  const [server, redisUs, postgresUs, ...riders] = await Promise.all([
    askSubject<Usage>(subject, { kind: 'usage' }),
    redisCpuUs(stores.redis.url),
    treeCpuUs(stores.postgres.pid()),
    ...generators.map((generator) => askGenerator<Usage>(generator, { kind: 'usage' })),
  ]);
  const generatorUs = riders.reduce((sum, { cpuUs }) => sum + cpuUs, 0);
  return { server, generatorUs, redisUs, postgresUs };
}

/** Redis counts its own CPU finer than the kernel tells it. */
export async function redisCpuUs(url: string): Promise<number> {
  const redis = new Redis(url);
  try {
    const info = await redis.info('cpu');
    const of = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]);
    return (of('used_cpu_sys') + of('used_cpu_user')) * 1_000_000;
  } finally {
    redis.disconnect();
  }
}

/** Stores, a subject and riders, each in processes of its own, for one round; and what each of them used. */
import { Redis } from 'ioredis';

import {
  startPostgres,
  type PostgresService,
} from '../../test/support/services/postgres-service.ts';
import { startRedis, type RedisService } from '../../test/support/services/redis-service.ts';
import { startChild, type Child } from './child.ts';
import type { ConnectRiders, GeneratorQuestion, Ride, RideResult } from './riders.ts';
import type { SubjectName, SubjectQuestion } from './subjects.ts';
import { busyShare, treeCpuUs, type Usage } from './usage.ts';

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
  readonly generator: Child;
  readonly stores: Stores;
  /** That many more riders. */
  connect(riders: number): Promise<void>;
  end(): Promise<void>;
}

export interface BenchPlan {
  readonly subject: SubjectName;
  readonly riders: number;
  readonly checkpointMs: number;
}

const askSubject = <Answer>(child: Child, question: SubjectQuestion): Promise<Answer> =>
  child.ask(question);
const askGenerator = <Answer>(child: Child, question: GeneratorQuestion): Promise<Answer> =>
  child.ask(question);

export async function openBench(stores: Stores, plan: BenchPlan): Promise<Bench> {
  const subject = startChild('subject', [plan.subject], ['--expose-gc']);
  const generator = startChild('generator', [plan.subject]);
  const end = async (): Promise<void> => {
    await Promise.all([subject.kill(), generator.kill()]);
  };
  try {
    const port = await askSubject<number>(subject, {
      kind: 'start',
      name: plan.subject,
      postgres: stores.postgres.url,
      redis: stores.redis.url,
      checkpointMs: plan.checkpointMs,
    });
    const connect = async (count: number): Promise<void> => {
      const question: ConnectRiders = { kind: 'connect', subject: plan.subject, port, count };
      await askGenerator(generator, question);
    };
    if (plan.riders > 0) await connect(plan.riders);
    return { subject, generator, stores, connect, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Microseconds of CPU per event, and how busy the two event loops were. */
export interface Cost {
  readonly eventsPerS: number;
  readonly serverUs: number;
  readonly redisUs: number;
  readonly postgresUs: number;
  readonly generatorUs: number;
  readonly serverBusy: number;
  readonly generatorBusy: number;
}

export interface Measured extends RideResult {
  readonly cost: Cost;
}

/** Rides, and reads before and after what everybody used. The end, in which everything is answered, belongs to it. */
export async function measure(bench: Bench, ride: Ride): Promise<Measured> {
  const before = await readAll(bench);
  const result = await askGenerator<RideResult>(bench.generator, ride);
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
      generatorUs: per(({ generator }) => generator.cpuUs),
      serverBusy: busyShare(before.server, after.server),
      generatorBusy: busyShare(before.generator, after.generator),
    },
  };
}

interface Reading {
  readonly server: Usage;
  readonly generator: Usage;
  readonly redisUs: number;
  readonly postgresUs: number;
}

async function readAll({ subject, generator, stores }: Bench): Promise<Reading> {
  const [server, riders, redisUs, postgresUs] = await Promise.all([
    askSubject<Usage>(subject, { kind: 'usage' }),
    askGenerator<Usage>(generator, { kind: 'usage' }),
    redisCpuUs(stores.redis.url),
    treeCpuUs(stores.postgres.pid()),
  ]);
  return { server, generator: riders, redisUs, postgresUs };
}

/** Redis counts its own CPU finer than the kernel tells it. */
async function redisCpuUs(url: string): Promise<number> {
  const redis = new Redis(url);
  try {
    const info = await redis.info('cpu');
    const of = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]);
    return (of('used_cpu_sys') + of('used_cpu_user')) * 1_000_000;
  } finally {
    redis.disconnect();
  }
}

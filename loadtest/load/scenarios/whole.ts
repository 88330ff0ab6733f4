/** Everything on one machine: nginx, Redis, Postgres, two instances, and the riders too. How many riders it carries. */
import { Pool } from 'pg';

import { summed } from '../bench.ts';
import { startChild } from '../child.ts';
import { startPair, type PartsUs } from '../pair.ts';
import { rounded, type ScenarioResult } from '../result.ts';
import type { RideResult } from '../riders.ts';
import type { Scenario, Surroundings } from '../scenario.ts';

const riderCount = 5_000;
const hzDefault = 1;
const checkpointMs = 5_000;

/** A process of riders does one thing at a time, and would be late for thousands. */
const generatorCount = 2;

/** Of the riders the goals are for; what comes after them shows where it ends. */
const growth = [0.25, 0.5, 1, 1.5];

/** Milliseconds the riders may be late themselves. */
const latenessMsMax = 100;

interface Carried extends RideResult {
  readonly riders: number;
  readonly cores: PartsUs;
  readonly rowsPerCheckpoint: number;
}

async function run({ stores, options, tell }: Surroundings): Promise<ScenarioResult> {
  const { hz = hzDefault, seconds, warmUpS } = options;
  const even = (count: number): number => generatorCount * Math.round(count / generatorCount);
  const riders = even(options.riders ?? riderCount);
  const pair = await startPair(stores, checkpointMs);
  const generators = Array.from({ length: generatorCount }, () =>
    startChild('generator', ['durable']),
  );
  const pool = new Pool({ connectionString: stores.postgres.url, max: 1 });
  const carried: Carried[] = [];
  const ride = async (length: number): Promise<RideResult> => {
    const question = { kind: 'ride', seconds: length, load: { hz } };
    return summed(await Promise.all(generators.map((one) => one.ask<RideResult>(question))));
  };
  try {
    const port = Number(new URL(pair.nginx.url).port);
    let connected = 0;
    for (const times of growth) {
      const count = even(riders * times);
      tell(`whole: ${count} riders`);
      const more = (count - connected) / generatorCount;
      const question = { kind: 'connect', subject: 'durable', port, count: more };
      await Promise.all(generators.map((one) => one.ask(question)));
      connected = count;
      await ride(warmUpS);
      tell(`whole: ${count} riders × ${hz} Hz for ${seconds} s`);
      const [rowsBefore, before] = [await countRows(pool), await pair.used()];
      const beganMs = performance.now();
      const ridden = await ride(seconds);
      const elapsedUs = (performance.now() - beganMs) * 1_000;
      const [rows, after] = [(await countRows(pool)) - rowsBefore, await pair.used()];
      const core = (part: keyof PartsUs): number => (after[part] - before[part]) / elapsedUs;
      carried.push({
        ...ridden,
        riders: count,
        cores: {
          servers: core('servers'),
          redis: core('redis'),
          postgres: core('postgres'),
          nginx: core('nginx'),
        },
        rowsPerCheckpoint: rows / ((count * elapsedUs) / 1_000 / checkpointMs),
      });
    }
    return resultOf(carried, riders, hz);
  } finally {
    await pool.end();
    await Promise.all(generators.map((one) => one.kill()));
    await pair.end();
  }
}

function resultOf(carried: readonly Carried[], riders: number, hz: number): ScenarioResult {
  const main = carried.find((one) => one.riders === riders);
  const line = (of: (one: Carried) => number) =>
    carried.map((one) => [one.riders, of(one)] as const);
  return {
    name: 'whole',
    what: `riders × ${hz} Hz, with nginx, two instances, Redis, Postgres and the riders on one machine`,
    tables: [
      {
        title: 'Sent → accepted',
        columns: [
          'riders',
          'events',
          'p50 ms',
          'p90 ms',
          'p99 ms',
          'max ms',
          'missing',
          'saved p99 s',
          'riders late p99 ms',
        ],
        rows: carried.map((one) => [
          one.riders,
          one.events,
          ...(['p50', 'p90', 'p99', 'max'] as const).map((name) => rounded(one.latencies[name])),
          one.missing + one.unsaved,
          rounded(one.saving.p99 / 1_000),
          rounded(one.lateness.p99),
        ]),
      },
      {
        title: 'Cores used',
        columns: ['riders', 'two servers', 'Redis', 'Postgres', 'nginx', 'riders, each process'],
        rows: carried.map(({ riders: count, cores, own }) => [
          count,
          ...[cores.servers, cores.redis, cores.postgres, cores.nginx, own.cores].map((share) =>
            Number(share.toFixed(2)),
          ),
        ]),
      },
    ],
    charts: [
      {
        title: 'Sent → accepted',
        x: 'riders',
        y: 'ms',
        lines: (['p50', 'p99'] as const).map((name) => ({
          name,
          points: line(({ latencies }) => latencies[name]),
        })),
      },
      {
        title: 'Cores used',
        x: 'riders',
        y: 'cores',
        lines: [
          { name: 'two servers', points: line(({ cores }) => cores.servers) },
          { name: 'Redis', points: line(({ cores }) => cores.redis) },
          { name: 'Postgres', points: line(({ cores }) => cores.postgres) },
          { name: 'nginx', points: line(({ cores }) => cores.nginx) },
          { name: 'riders', points: line(({ own }) => own.cores) },
        ],
      },
      {
        title: `Sent → accepted, second by second, ${riders} riders`,
        x: 's',
        y: 'ms',
        lines: (['p50', 'p99'] as const).map((name) => ({
          name,
          points: (main?.overTime ?? []).map((moment) => [moment.second, moment[name]] as const),
        })),
      },
    ],
    goals: goalsOf(main),
    faults: main === undefined ? [] : faultsOf(main),
  };
}

function goalsOf(main: Carried | undefined): ScenarioResult['goals'] {
  return [
    {
      what: 'riders on one machine',
      measured: main?.riders ?? 0,
      limit: { atLeast: riderCount },
      unit: 'riders',
    },
    {
      what: 'sent → accepted p99',
      measured: main?.latencies.p99 ?? Number.NaN,
      limit: { atMost: 250 },
      unit: 'ms',
    },
    {
      what: 'rows in Postgres per session and checkpoint interval',
      measured: main?.rowsPerCheckpoint ?? Number.NaN,
      limit: { atMost: 1.05 },
      unit: 'rows',
    },
    {
      what: 'sent → saved p99',
      measured: (main?.saving.p99 ?? Number.NaN) / checkpointMs,
      limit: { atMost: 2 },
      unit: 'checkpoint intervals',
    },
  ];
}

const faultsOf = ({ missing, unsaved, lateness }: Carried): string[] => [
  ...(missing > 0 ? [`${missing} events were never accepted.`] : []),
  ...(unsaved > 0 ? [`${unsaved} events were not saved in time.`] : []),
  ...(lateness.p99 > latenessMsMax
    ? [`The riders starved: their own p99 is ${lateness.p99.toFixed(0)} ms late.`]
    : []),
];

async function countRows(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(
    'select count(*) from trackstand.session_log',
  );
  return Number(rows[0]?.count);
}

export const whole: Scenario = { what: 'thousands of riders with everything on one machine', run };

/** Everything on one machine: nginx, Redis, Postgres, two instances, and the riders too. How many riders it carries. */
import { Pool } from 'pg';

import { startChild } from '../child.ts';
import { startPair } from '../pair.ts';
import type { ScenarioResult } from '../result.ts';
import type { RideResult } from '../riders.ts';
import type { Scenario, Surroundings } from '../scenario.ts';

const riderCount = 5_000;
const hzDefault = 1;
const checkpointMs = 5_000;
const warmUpS = 15;

async function run({ stores, options, tell }: Surroundings): Promise<ScenarioResult> {
  const { riders = riderCount, hz = hzDefault, seconds } = options;
  const pair = await startPair(stores, checkpointMs);
  const generator = startChild('generator', ['durable']);
  const pool = new Pool({ connectionString: stores.postgres.url, max: 1 });
  try {
    const port = Number(new URL(pair.nginx.url).port);
    tell(`whole: ${riders} riders`);
    await generator.ask({ kind: 'connect', subject: 'durable', port, count: riders });
    await generator.ask({ kind: 'ride', seconds: warmUpS, load: { hz } });
    tell(`whole: ${riders} riders × ${hz} Hz for ${seconds} s`);
    const rowsBefore = await countRows(pool);
    const ridden = await generator.ask<RideResult>({ kind: 'ride', seconds, load: { hz } });
    const rows = (await countRows(pool)) - rowsBefore;
    const { latencies, lateness, missing } = ridden;
    const perCheckpoint = rows / ((riders * seconds * 1_000) / checkpointMs);
    return {
      name: 'whole',
      what: `${riders} riders × ${hz} Hz, with nginx, two instances, Redis, Postgres and the riders on one machine`,
      tables: [
        {
          title: 'Sent → accepted',
          columns: ['riders', 'events', 'p50 ms', 'p90 ms', 'p99 ms', 'max ms', 'missing'],
          rows: [
            [
              riders,
              ridden.events,
              Math.round(latencies.p50),
              Math.round(latencies.p90),
              Math.round(latencies.p99),
              Math.round(latencies.max),
              missing,
            ],
          ],
        },
      ],
      charts: [],
      goals: [
        {
          what: 'riders on one machine',
          measured: riders,
          limit: { atLeast: riderCount },
          unit: 'riders',
        },
        {
          what: 'sent → accepted p99',
          measured: latencies.p99,
          limit: { atMost: 250 },
          unit: 'ms',
        },
        {
          what: 'rows in Postgres per session and checkpoint interval',
          measured: perCheckpoint,
          limit: { atMost: 1.05 },
          unit: 'rows',
        },
      ],
      faults: [
        ...(missing > 0 ? [`${missing} events were never accepted.`] : []),
        ...(lateness.p99 > 200
          ? [`The riders starved: their own p99 is ${lateness.p99.toFixed(0)} ms late.`]
          : []),
      ],
    };
  } finally {
    await pool.end();
    await generator.kill();
    await pair.end();
  }
}

async function countRows(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(
    'select count(*) from trackstand.session_log',
  );
  return Number(rows[0]?.count);
}

export const whole: Scenario = { what: 'thousands of riders with everything on one machine', run };

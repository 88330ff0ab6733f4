/** `kill -9` of one of two instances behind nginx, again and again, while riders ride: who notices, and for how long. */
import { join } from 'node:path';

import { startChild } from '../child.ts';
import { startPair } from '../pair.ts';
import type { ScenarioResult } from '../result.ts';
import type { Recovery, RideResult } from '../riders.ts';
import type { Scenario, Surroundings } from '../scenario.ts';
import { percentile } from './storm.ts';

const riderCount = 1_000;
const hzDefault = 1;
const checkpointMs = 5_000;

/** Between two kills: the one that was killed is there again. */
const restS = 4;

async function run({ stores, options, tell }: Surroundings): Promise<ScenarioResult> {
  const { riders = riderCount, hz = hzDefault, rounds } = options;
  const pair = await startPair(stores, checkpointMs);
  const generator = startChild('generator', ['durable']);
  try {
    const port = Number(new URL(pair.nginx.url).port);
    tell(`restart: ${riders} riders`);
    await generator.ask({ kind: 'connect', subject: 'durable', port, count: riders });
    const seconds = rounds * (restS + 4);
    const riding = generator.ask<RideResult>({ kind: 'ride', seconds, load: { hz } });
    const recoveries: Recovery[] = [];
    for (let round = 1; round <= rounds; round++) {
      tell(`restart: kill ${round} of ${rounds}`);
      const slot = round % 2 === 0 ? 0 : 1;
      const recovering = generator.ask<Recovery>({ kind: 'break', isOwn: false });
      await pair.instances[slot].kill();
      recoveries.push(await recovering);
      await pair.replace(slot);
      await new Promise((resolve) => setTimeout(resolve, restS * 1_000));
    }
    const ridden = await riding;
    const backMs = recoveries.flatMap((recovery) => recovery.backMs);
    const dials = recoveries.reduce((sum, { dialCount }) => sum + dialCount, 0);
    return {
      name: 'restart',
      what: `${riders} riders × ${hz} Hz on two instances behind ${join('deploy', 'nginx')}, one killed with -9 ${rounds} times`,
      tables: [
        {
          title: 'Back again',
          columns: ['killed', 'riders', 'half ms', '99 % ms', 'all ms', 'dials'],
          rows: recoveries.map((recovery, index) => [
            index % 2 === 0 ? 'b' : 'a',
            recovery.backMs.length,
            Math.round(percentile(recovery.backMs, 50)),
            Math.round(percentile(recovery.backMs, 99)),
            Math.round(percentile(recovery.backMs, 100)),
            recovery.dialCount,
          ]),
        },
      ],
      charts: [],
      goals: [
        {
          what: '99 % of those who lost their instance are back',
          measured: percentile(backMs, 99),
          limit: { atMost: 700 },
          unit: 'ms',
        },
        {
          what: 'all of them are back',
          measured: percentile(backMs, 100),
          limit: { atMost: 2_000 },
          unit: 'ms',
        },
        {
          what: 'dials for each who lost the connection',
          measured: dials / backMs.length,
          limit: { atMost: 2 },
          unit: '×',
        },
        {
          what: 'events that were never accepted',
          measured: ridden.missing,
          limit: { atMost: 0 },
          unit: 'events',
        },
      ],
      faults: [
        ...(ridden.missing > 0 ? [`${ridden.missing} events were never accepted.`] : []),
        ...(backMs.length === 0 ? ['Nobody lost a connection.'] : []),
      ],
    };
  } finally {
    await generator.kill();
    await pair.end();
  }
}

export const restart: Scenario = { what: 'kill -9 of one of two instances, under load', run };

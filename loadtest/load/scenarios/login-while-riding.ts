/** A crowd signs in while riders ride: whether they notice. Quiet and crowded in turn. */
import { measure, openBench, type Measured } from '../bench.ts';
import { median, rounded, type ScenarioResult } from '../result.ts';
import { isStarved } from '../rounds.ts';
import type { Scenario, Surroundings } from '../scenario.ts';
import { crowd } from './login.ts';

const riderCount = 500;
const hzDefault = 4;
const checkpointMs = 5_000;

/** More than are through in a turn, so that there is always one who hashes. */
const peopleCount = 40;

async function run({ stores, options, tell }: Surroundings): Promise<ScenarioResult> {
  const { riders = riderCount, hz = hzDefault, rounds, seconds } = options;
  const bench = await openBench(stores, {
    subject: 'durable',
    riders,
    checkpointMs,
    hasAccounts: true,
  });
  const turns: { readonly quiet: Measured; readonly crowded: Measured }[] = [];
  const turn = (length: number): Promise<Measured> =>
    measure(bench, { kind: 'ride', seconds: length, load: { hz } });
  try {
    tell(`login-while-riding: warming up for ${options.warmUpS} s`);
    await turn(options.warmUpS);
    for (let round = 1; round <= rounds; round++) {
      tell(`login-while-riding: round ${round} of ${rounds}`);
      const quiet = await turn(seconds);
      const entering = crowd(bench, peopleCount + round);
      const crowded = await turn(seconds);
      await entering;
      turns.push({ quiet, crowded });
    }
  } finally {
    await bench.end();
  }
  const of = (which: 'quiet' | 'crowded', what: (one: Measured) => number): number =>
    median(turns.map((one) => what(one[which])));
  const rows = (['quiet', 'crowded'] as const).map((which) => [
    which,
    rounded(of(which, ({ latencies }) => latencies.p50)),
    rounded(of(which, ({ latencies }) => latencies.p99)),
    rounded(of(which, ({ cost }) => cost.serverUs)),
    rounded(of(which, ({ lateness }) => lateness.p99)),
  ]);
  const all = turns.flatMap(({ quiet, crowded }) => [quiet, crowded]);
  return {
    name: 'login-while-riding',
    what: `${riders} riders × ${hz} Hz, while ${peopleCount} people register and sign in, and while nobody does`,
    tables: [
      {
        title: 'Sent → accepted',
        columns: ['', 'p50 ms', 'p99 ms', 'server µs per event, hashing too', 'riders late p99 ms'],
        rows,
      },
    ],
    charts: [
      {
        title: 'Sent → accepted, p99',
        x: 'round',
        y: 'ms',
        lines: (['quiet', 'crowded'] as const).map((name) => ({
          name,
          points: turns.map((one, place) => [place + 1, one[name].latencies.p99] as const),
        })),
      },
    ],
    goals: [
      {
        what: 'sent → accepted p99 while people sign in, of quiet',
        measured: median(
          turns.map(({ quiet, crowded }) => crowded.latencies.p99 / quiet.latencies.p99),
        ),
        limit: { atMost: 2 },
        unit: '×',
      },
    ],
    faults: [
      ...(all.some(({ missing }) => missing > 0) ? ['Events were never answered.'] : []),
      ...(all.filter(isStarved).length > all.length / 2 ? ['The riders starved.'] : []),
    ],
  };
}

export const loginWhileRiding: Scenario = {
  what: 'whether riders notice that a crowd signs in',
  run,
};

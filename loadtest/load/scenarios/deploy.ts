/** deploy/rolling.sh under load, again and again: who notices. */
import { fileURLToPath } from 'node:url';

import { prove } from '../../../test/prove/prove-run.ts';
import { badCount, type ProofReport } from '../../../test/prove/report.ts';
import type { ScenarioResult } from '../result.ts';
import type { Scenario, Surroundings } from '../scenario.ts';
import { percentile } from './storm.ts';

const sessionCount = 50;
const growth = [1, 2, 4];
const deploysEach = 2;

async function run({ options, tell }: Surroundings): Promise<ScenarioResult> {
  const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const base = options.riders ?? sessionCount;
  const reports: ProofReport[] = [];
  for (const times of growth) {
    tell(`deploy: ${base * times} sessions`);
    reports.push(
      await prove({
        repository: at('../../'),
        verdictFile: at('../deploy/verdict.js'),
        serverFile: at('../server/main.js'),
        deployCount: deploysEach,
        sessionCount: base * times,
        commandsPerS: base * times * (options.hz ?? 1),
        requestsPerS: 20,
        holdS: 1,
        say: tell,
      }),
    );
  }
  const total = (of: (report: ProofReport) => number): number =>
    reports.reduce((sum, report) => sum + of(report), 0);
  return {
    name: 'deploy',
    what: `deploy/rolling.sh with nginx and plain processes, ${deploysEach} times at each size, a command a second and session`,
    tables: [
      {
        title: 'What users noticed',
        columns: [
          'sessions',
          'deploys',
          'requests',
          'failed',
          'commands',
          'differing',
          'gaps',
          'longest ms',
          'moves each',
          'request p99 ms',
          'deploy s',
        ],
        rows: reports.map(rowOf),
      },
    ],
    charts: [
      {
        title: 'Requests during deploys, p99',
        x: 'sessions',
        y: 'ms',
        lines: [
          {
            name: 'get, new connection',
            points: reports.map((report) => [report.sessionCount, requestP99(report)] as const),
          },
        ],
      },
    ],
    goals: [
      {
        what: 'requests that failed',
        measured: total(failedCount),
        limit: { atMost: 0 },
        unit: 'requests',
      },
      {
        what: 'times a session was without a connection',
        measured: total(({ gapsMs }) => gapsMs.length),
        limit: { atMost: 0 },
        unit: 'gaps',
      },
      {
        what: 'sessions in which a command was lost, doubled or swapped',
        measured: total(({ differingCount }) => differingCount),
        limit: { atMost: 0 },
        unit: 'sessions',
      },
    ],
    faults: reports.flatMap(({ deploys }) =>
      deploys
        .filter(({ exitCode }) => exitCode !== 0)
        .map(({ op, exitCode }) => `${op} ended with ${exitCode}.`),
    ),
  };
}

const failedCount = ({ tallies }: ProofReport): number =>
  Object.values(tallies).reduce((sum, tally) => sum + badCount(tally), 0);
const requestP99 = ({ tallies }: ProofReport): number =>
  percentile(tallies['get-new'].durationsMs, 99);

function rowOf(report: ProofReport): (string | number)[] {
  const { sessionCount: sessions, deploys, tallies, commandCount, differingCount, gapsMs } = report;
  const moves = deploys.flatMap((deploy) => deploy.moves);
  const requests = Object.values(tallies).reduce((sum, { sent }) => sum + sent, 0);
  const seconds = deploys.reduce((sum, deploy) => sum + deploy.seconds, 0) / deploys.length;
  return [
    sessions,
    deploys.length,
    requests,
    failedCount(report),
    commandCount,
    differingCount,
    gapsMs.length,
    Math.round(Math.max(0, ...gapsMs)),
    Number((moves.reduce((sum, count) => sum + count, 0) / Math.max(1, moves.length)).toFixed(2)),
    Math.round(requestP99(report)),
    Math.round(seconds),
  ];
}

export const deploy: Scenario = { what: 'rolling.sh under load: who notices', run };

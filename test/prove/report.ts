/** What the proof found, as one page. Pure. */
import type { Kind, Tally } from './load.ts';

export interface ProofReport {
  readonly release: string;
  readonly machine: string;
  readonly seconds: number;
  readonly deploys: readonly DeployRow[];
  readonly tallies: Readonly<Record<Kind, Tally>>;
  readonly sessionCount: number;
  readonly commandCount: number;
  /** Sessions whose state is not the fold of all commands given: something was lost, doubled or swapped. */
  readonly differingCount: number;
  readonly gapsMs: readonly number[];
}

export interface DeployRow {
  readonly op: string;
  readonly seconds: number;
  readonly exitCode: number | null;
  /** Of each client. */
  readonly moves: readonly number[];
}

export const badCount = ({ bad }: Tally): number =>
  [...bad.values()].reduce((sum, n) => sum + n, 0);

export function isKept({ deploys, tallies, differingCount, gapsMs }: ProofReport): boolean {
  return (
    deploys.every(({ exitCode, moves }) => exitCode === 0 && moves.every((count) => count === 1)) &&
    Object.values(tallies).every((tally) => badCount(tally) === 0 && tally.sent > 0) &&
    differingCount === 0 &&
    gapsMs.length === 0
  );
}

export function asMarkdown(report: ProofReport): string {
  const { tallies, deploys, gapsMs } = report;
  const total = Object.values(tallies).reduce((sum, { sent }) => sum + sent, 0);
  const failed = Object.values(tallies).reduce((sum, tally) => sum + badCount(tally), 0);
  const moves = deploys.flatMap(({ moves }) => moves);
  const perClient = moves.reduce((sum, count) => sum + count, 0) / Math.max(1, moves.length);
  return [
    `# ${deploys.length} deploys under load`,
    '',
    `${report.machine}; ${Math.round(report.seconds)} s; ${report.sessionCount} live sessions.`,
    '',
    '| what | result |',
    '|---|---|',
    `| requests failed | ${failed} of ${total}${failed === 0 ? ` (95 %: below ${percent(3 / total)})` : ''} |`,
    `| commands given | ${report.commandCount} |`,
    `| sessions in which one was lost, doubled or swapped | ${report.differingCount} of ${report.sessionCount} |`,
    `| moves per client and deploy | ${perClient.toFixed(2)} (most: ${Math.max(0, ...moves)}) |`,
    `| times without a connection | ${gapsMs.length}${gapsMs.length === 0 ? '' : `, longest ${Math.round(Math.max(...gapsMs))} ms`} |`,
    '',
    '| load | sent | failed | median, ms | 99 %, ms |',
    '|---|---|---|---|---|',
    ...Object.entries(tallies).map(([kind, tally]) => loadRow(kind, tally)),
    '',
    '| deploy | seconds | exit | moves of each client |',
    '|---|---|---|---|',
    ...deploys.map(
      ({ op, seconds, exitCode, moves }) =>
        `| ${op} | ${seconds.toFixed(1)} | ${exitCode} | ${[...new Set(moves)].toSorted((one, other) => one - other).join(', ')} |`,
    ),
    '',
  ].join('\n');
}

function loadRow(kind: string, tally: Tally): string {
  const sorted = tally.durationsMs.toSorted((one, other) => one - other);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
  const faults = [...tally.bad].map(([fault, count]) => `${count} × ${fault}`).join(', ');
  return `| ${kind} | ${tally.sent} | ${badCount(tally)}${faults === '' ? '' : ` (${faults})`} | ${at(0.5)} | ${at(0.99)} |`;
}

const percent = (share: number): string => `${(share * 100).toPrecision(2)} %`;

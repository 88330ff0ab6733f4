/** What the proof found, as one page. Pure. */
import type { Kind, Tally } from './load.ts';

export interface ProofReport {
  readonly seconds: number;
  readonly deploys: readonly DeployRow[];
  readonly tallies: Readonly<Record<Kind, Tally>>;
  readonly sessionCount: number;
  /** Commands given by the sessions, all of them accepted and saved where none differs. */
  readonly commandCount: number;
  /**
   * Sessions whose state is not the fold of all commands given, or of which Postgres does not have each command once and in order:
   * something was lost, doubled or swapped.
   */
  readonly differingCount: number;
  /** Of each time a client was without a connection. */
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

const isSmooth = ({ exitCode, moves }: DeployRow): boolean =>
  exitCode === 0 && moves.every((count) => count === 1);

export function isKept({ deploys, tallies, differingCount, gapsMs }: ProofReport): boolean {
  return (
    deploys.every(isSmooth) &&
    Object.values(tallies).every((tally) => badCount(tally) === 0 && tally.sent > 0) &&
    differingCount === 0 &&
    gapsMs.length === 0
  );
}

/** For the first line of the page and the last of the terminal. */
export function deploysInShort(report: ProofReport | string): string {
  if (typeof report === 'string') return 'The deploys could not be carried through.';
  const { deploys, tallies } = report;
  const total = Object.values(tallies).reduce((sum, { sent }) => sum + sent, 0);
  return `${deploys.length} deploys under load, ${figure(total)} requests, ${figure(report.commandCount)} commands: ${isKept(report) ? 'nobody noticed.' : 'IT WAS NOTICED.'}`;
}

export function asMarkdown(report: ProofReport): string {
  const { tallies, deploys, gapsMs, sessionCount, commandCount, differingCount } = report;
  const total = Object.values(tallies).reduce((sum, { sent }) => sum + sent, 0);
  const failed = Object.values(tallies).reduce((sum, tally) => sum + badCount(tally), 0);
  const moves = deploys.flatMap(({ moves }) => moves);
  const moveCount = moves.reduce((sum, count) => sum + count, 0);
  const perClient = moveCount / Math.max(1, moves.length);
  // A move without a gap took none.
  const gaps = [...Array<number>(Math.max(0, moveCount - gapsMs.length)).fill(0), ...gapsMs];
  const seconds = deploys.map((deploy) => deploy.seconds);
  const took = [0, 0.5, 1].map((share) => `${at(seconds, share).toFixed(0)} s`);
  const { length: deployCount } = deploys;
  return [
    `## ${deployCount} deploys, one after the other, ${sessionCount} live sessions`,
    '',
    isKept(report) ? '**Nobody noticed.**' : '**It was noticed.**',
    '',
    '| | | 95 % bound where it is 0 |',
    '|---|---:|---|',
    `| deploys that ended well | ${deploys.filter(({ exitCode }) => exitCode === 0).length} of ${deployCount} | |`,
    `| seconds each took: shortest, median, longest | ${took.join(', ')} | |`,
    `| requests that failed | ${figure(failed)} of ${figure(total)} | ${bound(failed, total, 'request')} |`,
    `| sessions in which a command was lost, doubled or swapped | ${differingCount} of ${sessionCount} | |`,
    `| commands accepted and saved, each once | ${figure(commandCount)} | ${bound(differingCount, commandCount, 'command')} |`,
    `| moves per client and deploy: mean, most | ${perClient.toFixed(2)}, ${Math.max(0, ...moves)} | |`,
    `| milliseconds without a connection per move: 50 %, 99 %, longest | ${[0.5, 0.99, 1].map((share) => Math.round(at(gaps, share))).join(', ')} | ${bound(gapsMs.length, moveCount, 'move')} |`,
    '',
    '| load | sent | failed | median, ms | 99 %, ms | longest, ms |',
    '|---|---:|---:|---:|---:|---:|',
    ...Object.entries(tallies).map(([kind, tally]) => loadRow(kind, tally)),
    '',
    ...deploys
      .filter((deploy) => !isSmooth(deploy))
      .map(
        ({ op, exitCode, moves }) =>
          `- ${op}: exit ${exitCode}, moves of its clients: ${[...new Set(moves)].toSorted((one, other) => one - other).join(', ')}`,
      ),
    '',
  ].join('\n');
}

const bound = (count: number, total: number, thing: string): string =>
  count > 0 || total === 0 ? '' : `below ${ruleOfThree(total, `${thing} `)}`;

/** What never happened in `total` times is, with 95 % confidence, rarer than that. */
export const ruleOfThree = (total: number, thing: string): string =>
  `1 ${thing}in ${figure(Math.floor(total / 3))}`;

export const figure = (count: number): string => count.toLocaleString('en-US');

function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function loadRow(kind: string, tally: Tally): string {
  const faults = [...tally.bad].map(([fault, count]) => `${count} × ${fault}`).join(', ');
  const times = [0.5, 0.99, 1].map((share) => at(tally.durationsMs, share).toFixed(0));
  return `| ${kind} | ${figure(tally.sent)} | ${badCount(tally)}${faults === '' ? '' : ` (${faults})`} | ${times.join(' | ')} |`;
}

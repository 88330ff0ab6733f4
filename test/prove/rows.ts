/** One row of the report: something done to a service in use, and what its users noticed. */
import type { Noticed, Use } from './under-load.ts';

export interface Row {
  readonly id: string;
  readonly group: 'ours' | 'taken-away' | 'other-proxies' | 'others';
  readonly what: string;
  /** What is known to come of it, in words. */
  readonly because: string;
  /** Whether that came of it: what is promised holds, and what a guard prevents is seen without it. */
  readonly expects: (noticed: RowNoticed) => boolean;
  /** Resolves to a sentence when it cannot be done here. */
  readonly run: (bench: Bench) => Promise<RowNoticed | string>;
}

export interface Bench {
  readonly repository: string;
  /** Built. */
  readonly verdictFile: string;
  readonly serverFile: string;
  readonly commandsFile: string;
  /** Each row has its own. */
  readonly stores: () => Promise<{ readonly postgres: string; readonly redis: string }>;
  readonly use: Use;
}

export type RowNoticed = Noticed & {
  /** Of a rolling.sh that ran, or undefined. */
  readonly exitCode?: number | null;
  /** Seconds a rollback took, and the like. */
  readonly note?: string;
  /** The last that rolling.sh said, for whoever wonders why a row is not as expected. */
  readonly said?: string;
};

export interface RowResult {
  readonly row: Omit<Row, 'run'>;
  readonly outcome: RowNoticed | string;
  /** The row itself failed, and `outcome` says how. */
  readonly isBroken?: true;
}

export const failedCount = ({ failed }: Noticed): number =>
  Object.values(failed).reduce((sum, count) => sum + count, 0);

export const noRequestFails = (noticed: Noticed): boolean => failedCount(noticed) === 0;
export const requestsFail = (noticed: Noticed): boolean => failedCount(noticed) > 0;
export const gapsAreSeen = ({ gapsMs }: Noticed): boolean => gapsMs.length > 0;
export const nothingIsNoticed = (noticed: RowNoticed): boolean =>
  noRequestFails(noticed) && !gapsAreSeen(noticed) && (noticed.exitCode ?? 0) === 0;
export const eachMovesOnce = (noticed: RowNoticed): boolean =>
  nothingIsNoticed(noticed) && noticed.moves.every((count) => count === 1);
export const anything = (): boolean => true;
/** Of a process that is gone nobody can say whether it carried out what was under way. */
export const onlyWhatWasUnderWayFails = ({ failed }: Noticed): boolean =>
  Object.keys(failed).every((fault) => / of post$|^closed 1006 of upgrade$/.test(fault));

/** Whether the row came out as it must; whatever is done, nothing is ever lost. */
export const isAsExpected = ({ row, outcome, isBroken }: RowResult): boolean =>
  typeof outcome === 'string'
    ? isBroken !== true
    : outcome.differingCount === 0 && row.expects(outcome);

const titles: Readonly<Record<Row['group'], string>> = {
  ours: 'Other things this deploy kit does',
  'taken-away': 'With one guard taken away',
  'other-proxies': 'Other proxies, used with care',
  others: 'Ways of others',
};

/** Pure. */
export function rowsAsMarkdown(results: readonly RowResult[]): string {
  const groups = (['ours', 'taken-away', 'other-proxies', 'others'] as const)
    .map((group) => [group, results.filter(({ row }) => row.group === group)] as const)
    .filter(([, found]) => found.length > 0);
  return groups
    .flatMap(([group, found]) => [
      `## ${titles[group]}`,
      '',
      '| row | what was done | requests failed | sessions with a loss | moves per client, most in 0.1 s | times without a connection: number, median, longest | what it shows |',
      '|---|---|---|---|---|---|---|',
      ...found.map(asLine),
      '',
    ])
    .join('\n');
}

function asLine(result: RowResult): string {
  const { row, outcome } = result;
  if (typeof outcome === 'string')
    return `| ${row.id} | ${row.what} | not run: ${outcome} | | | | ${row.because} |`;
  const count = failedCount(outcome);
  const share = ((100 * count) / Math.max(1, outcome.requestCount)).toFixed(1);
  const faults = Object.entries(outcome.failed)
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, 4)
    .map(([fault, times]) => `${times} × ${fault}`);
  const { moves } = outcome;
  const perClient = moves.reduce((sum, one) => sum + one, 0) / Math.max(1, moves.length);
  const gaps = outcome.gapsMs
    .toSorted((one, other) => one - other)
    .map((gapMs) => Math.round(gapMs));
  return [
    '',
    row.id,
    `${isAsExpected(result) ? '' : '**Not as expected.** '}${row.what}${outcome.exitCode === undefined ? '' : ` (exit ${outcome.exitCode})`}`,
    `${count} of ${outcome.requestCount}${count === 0 ? '' : ` (${share} %: ${faults.join(', ')})`}`,
    `${outcome.differingCount} of ${moves.length}`,
    `${perClient.toFixed(2)}, ${outcome.peak}`,
    gaps.length === 0 ? 'none' : `${gaps.length}, ${gaps[gaps.length >> 1]} ms, ${gaps.at(-1)} ms`,
    `${row.because}${outcome.note === undefined ? '' : ` ${outcome.note}`}`,
    '',
  ]
    .join(' | ')
    .trim();
}

/** One row of the report: something done to a service in use, and what its users noticed. */
import type { Noticed, Use } from './under-load.ts';

export interface Row {
  readonly id: string;
  readonly group: 'ours' | 'taken-away' | 'other-proxies' | 'others';
  readonly what: string;
  /** What is known to come of it, in words. */
  readonly because: string;
  /** Whether users must notice nothing. */
  readonly isClean: boolean;
  /** Resolves to a sentence when it cannot be done here. */
  readonly run: (bench: Bench) => Promise<RowNoticed | string>;
}

export interface Bench {
  readonly repository: string;
  /** Built. */
  readonly verdictFile: string;
  readonly serverFile: string;
  /** Each row has its own. */
  readonly stores: () => Promise<{ readonly postgres: string; readonly redis: string }>;
  readonly use: Use;
}

export type RowNoticed = Noticed & {
  /** Of a rolling.sh that ran, or undefined. */
  readonly exitCode?: number | null;
  /** Seconds a rollback took, and the like. */
  readonly note?: string;
};

export interface RowResult {
  readonly row: Pick<Row, 'id' | 'group' | 'what' | 'because' | 'isClean'>;
  readonly outcome: RowNoticed | string;
}

export const failedCount = ({ failed }: Noticed): number =>
  Object.values(failed).reduce((sum, count) => sum + count, 0);

/** Whether the row came out as it must: nothing lost ever, and nothing noticed where that is promised. */
export function isAsPromised({ row, outcome }: RowResult): boolean {
  if (typeof outcome === 'string') return true;
  if (row.group !== 'ours') return true;
  return (
    outcome.differingCount === 0 &&
    (!row.isClean || (failedCount(outcome) === 0 && outcome.gapsMs.length === 0))
  );
}

const titles: Readonly<Record<Row['group'], string>> = {
  ours: 'This deploy kit',
  'taken-away': 'The same with one thing taken away',
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
      '| what was done | requests failed | sessions with a loss | moves per client | gaps: number, median, longest | what it shows |',
      '|---|---|---|---|---|---|',
      ...found.map(asLine),
      '',
    ])
    .join('\n');
}

function asLine({ row, outcome }: RowResult): string {
  if (typeof outcome === 'string')
    return `| ${row.what} | not run: ${outcome} | | | | ${row.because} |`;
  const count = failedCount(outcome);
  const share = ((100 * count) / Math.max(1, outcome.requestCount)).toFixed(1);
  const faults = Object.entries(outcome.failed)
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, 2)
    .map(([fault, times]) => `${times} × ${fault}`);
  const { moves } = outcome;
  const perClient = moves.reduce((sum, one) => sum + one, 0) / Math.max(1, moves.length);
  const gaps = outcome.gapsMs
    .toSorted((one, other) => one - other)
    .map((gapMs) => Math.round(gapMs));
  return [
    '',
    `${row.what}${outcome.exitCode === undefined ? '' : ` (exit ${outcome.exitCode})`}`,
    `${count} of ${outcome.requestCount}${count === 0 ? '' : ` (${share} %: ${faults.join(', ')})`}`,
    `${outcome.differingCount} of ${moves.length}`,
    perClient.toFixed(2),
    gaps.length === 0 ? 'none' : `${gaps.length}, ${gaps[gaps.length >> 1]} ms, ${gaps.at(-1)} ms`,
    `${row.because}${outcome.note === undefined ? '' : ` ${outcome.note}`}`,
    '',
  ]
    .join(' | ')
    .trim();
}

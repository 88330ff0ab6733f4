/** One row of the report: something done to a service in use, and what its users noticed. */
import type { Noticed, Use } from './under-load.ts';

/** What must come of a row, in words for its page and as the question whether it did. */
export interface Expectation {
  readonly says: string;
  readonly holds: (noticed: RowNoticed) => boolean;
}

export interface Row {
  readonly id: string;
  readonly group: 'ours' | 'taken-away' | 'other-proxies' | 'others';
  readonly what: string;
  /** What is known to come of it, in words. */
  readonly because: string;
  /** What must come of it: what is promised holds, and what a guard prevents is seen without it. */
  readonly expects: Expectation;
  /** Nothing runs beside it: how long something takes is its point. */
  readonly isAlone?: true;
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
  readonly stores: () => Promise<Stores>;
  readonly use: Use;
}

export interface Stores {
  readonly postgres: string;
  readonly redis: string;
}

export type RowNoticed = Noticed & {
  /** Of a rolling.sh that ran, or undefined. */
  readonly exitCode?: number | null;
  /** Of several that ran at once, and whether two releases serve after them. */
  readonly exitCodes?: readonly (number | null)[];
  readonly isMixed?: boolean;
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

/** Whether the row came out as it must; whatever is done, nothing is ever lost. */
export const isAsExpected = ({ row, outcome, isBroken }: RowResult): boolean =>
  typeof outcome === 'string'
    ? isBroken !== true
    : outcome.differingCount === 0 && row.expects.holds(outcome);

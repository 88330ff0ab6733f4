/** What a scenario found, for the terminal, the JSON file and the page. */

/** Whether a number is what it should be. */
export interface Goal {
  readonly what: string;
  readonly measured: number;
  /** The measured one must not be above it, or not below it. */
  readonly limit: { readonly atMost: number } | { readonly atLeast: number };
  readonly unit: string;
}

export const isMet = ({ measured, limit }: Goal): boolean =>
  'atMost' in limit ? measured <= limit.atMost : measured >= limit.atLeast;

export const boundOf = ({ limit }: Goal): string =>
  'atMost' in limit ? `≤ ${limit.atMost}` : `≥ ${limit.atLeast}`;

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** Lines over a common x axis. */
export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly {
    readonly name: string;
    readonly points: readonly (readonly [x: number, y: number])[];
  }[];
}

export interface ScenarioResult {
  readonly name: string;
  /** One sentence: what was done. */
  readonly what: string;
  readonly tables: readonly Table[];
  readonly charts: readonly Chart[];
  readonly goals: readonly Goal[];
  /** What makes the figures worthless, one sentence each; the run has failed then. */
  readonly faults: readonly string[];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/** Three digits that count, and no more zeros than it takes. */
export const rounded = (value: number): number => Number(value.toPrecision(3));

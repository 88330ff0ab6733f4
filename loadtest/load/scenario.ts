/** What every scenario is given. */
import type { Stores } from './bench.ts';
import type { LoadOptions } from './options.ts';
import type { ScenarioResult } from './result.ts';

export interface Surroundings {
  readonly stores: Stores;
  readonly options: LoadOptions;
  /** Shows how far it is, on a line of its own that the next one replaces. */
  readonly tell: (sentence: string) => void;
}

export interface Scenario {
  /** One line for the help. */
  readonly what: string;
  readonly run: (surroundings: Surroundings) => Promise<ScenarioResult>;
}

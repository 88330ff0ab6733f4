/** Command line → options. */
import { parseArgs } from 'node:util';

export interface LoadOptions {
  readonly scenarios: readonly string[];
  /** How often each subject has its turn; figures are medians. */
  readonly rounds: number;
  /** Seconds of a round. */
  readonly seconds: number;
  /** Seconds of everybody's load before anything is measured. */
  readonly warmUpS: number;
  /** Riders, where a scenario does not say. */
  readonly riders: number | undefined;
  readonly hz: number | undefined;
  /** Folder for the JSON file and the page. */
  readonly out: string | undefined;
  /** Whether what the folder has figures of is passed over. */
  readonly isMissingOnly: boolean;
  /** Where the profile of the durable server goes. */
  readonly profile: string | undefined;
}

export const help = (names: readonly (readonly [string, string])[]): string =>
  `Measures the service beside floors to compare with, in processes of their own, round by round in turn.

npm run load -- SCENARIO… [options]

${names.map(([name, what]) => `  ${name.padEnd(20)} ${what}`).join('\n')}
  all                  every one of them

  --rounds N           turns of each subject; figures are medians (5)
  --seconds N          length of a turn (10)
  --warm-up N          seconds of load before the first turn (15)
  --riders N, --hz H   instead of the scenario's own
  --out FOLDER         keeps each scenario's figures there, and a page of all that are there
  --missing            only what FOLDER has no figures of yet
  --profile FILE       CPU profile of the durable server, for the saturate scenario

Exit code: 0 measured, 1 a figure is worthless (riders starved, answers missing), 2 the options are wrong.
`;

/** Throws a sentence. */
export function readOptions(args: readonly string[], known: readonly string[]): LoadOptions {
  const { values, positionals } = parse(args);
  const scenarios = positionals.includes('all') ? known : positionals;
  if (scenarios.length === 0) throw new Error(`Say what to measure: ${known.join(', ')} or all.`);
  for (const name of scenarios)
    if (!known.includes(name))
      throw new Error(`There is no scenario "${name}"; there are ${known.join(', ')}.`);
  return {
    scenarios,
    rounds: count('rounds', values.rounds) ?? 5,
    seconds: count('seconds', values.seconds) ?? 10,
    warmUpS: count('warm-up', values['warm-up']) ?? 15,
    riders: count('riders', values.riders),
    hz: count('hz', values.hz),
    out: values.out,
    isMissingOnly: values.missing === true,
    profile: values.profile,
  };
}

function parse(args: readonly string[]) {
  const options = {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    'warm-up': { type: 'string' },
    riders: { type: 'string' },
    hz: { type: 'string' },
    out: { type: 'string' },
    missing: { type: 'boolean' },
    profile: { type: 'string' },
  } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    const [sentence] = error instanceof Error ? error.message.split('. ') : [String(error)];
    throw new Error(sentence, { cause: error });
  }
}

/** Load goes to this machine alone, and stays within what it has. */
const countMax = 100_000;

function count(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0) || value > countMax)
    throw new Error(`--${name} is a number up to ${countMax}, not "${text}".`);
  return value;
}

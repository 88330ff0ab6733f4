/** `npm run load`: measures what README claims. `--help` tells how. */
import { startStores } from './bench.ts';
import { help, readOptions, type LoadOptions } from './options.ts';
import { writeReport } from './report.ts';
import type { ScenarioResult } from './result.ts';
import { scenarios } from './scenarios.ts';
import { show } from './show.ts';

const names = Object.keys(scenarios);

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(help(Object.entries(scenarios).map(([name, { what }]) => [name, what])));
    return 0;
  }
  let options: LoadOptions;
  try {
    options = readOptions(args, names);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  }
  const results = await runAll(options);
  if (options.out !== undefined) await writeReport(options.out, args, results);
  return results.some(({ faults }) => faults.length > 0) ? 1 : 0;
}

async function runAll(options: LoadOptions): Promise<ScenarioResult[]> {
  const isTerminal = process.stderr.isTTY;
  const tell = (sentence: string): void =>
    void process.stderr.write(isTerminal ? `\r\x1b[K${sentence}` : `${sentence}\n`);
  const results: ScenarioResult[] = [];
  for (const name of options.scenarios) {
    // Fresh ones for each: what a former scenario left behind must not weigh on the next.
    const stores = await startStores();
    try {
      const result = await scenarios[name]?.run({ stores, options, tell });
      if (isTerminal) tell('');
      if (result === undefined) continue;
      results.push(result);
      process.stdout.write(`${show(result)}\n`);
    } finally {
      await stores.stop();
    }
  }
  return results;
}

process.exit(await main(process.argv.slice(2)));

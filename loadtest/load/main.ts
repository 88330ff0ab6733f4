/** `npm run load`: measures what README claims. `--help` tells how. */
import { startStores } from './bench.ts';
import { help, readOptions, type LoadOptions } from './options.ts';
import { keep, kept } from './results.ts';
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
  return runAll(options, args);
}

async function runAll(options: LoadOptions, args: readonly string[]): Promise<number> {
  const isTerminal = process.stderr.isTTY;
  const tell = (sentence: string): void =>
    void process.stderr.write(isTerminal ? `\r\x1b[K${sentence}` : `${sentence}\n`);
  const folder = options.out === undefined ? undefined : { path: options.out, names };
  const isKept =
    folder !== undefined && options.isMissingOnly
      ? new Set((await kept(folder)).map(({ result }) => result.name))
      : new Set<string>();
  let isWorthless = false;
  for (const name of options.scenarios) {
    if (isKept.has(name)) continue;
    // Fresh ones for each: what a former scenario left behind must not weigh on the next.
    const stores = await startStores();
    try {
      const result = await scenarios[name]?.run({ stores, options, tell });
      if (isTerminal) tell('');
      if (result === undefined) continue;
      isWorthless ||= result.faults.length > 0;
      process.stdout.write(`${show(result)}\n`);
      if (folder !== undefined) await keep(folder, args, result);
    } finally {
      await stores.stop();
    }
  }
  return isWorthless ? 1 : 0;
}

process.exit(await main(process.argv.slice(2)));

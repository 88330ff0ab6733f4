/** The process of `npm run fuzz`: reads what to do, does it, tells what came of it, and leaves nothing behind. */
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { startPostgres } from '../support/services/postgres-service.ts';
import { startRedis } from '../support/services/redis-service.ts';
import { readArguments, UsageError, usage } from './arguments.ts';
import { heapGrowthMaxBytes, runFuzz, type FuzzReport } from './fuzz-run.ts';
import { listRoutes } from './list-routes.ts';

const exitFound = 1;
const exitUsage = 64;
/** What shells say of a process that Ctrl-C ended. */
const exitInterrupted = 130;

/** Where inputs go that found something; those worth keeping move to the corpus. */
const findingsFile = 'fuzz-findings.jsonl';

async function main(): Promise<number> {
  const given = readArguments(process.argv.slice(2), () => process.hrtime()[1] % 1_000_000);
  if (given === 'help') {
    say(usage);
    return 0;
  }
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      // Again: the guards of what runs end it with this process.
      if (stopping.signal.aborted) process.exit(exitInterrupted);
      stopping.abort();
    });
  const { inputs, seed } = given;
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  try {
    const stores = { postgres: postgres.url, redis: redis.url };
    const routes = await listRoutes(stores);
    say(`Fuzzing every frame and ${routes.length} routes with ${inputs} inputs, seed ${seed}.`);
    const serverFile = fileURLToPath(new URL('../server/main.js', import.meta.url));
    const report = await runFuzz(
      { inputs, seed, serverFile, stores, routes, screen: process.stdout },
      stopping.signal,
    );
    tell(report);
    if (report.findings.length === 0) return stopping.signal.aborted ? exitInterrupted : 0;
    say(
      `Again: npm run fuzz -- --inputs ${inputs} --seed ${seed}. The inputs are in ${findingsFile}.`,
    );
    return exitFound;
  } finally {
    await Promise.all([postgres.stop(), redis.stop()]);
  }
}

function tell({ inputs, seconds, heapBeforeBytes, heapAfterBytes, findings }: FuzzReport): void {
  const { wire, http, raw } = inputs;
  const mebibytes = (bytes: number): string => (bytes / 1_048_576).toFixed(1);
  say(`inputs     ${wire + http + raw}: ${wire} frames, ${http} requests, ${raw} of raw bytes`);
  say(`time       ${Math.round(seconds)} s, ${Math.round((wire + http + raw) / seconds)} a second`);
  say(
    `heap       ${mebibytes(heapBeforeBytes)} MiB before, ${mebibytes(heapAfterBytes)} MiB after; ${mebibytes(heapGrowthMaxBytes)} MiB more are allowed`,
  );
  say(`findings   ${findings.length}`);
  for (const { problem, fuzzCase, isRepeatable } of findings) {
    const again =
      isRepeatable === undefined ? '' : isRepeatable ? ' (happens again)' : ' (not again, alone)';
    say(
      `  ${problem.slice(0, 400)}${again}\n    ${(JSON.stringify(fuzzCase) ?? '').slice(0, 600)}`,
    );
    if (fuzzCase !== undefined) appendFileSync(findingsFile, `${JSON.stringify(fuzzCase)}\n`);
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    const isUsage = error instanceof UsageError;
    process.stderr.write(`${isUsage ? error.message : String((error as Error).stack ?? error)}\n`);
    process.exit(isUsage ? exitUsage : exitFound);
  },
);

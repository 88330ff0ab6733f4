/** The process of `npm run chaos`: reads what to do, does it, tells what came of it, and leaves nothing behind. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { readArguments, UsageError, usage } from './arguments.ts';
import { runChaos } from './chaos-run.ts';
import { foundMark } from './history.ts';
import { asLine, asMarkdown, isKept, type ChaosReport } from './report.ts';

const exitBroken = 1;
const exitUsage = 64;
/** What shells say of a process that Ctrl-C ended. */
const exitInterrupted = 130;

/** Lines of the story that are shown at once. */
const storyLinesShown = 60;

async function main(): Promise<number> {
  const given = readArguments(process.argv.slice(2), () => process.hrtime()[1] % 1_000_000);
  if (given === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  const { minutes, seed, riderCount, withRedis, withLongOutages } = given;
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      // Again: the guards of what runs end it with this process.
      if (stopping.signal.aborted) process.exit(exitInterrupted);
      stopping.abort();
    });
  say(`Chaos for ${minutes} minutes, seed ${seed}.`);
  const { report, story } = await runChaos(
    {
      seed,
      durationMs: minutes * 60_000,
      riderCount,
      withRedis,
      withLongOutages,
      serverFile: fileURLToPath(new URL('../server/main.js', import.meta.url)),
      deviceFile: fileURLToPath(new URL('device.js', import.meta.url)),
      screen: process.stdout,
    },
    stopping.signal,
  );
  say(asMarkdown(report));
  if (given.report !== undefined) await writeReport(fromHere(given.report), report);
  const storyFile = given.story ?? (isKept(report) ? undefined : 'chaos-story.txt');
  if (storyFile !== undefined) await writeFile(fromHere(storyFile), `${story.join('\n')}\n`);
  if (isKept(report)) return stopping.signal.aborted ? exitInterrupted : 0;
  const shown = untilFound(story).slice(-storyLinesShown).join('\n');
  say(`The end of the story; all of it is in ${storyFile}:\n\n${shown}\n`);
  for (const finding of report.findings.slice(0, 10)) say(asLine(finding));
  const flags = `${withRedis ? '' : ' --without-redis'}${withLongOutages ? ' --long-outages' : ''}`;
  say(`Again: npm run chaos -- --seed ${seed} --minutes ${minutes} --riders ${riderCount}${flags}`);
  return exitBroken;
}

/** Up to the first finding. */
function untilFound(story: readonly string[]): readonly string[] {
  const place = story.findIndex((line) => line.includes(foundMark));
  return place === -1 ? story : story.slice(0, place + 1);
}

async function writeReport(path: string, report: ChaosReport): Promise<void> {
  const text = path.endsWith('.md') ? asMarkdown(report) : `${JSON.stringify(report, null, 2)}\n`;
  await writeFile(path, text);
}

/** Paths are meant from where the person is, which npm tells when it has gone to the repository's root. */
function fromHere(path: string): string {
  const isNpmRun = process.env['npm_lifecycle_event'] === 'chaos';
  return resolve((isNpmRun ? process.env['INIT_CWD'] : undefined) ?? '.', path);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    const isUsage = error instanceof UsageError;
    process.stderr.write(`${isUsage ? error.message : String((error as Error).stack ?? error)}\n`);
    process.exit(isUsage ? exitUsage : exitBroken);
  },
);

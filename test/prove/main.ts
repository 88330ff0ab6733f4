/** The process of `npm run prove:deploy`: deploys under load, one page of what came of it, exit 1 when anybody noticed. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { canarySettings, rowSettings } from './own-bench.ts';
import { asPage, inShort } from './page.ts';
import { prove, settingsOf } from './prove-run.ts';
import { isInstalled, type Kind } from './proxies.ts';
import { isKept } from './report.ts';
import { isAsExpected, type Row, type RowResult } from './rows.ts';
import { allRows, laneCount, runRows } from './run-rows.ts';

const groups = [...new Set(allRows.map(({ group }) => group))];
const usage = `npm run prove:deploy -- [--long] [--rows all|none|GROUP or ID,…] [--report FILE]
  [--deploys 3] [--sessions 40] [--commands-per-s 200] [--requests-per-s 30] [--hold-s 1]
  --long: 50 deploys, 100 000 requests and 1 000 000 commands at least, with 200 sessions; then all rows. About 45 minutes on two quiet cores.
  groups: ${groups.join(' ')}\n  rows: ${allRows.map(({ id }) => id).join(' ')}\n`;
const exitUsage = 64;

const long = { deploys: '50', sessions: '200', 'commands-per-s': '1000', 'requests-per-s': '36' };

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      deploys: { type: 'string' },
      sessions: { type: 'string' },
      'commands-per-s': { type: 'string' },
      'requests-per-s': { type: 'string' },
      'hold-s': { type: 'string', default: '1' },
      rows: { type: 'string' },
      long: { type: 'boolean', default: false },
      report: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const fallback = values.long
    ? long
    : { deploys: '3', sessions: '40', 'commands-per-s': '200', 'requests-per-s': '30' };
  const [deployCount = 0, sessionCount = 0, commandsPerS = 0, requestsPerS = 0, holdS = 0] = [
    values.deploys ?? fallback.deploys,
    values.sessions ?? fallback.sessions,
    values['commands-per-s'] ?? fallback['commands-per-s'],
    values['requests-per-s'] ?? fallback['requests-per-s'],
    values['hold-s'],
  ].map(Number);
  const numbers = [sessionCount, commandsPerS, requestsPerS, holdS];
  const rows = rowsOf(values.rows ?? (values.long ? 'all' : 'none'));
  const isFaulty =
    rows === undefined || !(deployCount >= 0) || !numbers.every((value) => value > 0);
  if (values.help === true || isFaulty) {
    process.stderr.write(usage);
    return values.help === true ? 0 : exitUsage;
  }
  const missing = rows === allRows ? await whatIsMissing() : undefined;
  if (missing !== undefined) {
    process.stderr.write(missing);
    return exitUsage;
  }
  const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const built = {
    repository: at('../../'),
    verdictFile: at('../deploy/verdict.js'),
    serverFile: at('../server/main.js'),
    commandsFile: at('../server/sessions.js'),
  };
  // Before anything is proved: a page that cannot be written is found out after twenty minutes otherwise.
  if (values.report !== undefined) {
    await mkdir(dirname(values.report), { recursive: true });
    await writeFile(values.report, '');
  }
  const beganMs = performance.now();
  const plan = {
    ...built,
    deployCount,
    ...(values.long ? { requestCount: 100_000, commandCount: 1_000_000 } : {}),
    sessionCount,
    commandsPerS,
    requestsPerS,
    holdS,
    say,
  };
  // What breaks the first part must not cost the rows, and the other way round.
  const report =
    deployCount === 0
      ? undefined
      : await prove(plan).catch((error: unknown) =>
          error instanceof Error ? error.message : String(error),
        );
  if (typeof report === 'string') say(report);
  // For a row it is enough to see what comes of it.
  const use = { sessions: 40, commandsPerS: 80, requestsPerS: 30 };
  const command = ['npm run prove:deploy --', ...process.argv.slice(2)].join(' ');
  const pageOf = (results: readonly RowResult[]): Promise<string> =>
    asPage({
      command,
      report,
      results,
      seconds: (performance.now() - beganMs) / 1000,
      day: new Date().toISOString().slice(0, 10),
      settings: { deploys: settingsOf(plan), rows: rowSettings, canaries: canarySettings },
      use,
    });
  const keep = async (results: readonly RowResult[]): Promise<void> => {
    if (values.report !== undefined) await writeWhole(values.report, await pageOf(results));
  };
  await keep([]);
  if (rows.length > 0) say(`${rows.length} rows, ${laneCount} at a time, half a minute each:`);
  const results = await runRows(rows, { ...built, use }, say, keep);
  const isGood = report === undefined || (typeof report !== 'string' && isKept(report));
  say(`\n${await pageOf(results)}\n${inShort(report, results)}`);
  return isGood && results.every(isAsExpected) ? 0 : 1;
}

/** Whoever reads meanwhile, or finds it after a crash, finds a whole page. */
async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.next`, text);
  await rename(`${file}.next`, file);
}

/** The sentence that a run for the record must end with at once, or undefined: a page without the rows of a proxy would look whole. */
async function whatIsMissing(): Promise<string | undefined> {
  const missing: Kind[] = [];
  for (const kind of ['nginx', 'haproxy', 'caddy'] as const)
    if (!(await isInstalled(kind))) missing.push(kind);
  return missing.length === 0
    ? undefined
    : `Rows need ${missing.join(' and ')}: sudo apt-get install --no-install-recommends ${missing.join(' ')}\n`;
}

function rowsOf(text: string): readonly Row[] | undefined {
  if (text === 'all') return allRows;
  if (text === 'none') return [];
  const chosen = text
    .split(',')
    .map((name) => allRows.filter(({ id, group }) => [id, group].includes(name)));
  return chosen.every((rows) => rows.length > 0) ? chosen.flat() : undefined;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(exitUsage);
  },
);

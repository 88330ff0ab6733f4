/** The process of `npm run prove:deploy`: deploys under load, one page of what came of it, exit 1 when anybody noticed. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { prove } from './prove-run.ts';
import { asMarkdown, isKept } from './report.ts';

const usage = `npm run prove:deploy -- [--deploys 3] [--sessions 40] [--commands-per-s 200] [--requests-per-s 30] [--hold-s 1] [--report FILE]\n`;
const exitUsage = 64;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      deploys: { type: 'string', default: '3' },
      sessions: { type: 'string', default: '40' },
      'commands-per-s': { type: 'string', default: '200' },
      'requests-per-s': { type: 'string', default: '30' },
      'hold-s': { type: 'string', default: '1' },
      report: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const numbers = [
    values.deploys,
    values.sessions,
    values['commands-per-s'],
    values['requests-per-s'],
    values['hold-s'],
  ].map(Number);
  const [deployCount = 0, sessionCount = 0, commandsPerS = 0, requestsPerS = 0, holdS = 0] =
    numbers;
  if (values.help === true || numbers.some((value) => !Number.isFinite(value) || value <= 0)) {
    process.stderr.write(usage);
    return values.help === true ? 0 : exitUsage;
  }
  const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const report = await prove({
    repository: at('../../'),
    verdictFile: at('../deploy/verdict.js'),
    serverFile: at('../server/main.js'),
    deployCount,
    sessionCount,
    commandsPerS,
    requestsPerS,
    holdS,
    say: (line) => void process.stdout.write(`${line}\n`),
  });
  const page = asMarkdown(report);
  process.stdout.write(`\n${page}`);
  if (values.report !== undefined) await writeFile(values.report, page);
  return isKept(report) ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(exitUsage);
  },
);

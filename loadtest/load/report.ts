/** The page and the data of a run: figures with the machine, the versions and the command that made them. */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';

import { drawChart } from './chart.ts';
import { isMet, rounded, type Goal, type ScenarioResult, type Table } from './result.ts';

export async function writeReport(
  folder: string,
  args: readonly string[],
  results: readonly ScenarioResult[],
): Promise<void> {
  const machine = describeMachine();
  const command = `npm run load -- ${args.join(' ')}`;
  const date = new Date().toISOString().slice(0, 10);
  await mkdir(folder, { recursive: true });
  const data = { command, date, machine, results };
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(data, undefined, 2)}\n`);
  await writeFile(join(folder, 'index.html'), page({ command, date, machine }, results));
}

type Machine = Readonly<Record<string, string>>;

function describeMachine(): Machine {
  const [cpu] = cpus();
  return {
    cores: `${cpus().length} × ${cpu?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release(),
    node: process.version,
    redis: versionOf('redis-server'),
    postgres: versionOf('postgres'),
  };
}

function versionOf(program: string): string {
  try {
    const said = execFileSync(program, ['--version'], { encoding: 'utf8' });
    return /\d+\.[\d.]+/.exec(said)?.[0] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

interface Head {
  readonly command: string;
  readonly date: string;
  readonly machine: Machine;
}

function page({ command, date, machine }: Head, results: readonly ScenarioResult[]): string {
  const facts = Object.entries(machine).map(([name, fact]) => `${name} ${fact}`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Load</title>
<style>
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
  body { max-width: 64rem; margin: 2rem auto; padding: 0 1rem }
  table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums }
  th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #8884 }
  th:first-child, td:first-child { text-align: left }
  .met { color: #17823b } .missed { color: #c8322b }
  svg { max-width: 100%; height: auto }
</style>
<h1>Load</h1>
<p><code>${escaped(command)}</code><br>${date} · ${escaped(facts.join(' · '))}</p>
${results.map(section).join('\n')}
</html>
`;
}

function section({ name, what, tables, charts, goals, faults }: ScenarioResult): string {
  return `<h2>${escaped(name)}</h2>
<p>${escaped(what)}.</p>
${faults.map((fault) => `<p class="missed">${escaped(fault)}</p>`).join('\n')}
${goals.length === 0 ? '' : goalTable(goals)}
${tables.map(asTable).join('\n')}
${charts.map((chart) => drawChart(chart)).join('\n')}`;
}

function goalTable(goals: readonly Goal[]): string {
  const rows = goals.map((goal) => {
    const { what, measured, limit, unit } = goal;
    const bound = 'atMost' in limit ? `≤ ${limit.atMost}` : `≥ ${limit.atLeast}`;
    const verdict = isMet(goal) ? 'met' : 'missed';
    return `<tr><td>${escaped(what)}<td>${bound} ${unit}<td class="${verdict}">${rounded(measured)} ${unit}`;
  });
  return `<table><tr><th>goal<th>limit<th>measured${rows.join('')}</table>`;
}

function asTable({ title, columns, rows }: Table): string {
  const head = columns.map((column) => `<th>${escaped(column)}`).join('');
  const body = rows.map(
    (row) => `<tr>${row.map((cell) => `<td>${escaped(String(cell))}`).join('')}`,
  );
  return `<h3>${escaped(title)}</h3><table><tr>${head}${body.join('')}</table>`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

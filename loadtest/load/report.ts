/** Figures as a page that needs nothing else. */
import { drawChart } from './chart.ts';
import { boundOf, isMet, rounded, type Goal, type ScenarioResult, type Table } from './result.ts';

/** The figures of a scenario, and what made them. */
export interface Part {
  readonly command: string;
  readonly date: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly result: ScenarioResult;
}

export function page(parts: readonly Part[]): string {
  const machines = [...new Set(parts.map(({ machine }) => factsOf(machine)))];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Trackstand: load</title>
<style>
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
  body { max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
  h2 { margin: 3rem 0 0; border-top: 1px solid #8886; padding-top: 1rem }
  h3 { margin: 1.5rem 0 0; font-size: 1rem }
  p { margin: .3rem 0 }
  .wide { overflow-x: auto }
  table { border-collapse: collapse; margin: .5rem 0 1rem; font-variant-numeric: tabular-nums }
  th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #8884; vertical-align: bottom }
  th { font-weight: 600; font-size: .85rem }
  th:first-child, td:first-child, .words { text-align: left }
  .met { color: #17823b } .missed { color: #c8322b } .quiet { opacity: .7 }
  @media (prefers-color-scheme: dark) { .met { color: #5ac57f } .missed { color: #ff7b72 } }
  .charts { display: flex; flex-wrap: wrap; gap: 1rem }
  .charts svg { flex: 1 1 28rem; max-width: 40rem; height: auto }
</style>
<h1>Load</h1>
<p>Each subject is warmed up, then they take turns; figures are medians over the turns, ratios medians of the ratios of each turn.
<code>durable</code> is the service, with every event in Redis before it is answered and in Postgres within 5 s; <code>echo</code> a
bare WebSocket that keeps nothing, <code>echo-16</code> the same with 16 events a frame, <code>echo-beat</code>
with a ping every 20 s, <code>set</code> a bare WebSocket with one Redis <code>SET</code> before each answer, and <code>log</code> the
least that loses nothing: all of a turn in Redis with one command before it is answered, and in Postgres within 5 s.</p>
${machines.map((machine) => `<p class="quiet">${escaped(machine)}</p>`).join('\n')}
<h2>Goals</h2>
<div class="wide"><table><tr><th>scenario<th class="words">what<th>goal<th>measured<th>
${parts.flatMap(({ result }) => result.goals.map((goal) => goalRow(goal, result.name))).join('\n')}
</table></div>
${parts.map(section).join('\n')}
</html>
`;
}

const factsOf = (machine: Part['machine']): string =>
  Object.entries(machine)
    .map(([name, fact]) => `${name} ${fact}`)
    .join(' · ');

function goalRow(goal: Goal, scenario: string): string {
  const verdict = isMet(goal) ? 'met' : 'missed';
  const { what, measured, unit } = goal;
  return `<tr><td><a href="#${scenario}">${escaped(scenario)}</a><td class="words">${escaped(what)}<td>${boundOf(goal)} ${escaped(unit)}<td>${rounded(measured)}<td class="${verdict} words">${verdict}`;
}

function section({ command, date, result }: Part): string {
  const { name, what, tables, charts, faults } = result;
  return `<h2 id="${name}">${escaped(name)}</h2>
<p>${escaped(asSentence(what))}</p>
<p class="quiet"><code>${escaped(command)}</code>, ${date}</p>
${faults.map((fault) => `<p class="missed">Worthless: ${escaped(fault)}</p>`).join('\n')}
${tables.map(asTable).join('\n')}
<div class="charts">${charts.map((chart) => drawChart(chart)).join('\n')}</div>`;
}

const asSentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function asTable({ title, columns, rows }: Table): string {
  const head = columns.map((column) => `<th>${escaped(column)}`).join('');
  const body = rows.map(
    (row) => `<tr>${row.map((cell) => `<td>${escaped(asText(cell))}`).join('')}`,
  );
  return `<h3>${escaped(title)}</h3><div class="wide"><table><tr>${head}\n${body.join('\n')}</table></div>`;
}

const asText = (cell: ScenarioResult['tables'][number]['rows'][number][number]): string =>
  typeof cell === 'number' ? cell.toLocaleString('en', { maximumFractionDigits: 3 }) : cell;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

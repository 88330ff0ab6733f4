/** A result as a terminal shows it. */
import { boundOf, isMet, rounded, type Goal, type ScenarioResult, type Table } from './result.ts';

export function show({ name, what, tables, goals, faults }: ScenarioResult): string {
  return [
    `\n${name}: ${what}`,
    ...tables.map(asText),
    ...goals.map(asLine),
    ...faults.map((fault) => `  FAULT ${fault}`),
  ].join('\n');
}

function asText({ title, columns, rows }: Table): string {
  const widths = columns.map((column, place) =>
    Math.max(column.length, ...rows.map((row) => String(row[place] ?? '').length)),
  );
  const line = (cells: readonly (string | number)[]): string =>
    `  ${cells
      .map((cell, place) => {
        const [text, width] = [String(cell), widths[place] ?? 0];
        return typeof cell === 'number' ? text.padStart(width) : text.padEnd(width);
      })
      .join('  ')}`;
  const head = `  ${columns
    .map((column, place) =>
      typeof rows[0]?.[place] === 'number'
        ? column.padStart(widths[place] ?? 0)
        : column.padEnd(widths[place] ?? 0),
    )
    .join('  ')}`;
  return ['', `  ${title}`, head, ...rows.map(line), ''].join('\n');
}

function asLine(goal: Goal): string {
  const { what, measured, unit } = goal;
  return `  ${isMet(goal) ? 'met   ' : 'MISSED'} ${what}: ${rounded(measured)} ${unit} (goal ${boundOf(goal)})`;
}

/** A recorded ride as CSV → rows. */
import { planSecondsMax } from '../../shared/workout/plan.ts';
import type { RiddenSecond } from '../../shared/workout/training-metrics.ts';
import { workout } from '../../shared/workout/workout.ts';
import { CannotRide, exitCodes } from './cannot-ride.ts';

/** What the sensors said at one moment; null where one said nothing. */
export interface RideRow extends RiddenSecond {
  /** Since the ride's start, seconds, maybe with a fraction; each row's is above the one before. */
  readonly elapsedS: number;
}

/** Column of each value. The ones of the optional sensors may be absent altogether. */
const columnNames = {
  elapsedS: 'elapsed_s',
  powerW: 'power_w',
  cadenceRpm: 'cadence_rpm',
  heartRateBpm: 'heart_rate_bpm',
} as const;
const requiredColumns = [columnNames.elapsedS, columnNames.powerW];

/** Rows of the text. `name` is what to call the file. Throws CannotRide, with the line's number, when one cannot be ridden. */
export function parseRide(text: string, name: string): readonly RideRow[] {
  const [header = [], ...lines] = text
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split(/\r?\n/)
    .map(cellsOf);
  const columns = new Map(header.map((cell, index) => [cell.toLowerCase(), index]));
  const absent = requiredColumns.find((column) => !columns.has(column));
  if (absent !== undefined) throw bad(`${name} has no column "${absent}" in its first line.`);
  let latestS = -1;
  const rows = lines.map((cells, index) => {
    const where = `${name} line ${index + 2}`;
    if (cells.length !== header.length)
      throw bad(`${where} has ${cells.length} cells, the first line ${header.length}.`);
    const row = readRow(cells, columns, where);
    if (row.elapsedS <= latestS)
      throw bad(`${where}: elapsed_s ${row.elapsedS} does not come after ${latestS}.`);
    latestS = row.elapsedS;
    return row;
  });
  if (rows.length === 0) throw bad(`${name} has no rows.`);
  return rows;
}

/** Length of the ride: its last row's second counts whole. */
export function rideDurationS(rows: readonly RideRow[]): number {
  return Math.floor(rows.at(-1)?.elapsedS ?? 0) + 1;
}

/** The command a row becomes. */
export function sampleOf({ powerW, cadenceRpm, heartRateBpm }: RiddenSecond): RiddenSecond {
  return { powerW, cadenceRpm, heartRateBpm };
}

function cellsOf(line: string): string[] {
  return line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
}

function readRow(
  cells: readonly string[],
  columns: ReadonlyMap<string, number>,
  where: string,
): RideRow {
  const read = (column: string): number | null => {
    const cell = cells[columns.get(column) ?? -1] ?? '';
    if (cell === '') return null;
    const value = Number(cell);
    if (Number.isFinite(value)) return value;
    throw bad(`${where}: ${column} is "${cell}", which is no number.`);
  };
  const elapsedS = read(columnNames.elapsedS);
  if (elapsedS === null || elapsedS < 0 || elapsedS >= planSecondsMax)
    throw bad(`${where}: elapsed_s must be from 0 to below ${planSecondsMax}.`);
  const row = {
    elapsedS,
    powerW: read(columnNames.powerW),
    cadenceRpm: read(columnNames.cadenceRpm),
    heartRateBpm: read(columnNames.heartRateBpm),
  };
  const parsed = workout.parseCommand('sample', sampleOf(row));
  if (!parsed.ok) throw bad(`${where}: ${inColumns(parsed.problem)}.`);
  return row;
}

/** The model names its own keys; the person knows the columns. */
function inColumns(problem: string): string {
  return Object.entries(columnNames).reduce(
    (text, [key, column]) => text.replace(new RegExp(`^${key}:`), `${column}:`),
    problem,
  );
}

function bad(sentence: string): CannotRide {
  return new CannotRide(exitCodes.badContent, sentence);
}

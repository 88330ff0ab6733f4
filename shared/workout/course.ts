/**
 * Reads workout files in the .mrc and .erg formats: a header, then points "minutes value" that are joined by straight lines. Whether
 * values are percent of FTP or watts is said by the line above the points, not by the name of the file.
 */
import { fileCharsMax, imported, ImportProblem, tooLarge } from './imported-plan.ts';
import type { ImportResult, PlacedText } from './imported-plan.ts';
import { planSecondsMax, segmentCountMax } from './plan.ts';
import type { PlanSegment } from './plan.ts';

interface Point {
  readonly atS: number;
  readonly value: number;
}

/** What has been read of a file so far. */
interface Reading {
  readonly header: Map<string, string>;
  readonly points: Point[];
  readonly texts: PlacedText[];
  unit: 'watts' | 'percent' | null;
  readonly warn: (warning: string) => void;
}

const sections = ['course header', 'course data', 'course text'] as const;
type Section = (typeof sections)[number];

/** Whether a text looks like one of these files. */
export function isCourse(text: string): boolean {
  return /^\s*\[course (header|data)\]/im.test(text.slice(0, 10_000));
}

/** Reads the text of a .mrc or .erg file. Watts become fractions of the FTP the file names, else of the rider's. Never throws. */
export function parseCourse(text: string, riderFtpW: number): ImportResult {
  if (text.length > fileCharsMax) return { ok: false, problem: tooLarge };
  return imported((warn) => {
    const reading = readLines(text, warn);
    const { header, texts } = reading;
    const wholeW = reading.unit === 'watts' ? ftpOf(reading, riderFtpW) : 100;
    const segments = segmentsOf(reading.points, wholeW, warn);
    const name = (header.get('name') ?? header.get('file name') ?? '').replace(/\.(mrc|erg)$/i, '');
    return { name, description: header.get('description') ?? '', segments, texts };
  });
}

function readLines(text: string, warn: Reading['warn']): Reading {
  const reading: Reading = { header: new Map(), points: [], texts: [], unit: null, warn };
  let section: Section | null = null;
  for (const [index, raw] of text
    .trim()
    .split(/\r\n|\r|\n/)
    .entries()) {
    const line = raw.trim();
    const bracket = /^\[(?<name>[^\]]*)\]$/.exec(line)?.groups?.['name']?.trim().toLowerCase();
    if (bracket !== undefined) section = sectionOf(bracket, warn);
    else if (line !== '' && section !== null) readLine(reading, section, line, index + 1);
  }
  if (reading.points.length === 0) throw new ImportProblem('The file has no course to ride.');
  if (reading.unit === null)
    throw new ImportProblem('The file does not say whether it means watts or percent of FTP.');
  return reading;
}

function sectionOf(name: string, warn: Reading['warn']): Section | null {
  const section = sections.find((section) => section === name) ?? null;
  if (section === null && !name.startsWith('end'))
    warn(`The part [${name.slice(0, 40)}] is passed over.`);
  return section;
}

function readLine(reading: Reading, section: Section, line: string, number: number): void {
  switch (section) {
    case 'course header':
      return readHeader(reading, line);
    case 'course data':
      return readPoint(reading, line, number);
    case 'course text':
      return readText(reading, line);
  }
}

function readHeader(reading: Reading, line: string): void {
  const unit = /^minutes\s+(?<unit>\w+)/i.exec(line)?.groups?.['unit']?.toLowerCase();
  if (unit !== undefined) {
    reading.unit = unit === 'watts' ? 'watts' : unit === 'percent' ? 'percent' : null;
    return;
  }
  const [key = '', ...value] = line.split('=');
  if (value.length > 0) reading.header.set(key.trim().toLowerCase(), value.join('=').trim());
}

function readPoint({ points, warn }: Reading, line: string, number: number): void {
  const [minutes = '', value = ''] = line.split(/[\s;]+/);
  // A marker of the device's own laps stands where the value does.
  if (/^lap$/i.test(value)) return;
  const [atS, read] = [numberOf(minutes) * 60, numberOf(value)];
  if (Number.isNaN(atS) || Number.isNaN(read))
    throw new ImportProblem(`Line ${number} is no point of a course: "${line.slice(0, 40)}".`);
  const latestS = points.at(-1)?.atS ?? 0;
  if (atS < latestS) throw new ImportProblem(`Line ${number} goes back in time.`);
  if (atS > planSecondsMax) throw new ImportProblem('The course is longer than 24 hours.');
  if (points.length === 0 && atS > 0)
    warn('The course begins later than at 0 and is ridden at once.');
  points.push({ atS, value: read });
}

/** Files of some countries write 5,25 for 5.25. */
function numberOf(text: string): number {
  return text === '' ? Number.NaN : Number(text.replace(',', '.'));
}

function readText({ texts, warn }: Reading, line: string): void {
  const [atS = '', ...rest] = line.split('\t').map((cell) => cell.trim());
  const message = rest[0] ?? '';
  const positionS = Math.round(numberOf(atS));
  if (message === '' || !(positionS >= 0)) warn('A text without a usable time is left out.');
  else texts.push({ positionS, message });
}

function ftpOf({ header, warn }: Reading, riderFtpW: number): number {
  const ftpW = numberOf((header.get('ftp') ?? '').replace(/\s*w(atts)?$/i, ''));
  if (ftpW > 0) {
    warn(`The file is written for an FTP of ${ftpW} W; targets follow yours.`);
    return ftpW;
  }
  warn(`The file gives watts; they are kept as they are, at your FTP of ${riderFtpW} W.`);
  return riderFtpW;
}

/** The stretches between the points. Two points at the same time are a step. */
function segmentsOf(
  points: readonly Point[],
  whole: number,
  warn: Reading['warn'],
): readonly PlanSegment[] {
  const firstS = points[0]?.atS ?? 0;
  const second = ({ atS }: Point): number => Math.round(atS - firstS);
  const segments: PlanSegment[] = [];
  for (const [index, to] of points.entries()) {
    const from = points[index - 1];
    if (from === undefined || to.atS === from.atS) continue;
    const durationS = second(to) - second(from);
    if (durationS === 0) warn('A stretch that lasts no second is left out.');
    else segments.push(stretch(durationS, fractionOf(from, whole), fractionOf(to, whole)));
  }
  if (segments.length === 0) throw new ImportProblem('The course lasts no time.');
  if (segments.length > segmentCountMax)
    throw new ImportProblem(`The workout has more than ${segmentCountMax} segments.`);
  return segments;
}

function stretch(durationS: number, fromFraction: number, toFraction: number): PlanSegment {
  return fromFraction === toFraction
    ? { kind: 'steady', durationS, fraction: toFraction }
    : { kind: 'ramp', durationS, fromFraction, toFraction };
}

function fractionOf({ value }: Point, whole: number): number {
  const fraction = Math.round((value / whole) * 10_000) / 10_000;
  if (fraction < 0 || fraction > 5)
    throw new ImportProblem(`The course asks for ${fraction} times FTP.`);
  return fraction;
}

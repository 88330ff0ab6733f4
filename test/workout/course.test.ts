import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseCourse } from '../../shared/workout/course.ts';
import { fileCharsMax } from '../../shared/workout/imported-plan.ts';
import { readPlanFile } from '../../shared/workout/plan-file.ts';
import { planDurationS, targetPowerW, type Plan } from '../../shared/workout/plan.ts';

const course = (unit: string, rows: string, head = '', tail = ''): string =>
  `[COURSE HEADER]\r\nVERSION = 2\r\nUNITS = ENGLISH\r\nDESCRIPTION = Two efforts\r\nFILE NAME = two.mrc\r\n${head}MINUTES ${unit}\r\n` +
  `[END COURSE HEADER]\r\n[COURSE DATA]\r\n${rows.replaceAll('|', '\r\n').replaceAll(' ', '\t')}\r\n[END COURSE DATA]\r\n${tail}`;
const steps = '0.00 50|5.00 50|5.00 105|8.50 105|8.50 60|10.00 40';

function ok(
  text: string,
  ftpW = 200,
): { readonly plan: Plan; readonly warnings: readonly string[] } {
  const result = parseCourse(text, ftpW);
  if (!result.ok) throw new Error(result.problem);
  return result;
}
function problemOf(text: string): string {
  const result = readPlanFile(text, 200);
  return result.ok ? 'none' : result.problem;
}

describe('a course', () => {
  test('in percent: pairs of points are steady, the same minute is a step, another value a ramp', () => {
    expect(ok(course('PERCENT', steps))).toEqual({
      ok: true,
      warnings: [],
      plan: {
        name: 'two',
        description: 'Two efforts',
        segments: [
          { kind: 'steady', durationS: 300, fraction: 0.5 },
          { kind: 'steady', durationS: 210, fraction: 1.05 },
          { kind: 'ramp', durationS: 90, fromFraction: 0.6, toFraction: 0.4 },
        ],
      },
    });
  });

  test('in watts follows the rider, when the file names the FTP it was written for', () => {
    const { plan, warnings } = ok(course('WATTS', '0 125|10 125|10 250|20 250', 'FTP = 250\r\n'));
    expect(plan.segments).toMatchObject([{ fraction: 0.5 }, { fraction: 1 }]);
    expect(warnings).toEqual(['The file is written for an FTP of 250 W; targets follow yours.']);
  });

  test('in watts without an FTP keeps its watts', () => {
    const { plan, warnings } = ok(course('WATTS', '0 150|10 150|10 231|20 231'), 210);
    expect([0, 700].map((positionS) => targetPowerW(plan, 210, 1, positionS))).toEqual([150, 231]);
    expect(warnings).toEqual([
      'The file gives watts; they are kept as they are, at your FTP of 210 W.',
    ]);
  });

  test('boundaries are whole seconds, and rounding never adds up', () => {
    const rows = Array.from(
      { length: 60 },
      (_, index) => `${((index * 100) / 60 / 60).toFixed(2)} ${50 + (index % 2)}`,
    );
    const { plan } = ok(course('PERCENT', rows.join('|')));
    expect(planDurationS(plan)).toBe(Math.round(Number(rows.at(-1)?.split(' ')[0]) * 60));
  });

  test('texts come from their own part, and marks of laps are passed over', () => {
    const tail =
      '[COURSE TEXT]\r\n10\tEase in\t10\r\n400\tNow!\t5\r\n9999\tToo late\t5\r\nx\ty\r\n[END COURSE TEXT]';
    const { plan, warnings } = ok(course('PERCENT', `${steps}|10.00 LAP`, '', tail));
    expect(plan.segments.map(({ texts }) => texts)).toEqual([
      [{ atS: 10, message: 'Ease in' }],
      [{ atS: 100, message: 'Now!' }],
      undefined,
    ]);
    expect(warnings).toEqual([
      'A text without a usable time is left out.',
      'A text after the end of the workout is left out.',
    ]);
  });

  test('numbers with a comma, semicolons, unknown parts and a byte order mark are what people have', () => {
    const text = `\uFEFF${course('PERCENT', '0,00;50,0|2,50;50,0', '', '[GARBAGE]\r\nx\r\n[END GARBAGE]')}`;
    expect(ok(text).plan.segments).toEqual([{ kind: 'steady', durationS: 150, fraction: 0.5 }]);
    expect(ok(text).warnings).toEqual(['The part [garbage] is passed over.']);
  });

  test.each([
    [
      'a line that is no point',
      course('PERCENT', '0 50|five 50'),
      'Line 10 is no point of a course: "five\t50".',
    ],
    ['time that goes back', course('PERCENT', '0 50|5 50|4 60'), 'Line 11 goes back in time.'],
    ['no points', course('PERCENT', ''), 'The file has no course to ride.'],
    ['one point', course('PERCENT', '0 50'), 'The course lasts no time.'],
    [
      'no unit',
      course('BANANAS', steps),
      'The file does not say whether it means watts or percent of FTP.',
    ],
    ['a year', course('PERCENT', '0 50|525600 50'), 'The course is longer than 24 hours.'],
    ['nine times FTP', course('PERCENT', '0 900|5 900'), 'The course asks for 9 times FTP.'],
    [
      'a point each second for hours',
      course(
        'PERCENT',
        Array.from({ length: 2000 }, (_, i) => `${(i / 60).toFixed(4)} ${50 + (i % 9)}`).join('|'),
      ),
      'The workout has more than 1000 segments.',
    ],
    ['a huge file', `[COURSE DATA]${' '.repeat(fileCharsMax)}`, 'The file is larger than 1 MB.'],
    ['another format', 'FIT', 'This is no workout file: .zwo, .mrc and .erg can be read.'],
    ['another XML', '<gpx/>', 'This is no .zwo file: it does not begin with <workout_file>.'],
  ])('with %s is refused in one sentence', (_name, text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });

  test('whatever a file holds, reading it ends in a plan or a sentence', () => {
    const line = fc.oneof(
      fc.constantFrom(
        '[COURSE HEADER]',
        '[COURSE DATA]',
        '[END COURSE DATA]',
        '[COURSE TEXT]',
        'MINUTES PERCENT',
        'MINUTES WATTS',
        'FTP = 250',
        'FTP = -1',
      ),
      fc
        .tuple(fc.double({ min: 0, max: 99, noNaN: true }), fc.integer({ min: -10, max: 600 }))
        .map((row) => row.join('\t')),
      fc.string({ maxLength: 30 }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        const result = readPlanFile(
          ['[COURSE HEADER]', 'MINUTES PERCENT', ...lines].join('\n'),
          200,
        );
        expect(result.ok ? planDurationS(result.plan) : result.problem.length).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  });
});

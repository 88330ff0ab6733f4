import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fileCharsMax } from '../../shared/workout/imported-plan.ts';
import type { ImportResult } from '../../shared/workout/imported-plan.ts';
import { planDurationS } from '../../shared/workout/plan.ts';
import { parseZwo } from '../../shared/workout/zwo.ts';
import { hasWorkouts, whySkipped, workoutFiles } from './sample-files.ts';

const file = (blocks: string, head = '<name>Test</name>') =>
  `<workout_file>${head}<workout>${blocks}</workout></workout_file>`;

function ok(result: ImportResult) {
  if (!result.ok) throw new Error(result.problem);
  return result;
}
const segments = (blocks: string) => ok(parseZwo(file(blocks))).plan.segments;
const warnings = (blocks: string) => ok(parseZwo(file(blocks))).warnings;
function problemOf(text: string): string {
  const result = parseZwo(text);
  return result.ok ? 'none' : result.problem;
}
const minute = '<SteadyState Duration="60" Power="0.5"/>';

const refused = (block: string) => problemOf(file(minute + block));

describe('a block', () => {
  it('SteadyState is steady', () => {
    expect(segments('<SteadyState Duration="600.0" Power=".90449997" Cadence="90"/>')).toEqual([
      { kind: 'steady', durationS: 600, fraction: 0.9045, cadenceRpm: 90 },
    ]);
  });

  it('Warmup, Ramp and Cooldown go from PowerLow to PowerHigh', () => {
    const from = '<Warmup Duration="300" PowerLow="0.5" PowerHigh="0.75"/>';
    const on = '<Ramp Duration="100" PowerLow="0.75" PowerHigh="0.6"/>';
    const down = '<Cooldown Duration="60" PowerLow="0.6" PowerHigh="0.4"/>';
    const result = ok(parseZwo(file(from + on + down)));
    expect(result.plan.segments).toEqual([
      { kind: 'ramp', durationS: 300, fromFraction: 0.5, toFraction: 0.75 },
      { kind: 'ramp', durationS: 100, fromFraction: 0.75, toFraction: 0.6 },
      { kind: 'ramp', durationS: 60, fromFraction: 0.6, toFraction: 0.4 },
    ]);
    expect(result.warnings).toEqual([]);
  });

  it('Cooldown that rises keeps the order of the file, and is warned of', () => {
    const rising = '<Cooldown Duration="60" PowerLow="0.4" PowerHigh="0.6"/>';
    expect(segments(rising)).toMatchObject([{ fromFraction: 0.4, toFraction: 0.6 }]);
    expect(warnings(rising)).toEqual(['Block 1 (Cooldown) rises from 40 % to 60 %.']);
  });

  it('Ramp with one power is steady', () => {
    expect(segments('<Ramp Duration="60" Power="0.7"/>')).toMatchObject([
      { kind: 'steady', fraction: 0.7 },
    ]);
  });

  it('IntervalsT unrolls into its efforts and rests, each with its cadence', () => {
    const block =
      '<IntervalsT Repeat="2" OnDuration="30" OffDuration="15" OnPower="1.2" OffPower="0.5" Cadence="100" CadenceResting="80"/>';
    const [on, off] = [
      { kind: 'steady', durationS: 30, fraction: 1.2, cadenceRpm: 100 },
      { kind: 'steady', durationS: 15, fraction: 0.5, cadenceRpm: 80 },
    ];
    expect(segments(block)).toEqual([on, off, on, off]);
  });

  it('IntervalsT with ranges rides their middle, and without rest only the efforts', () => {
    const block =
      '<IntervalsT Repeat="2" OnDuration="30" PowerOnLow="1.0" PowerOnHigh="1.2" OffDuration="0"/>';
    expect(segments(block).map((segment) => 'fraction' in segment && segment.fraction)).toEqual([
      1.1, 1.1,
    ]);
    expect(warnings(block)).toEqual([
      'Block 1 (IntervalsT) gives a range, 100 % to 120 %: its middle is ridden.',
    ]);
  });

  it('SteadyState with a range of power and cadence rides the middle of both', () => {
    const block =
      '<SteadyState Duration="60" PowerLow="0.8" PowerHigh="0.9" CadenceLow="85" CadenceHigh="95"/>';
    expect(segments(block)).toMatchObject([{ fraction: 0.85, cadenceRpm: 90 }]);
  });

  it('FreeRide, Freeride and MaxEffort are free, and the rider is told of a maximum effort', () => {
    const free = '<FreeRide Duration="60" FlatRoad="1"/><Freeride Duration="30"/>';
    expect(segments(`${free}<MaxEffort Duration="10"/>`)).toEqual([
      { kind: 'free', durationS: 60 },
      { kind: 'free', durationS: 30 },
      { kind: 'free', durationS: 10, texts: [{ atS: 0, message: 'Maximum effort' }] },
    ]);
  });

  it('without any time is left out, and warned of', () => {
    expect(segments(`<SteadyState Duration="0" Power="1"/>${minute}`)).toHaveLength(1);
    expect(warnings(`<SteadyState Duration="0" Power="1"/>${minute}`)).toEqual([
      'Block 1 (SteadyState) lasts no time and is left out.',
    ]);
  });
});

describe('a text event', () => {
  it('counts from the start of its block, and lands in the interval it falls into', () => {
    const block =
      '<IntervalsT Repeat="2" OnDuration="30" OffDuration="30" OnPower="1" OffPower="0.5">' +
      '<TextEvent TimeOffset="70" message="again"/><textevent timeoffset="2" message="go  now"/></IntervalsT>';
    expect(segments(minute + block).map(({ texts }) => texts)).toEqual([
      undefined,
      [{ atS: 2, message: 'go now' }],
      undefined,
      [{ atS: 10, message: 'again' }],
      undefined,
    ]);
  });

  it('directly in the workout counts from the start of the workout', () => {
    const text = '<textevent timeoffset="90" message="half"/>';
    expect(segments(minute + text + minute)[1]).toMatchObject({
      texts: [{ atS: 30, message: 'half' }],
    });
  });

  it('too long is cut, after the end or without a time is left out, and each is warned of', () => {
    const texts =
      `<textevent timeoffset="1" message="${'long '.repeat(60)}"/>` +
      '<textevent timeoffset="61" message="late"/><textevent timeoffset="soon" message="x"/>';
    const result = ok(parseZwo(file(texts + minute)));
    expect(result.plan.segments[0]?.texts?.map(({ message }) => message.length)).toEqual([200]);
    expect(result.warnings).toEqual([
      'A text without a usable time is left out.',
      'A long text is cut.',
      'A text after the end of the workout is left out.',
    ]);
  });
});

describe('a file', () => {
  it('is read with a byte order mark, leading blanks and <n> for <name>', () => {
    const text = `\uFEFF\n  <?xml version="1.0" encoding="utf-8"?>\n${file(minute, '<n>Old &amp; good</n><description>one\n two</description>')}`;
    expect(ok(parseZwo(text)).plan).toMatchObject({
      name: 'Old & good',
      description: 'one two',
    });
  });

  it('may have no name', () => {
    expect(ok(parseZwo(file(minute, ''))).plan.name).toBe('Workout without a name');
  });

  it('with unknown tags is read without them, and they are listed', () => {
    const text = file(
      `${minute}<Dance Duration="60"/><Dance/><SteadyState Duration="5" Power="1"><juggle/></SteadyState>`,
      '<author>A</author><mood>x</mood><tags><tag name="x"/></tags><ftpOverride>300</ftpOverride>',
    );
    const result = ok(parseZwo(text));
    expect(planDurationS(result.plan)).toBe(65);
    expect(result.warnings).toEqual([
      'The file wants another FTP; targets follow yours.',
      'Unknown tag <mood> is passed over.',
      'Unknown tag <Dance> is passed over, 2 times.',
      'Unknown tag <juggle> is passed over.',
    ]);
  });

  it('for another sport is refused politely', () => {
    expect(problemOf(file(minute, '<sportType>run</sportType>'))).toBe(
      'This is a running workout; only cycling workouts can be ridden here.',
    );
    expect(problemOf(file(minute, '<sportType>Bike</sportType>'))).toBe('none');
  });

  it('that is none, or has nothing to ride, is refused', () => {
    expect(problemOf('')).toMatch(/no valid XML/);
    expect(problemOf('<gpx/>')).toMatch(/no \.zwo file/);
    expect(problemOf('<workout_file><name>x</workout_file>')).toMatch(/no valid XML.*line 1/);
    expect(problemOf(file(''))).toBe('The file has no block to ride.');
  });

  it('with a block that cannot be ridden is refused, naming the block', () => {
    expect(refused('<SteadyState Power="1"/>')).toBe('Block 2 (SteadyState) has no Duration.');
    expect(refused('<SteadyState Duration="60" Zone="3"/>')).toMatch(/names no power/);
    expect(refused('<SteadyState Duration="60" Power="85"/>')).toMatch(/asks for 85 times FTP/);
    expect(refused('<SteadyState Duration="1:00" Power="1"/>')).toMatch(/is no number: "1:00"/);
    expect(refused('<FreeRide Duration="86401"/>')).toMatch(/longer than 24 hours/);
    expect(refused('<FreeRide Duration="86400"/>')).toMatch(/longer than 24 hours/);
  });
});

describe('a hostile file', () => {
  it('with a document type is refused, entities or not', () => {
    const bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>';
    expect(problemOf(bomb + file(minute, '<name>&b;</name>'))).toMatch(/no valid XML/);
    expect(problemOf(bomb + file(minute))).toMatch(/declares a document type/);
  });

  it('larger than 1 MB is refused unread', () => {
    expect(problemOf(' '.repeat(fileCharsMax + 1))).toBe('The file is larger than 1 MB.');
  });

  it('with repeats without end is refused before they are unrolled', () => {
    const block = '<IntervalsT Repeat="1e9" OnDuration="1" OnPower="1"/>';
    expect(problemOf(file(block))).toMatch(/repeats 1000000000 times/);
    expect(problemOf(file(block.replace('1e9', '600').repeat(2)))).toMatch(/more than 1000/);
  });

  it('with endless depth is refused', () => {
    expect(problemOf('<a>'.repeat(300_000))).toBe('The file is nested too deeply.');
  });

  it('with thousands of texts and unknown tags stays short', () => {
    const text = '<textevent timeoffset="1" message="x"/>';
    const many = Array.from({ length: 5000 }, (_, index) => `<x${index}/>${text}`).join('');
    const result = ok(parseZwo(file(many + minute)));
    expect(result.plan.segments[0]?.texts).toHaveLength(300);
    expect(result.warnings.length).toBeLessThanOrEqual(100);
  });

  it('never makes the reader throw', () => {
    const piece = fc.oneof(
      fc.constantFrom('<workout_file>', '<workout>', '</workout>', '</workout_file>', minute),
      fc.constantFrom(
        '<IntervalsT Repeat="',
        '" OnDuration="',
        '"/>',
        '&amp;',
        '&#0;',
        '<![CDATA[',
      ),
      fc.constantFrom(
        '<Warmup __proto__="1" Duration="9"',
        ' PowerLow="',
        'constructor',
        '-1',
        '1e308',
      ),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        expect(typeof parseZwo(pieces.join('')).ok).toBe('boolean');
        expect(typeof parseZwo(file(pieces.join(''))).ok).toBe('boolean');
      }),
      { numRuns: 500 },
    );
  });
});

describe('files as people write them', () => {
  it.skipIf(!hasWorkouts)(`are read whole and without a warning (${whySkipped})`, () => {
    const read = workoutFiles().map(({ name, text }) => {
      const { plan, warnings } = ok(parseZwo(text));
      expect([name, warnings]).toEqual([name, []]);
      expect(plan.name).not.toBe('Workout without a name');
      return [name, Number(/(\d+)min/.exec(name)?.[1]), planDurationS(plan) / 60];
    });
    expect(read.length).toBeGreaterThan(5);
    // Their names round: what matters is that no block got lost.
    for (const [, promised, minutes] of read)
      expect(Math.abs(Number(promised) - Number(minutes))).toBeLessThan(8);
  });
});

/** Any plan, written as each of the formats: what is read of it is that plan, and there is nothing to warn of. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { readPlanFile } from '../../shared/workout/plan-file.ts';
import type { Plan, PlanSegment } from '../../shared/workout/plan.ts';

/** To a hundredth of a percent, as finely as a plan keeps it. */
const fraction = fc.integer({ min: 0, max: 50_000 }).map((part) => part / 10_000);
const durationS = fc.integer({ min: 1, max: 1_200 });
const cadence = fc.option(fc.integer({ min: 20, max: 250 }), { nil: undefined });
/** Of one line, without blanks at its ends: readers take no others. */
const words = fc.stringMatching(/^[\p{L}\d<>&"'%.,!-]{1,12}( [\p{L}\d<>&"'%.,!-]{1,12}){0,3}$/u);

const steady = fc.record({ kind: fc.constant('steady' as const), durationS, fraction });
const ramp = fc
  .record({
    kind: fc.constant('ramp' as const),
    durationS,
    fromFraction: fraction,
    toFraction: fraction,
  })
  .filter(({ fromFraction, toFraction }) => fromFraction !== toFraction);
const free = fc.record({ kind: fc.constant('free' as const), durationS });

const withCadence = fc
  .tuple(fc.oneof(steady, ramp, free), cadence)
  .map(([segment, cadenceRpm]): PlanSegment =>
    cadenceRpm === undefined ? segment : { ...segment, cadenceRpm },
  );

/** Some seconds into a segment, and what is to be read there. */
const withTexts = (segment: fc.Arbitrary<PlanSegment>): fc.Arbitrary<PlanSegment> =>
  fc
    .tuple(
      segment,
      fc.array(
        fc.record({ share: fc.double({ min: 0, max: 0.999, noNaN: true }), message: words }),
        { maxLength: 3 },
      ),
    )
    .map(([one, written]): PlanSegment => {
      const texts = written
        .map(({ share, message }) => ({ atS: Math.floor(share * one.durationS), message }))
        .toSorted((a, b) => a.atS - b.atS);
      return texts.length === 0 ? one : { ...one, texts };
    });

const planOf = (segment: fc.Arbitrary<PlanSegment>): fc.Arbitrary<Plan> =>
  fc.record({
    name: words,
    description: words,
    segments: fc.array(segment, { minLength: 1, maxLength: 30 }),
  });

const attribute = (name: string, value: number | string | undefined): string =>
  value === undefined
    ? ''
    : ` ${name}="${String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')}"`;

function block(segment: PlanSegment, tag: string): string {
  const power =
    segment.kind === 'steady'
      ? attribute('Power', segment.fraction)
      : segment.kind === 'ramp'
        ? attribute('PowerLow', segment.fromFraction) + attribute('PowerHigh', segment.toFraction)
        : '';
  const texts = (segment.texts ?? []).map(
    ({ atS, message }) =>
      `<textevent${attribute('timeoffset', atS)}${attribute('message', message)}/>`,
  );
  const head = attribute('Duration', segment.durationS) + power;
  return `<${tag}${head}${attribute('Cadence', segment.cadenceRpm)}>${texts.join('')}</${tag}>`;
}

/** Each kind of segment has several tags that mean it; `choice` takes one. */
const tags = {
  steady: ['SteadyState', 'SolidState', 'steadystate'],
  ramp: ['Ramp', 'Warmup'],
  free: ['FreeRide', 'Freeride'],
};

function zwo({ name, description, segments }: Plan, choice: number): string {
  const plain = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const blocks = segments.map((segment, place) => {
    const names = tags[segment.kind];
    return block(segment, names[(choice + place) % names.length] ?? '');
  });
  return `<workout_file><name>${plain(name)}</name><description>${plain(description)}</description>
<sportType>bike</sportType><workout>${blocks.join('\n')}</workout></workout_file>`;
}

/** Points of a course: two for each segment. `whole` is what a fraction of 1 is written as. */
function course({ name, description, segments }: Plan, unit: string, whole: number, head = '') {
  let atS = 0;
  const texts: string[] = [];
  const points = segments.flatMap((segment) => {
    const [from, to] =
      segment.kind === 'ramp'
        ? [segment.fromFraction, segment.toFraction]
        : segment.kind === 'steady'
          ? [segment.fraction, segment.fraction]
          : [0, 0];
    for (const text of segment.texts ?? []) texts.push(`${atS + text.atS}\t${text.message}\t10`);
    const beganS = atS;
    atS += segment.durationS;
    return [`${beganS / 60}\t${from * whole}`, `${atS / 60}\t${to * whole}`];
  });
  return `[COURSE HEADER]
DESCRIPTION = ${description}
FILE NAME = ${name}
${head}MINUTES ${unit}
[END COURSE HEADER]
[COURSE DATA]
${points.join('\n')}
[END COURSE DATA]
[COURSE TEXT]
${texts.join('\n')}
[END COURSE TEXT]
`;
}

/** These formats know neither a target cadence nor a stretch without a target. */
const inCourse = withTexts(fc.oneof(steady, ramp));

/** Their reader takes the ending of a file's name away. */
const hasNoEnding = ({ name }: Plan): boolean => !/\.(mrc|erg)$/i.test(name);

describe('any plan is what is read', () => {
  test('of the .zwo file it is written to', () => {
    fc.assert(
      fc.property(planOf(withTexts(withCadence)), fc.nat(5), (plan, choice) => {
        expect(readPlanFile(zwo(plan, choice), 200)).toEqual({ ok: true, plan, warnings: [] });
      }),
    );
  });

  test('of a .zwo file whose intervals are one block', () => {
    const interval = fc.record({
      count: fc.integer({ min: 1, max: 20 }),
      onS: durationS,
      offS: durationS,
      on: fraction,
      off: fraction,
    });
    fc.assert(
      fc.property(interval, ({ count, onS, offS, on, off }) => {
        const text = `<workout_file><name>Efforts</name><workout><IntervalsT Repeat="${count}" OnDuration="${onS}" OffDuration="${offS}" OnPower="${on}" OffPower="${off}"/></workout></workout_file>`;
        const pair = [
          { kind: 'steady', durationS: onS, fraction: on },
          { kind: 'steady', durationS: offS, fraction: off },
        ];
        const segments = Array.from({ length: count }, () => pair).flat();
        expect(readPlanFile(text, 200)).toMatchObject({
          ok: true,
          plan: { segments },
          warnings: [],
        });
      }),
    );
  });

  test('of the .mrc file, in percent', () => {
    fc.assert(
      fc.property(planOf(inCourse).filter(hasNoEnding), (plan) => {
        const text = course(plan, 'PERCENT', 100);
        expect(readPlanFile(text, 200)).toEqual({ ok: true, plan, warnings: [] });
      }),
    );
  });

  test('of the .erg file, in watts of an FTP that it names', () => {
    fc.assert(
      fc.property(
        planOf(inCourse).filter(hasNoEnding),
        fc.integer({ min: 80, max: 500 }),
        (plan, ftpW) => {
          const text = course(plan, 'WATTS', ftpW, `FTP = ${ftpW}\n`);
          expect(readPlanFile(text, 200)).toMatchObject({ ok: true, plan });
        },
      ),
    );
  });
});

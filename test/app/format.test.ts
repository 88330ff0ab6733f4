import { describe, expect, test } from 'vitest';

import {
  clockTime,
  countdown,
  gapTime,
  nothing,
  percent,
  spokenTime,
  whole,
  withUnit,
} from '../../client/app/format.ts';
import { nextText, planFigures } from '../../client/app/plan-text.ts';
import { segmentAt, type Plan } from '../../shared/workout/plan.ts';

const plan: Plan = {
  name: 'Mixed',
  description: '',
  segments: [
    { kind: 'steady', durationS: 120, fraction: 0.5 },
    { kind: 'ramp', durationS: 90, fromFraction: 0.5, toFraction: 1.1 },
    { kind: 'free', durationS: 3600 },
  ],
};
/** As a reader sees it: a space that does not break is a space. */
const plain = (text: string): string => text.replaceAll('\u00A0', ' ');

describe('times', () => {
  test.each([
    [0, '0:00'],
    [59.99, '0:59'],
    [60, '1:00'],
    [3599, '59:59'],
    [3600, '1:00:00'],
    [36_061, '10:01:01'],
    [-3, '0:00'],
  ])('%d s stand on the clock as %s', (seconds, text) => {
    expect(clockTime(seconds)).toBe(text);
  });

  test('a countdown shows 0:00 only when it is over', () => {
    expect(countdown(60)).toBe('1:00');
    expect(countdown(59.2)).toBe('1:00');
    expect(countdown(0.2)).toBe('0:01');
    expect(countdown(0)).toBe('0:00');
    expect(countdown(30.000_000_4)).toBe('0:30');
  });

  test('lengths are said as people say them', () => {
    expect([45, 2160, 3600, 8100].map(spokenTime)).toEqual(['45 s', '36 min', '1 h', '2 h 15 min']);
  });

  test('a break is told in tenths while it is short', () => {
    expect([3, 420, 9_940, 12_300, 605_000].map(gapTime)).toEqual([
      '0.1 s',
      '0.4 s',
      '9.9 s',
      '12 s',
      '10 min',
    ]);
  });
});

describe('numbers', () => {
  test('what is not known is a dash, not a zero', () => {
    expect(whole(null)).toBe(nothing);
    expect(withUnit(null, 'W')).toBe(nothing);
    expect(whole(0)).toBe('0');
  });

  test('a unit never stands at the beginning of a line', () => {
    expect(withUnit(211.6, 'W')).toBe('212\u00A0W');
    expect(percent(0.955)).toBe('96\u00A0%');
  });
});

describe('a plan in words', () => {
  const nextAt = (positionS: number): string => {
    const place = segmentAt(plan, positionS);
    return place === null ? '' : plain(nextText(place, 200, 1.05));
  };

  test('the next interval is told with its length and its target at the present intensity', () => {
    expect(nextAt(0)).toBe('then 1:30 from 105 to 231 W');
    expect(nextAt(120)).toBe('then 1:00:00 free');
    expect(nextAt(210)).toBe('then you are done');
  });

  test('a card says how long and how hard', () => {
    expect(plain(planFigures(plan, 200))).toBe('1 h 4 min, up to 220 W');
    expect(planFigures({ ...plan, segments: [{ kind: 'free', durationS: 60 }] }, 200)).toBe(
      '1 min, free',
    );
  });
});

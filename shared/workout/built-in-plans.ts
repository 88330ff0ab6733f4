/** The workouts that come with the app. */
import type { Plan, PlanSegment } from './plan.ts';

const minute = 60;

function steady(minutes: number, fraction: number, message?: string): PlanSegment {
  return { kind: 'steady', durationS: minutes * minute, fraction, ...saying(message) };
}

function ramp(
  minutes: number,
  fromFraction: number,
  toFraction: number,
  message?: string,
): PlanSegment {
  const durationS = minutes * minute;
  return { kind: 'ramp', durationS, fromFraction, toFraction, ...saying(message) };
}

function saying(message?: string): { readonly texts?: { atS: number; message: string }[] } {
  // Two seconds in: the rider looks at the new target first.
  return message === undefined ? {} : { texts: [{ atS: 2, message }] };
}

function repeat(times: number, segments: readonly PlanSegment[]): PlanSegment[] {
  return Array.from({ length: times }, () => segments).flat();
}

const lunchBreak: Plan = {
  name: 'Lunch break',
  description: 'Half an hour: eight short efforts above threshold between an easy start and end.',
  segments: [
    ramp(6, 0.45, 0.75, 'Ease in. The first effort comes after six minutes.'),
    ...repeat(8, [steady(1, 1.12), steady(1, 0.5)]),
    steady(3, 0.7, 'The efforts are done. Spin the legs loose.'),
    ramp(5, 0.65, 0.4),
  ],
};

const sweetSpotHour: Plan = {
  name: 'Sweet spot hour',
  description: 'Three times twelve minutes just below threshold: much work, little damage.',
  segments: [
    ramp(8, 0.45, 0.8),
    steady(2, 0.55),
    steady(12, 0.88, 'First of three. Settle into a breath you can hold.'),
    steady(4, 0.5),
    { ...steady(12, 0.9, 'Second of three. A little more, and a lower gear.'), cadenceRpm: 80 },
    steady(4, 0.5),
    steady(12, 0.92, 'Last one. Sit tall, keep the shoulders quiet.'),
    ramp(6, 0.6, 0.4),
  ],
};

const longEndurance: Plan = {
  name: 'Long endurance',
  description:
    'Two and a quarter hours of steady riding with a few changes of rhythm. Bring two bottles.',
  segments: [
    ramp(15, 0.45, 0.65, 'A long day starts slowly. Hold back for a quarter of an hour.'),
    steady(25, 0.66, 'This is the pace of the day: you could talk in whole sentences.'),
    { ...steady(5, 0.72, 'Five minutes of quick feet.'), cadenceRpm: 100 },
    steady(20, 0.66, 'Back to the pace of the day. Time to eat something.'),
    { ...steady(5, 0.75, 'Five minutes of slow strength, seated.'), cadenceRpm: 60 },
    steady(20, 0.67, 'Past the half. Drink, even if you are not thirsty.'),
    ...repeat(4, [steady(1, 0.85), steady(4, 0.65)]),
    steady(15, 0.68, 'The last block. Keep the pace as even as the first one.'),
    ramp(10, 0.65, 0.4, 'Done. Roll it out.'),
  ],
};

const rampTest: Plan = {
  name: 'Ramp test',
  description:
    'Every minute a little harder until you cannot go on; then skip to the end. Three quarters of your best minute is an estimate of your FTP.',
  segments: [
    steady(5, 0.45, 'Warm up. The steps begin after five minutes.'),
    ...Array.from({ length: 22 }, (_, step) => steady(1, Math.round(50 + step * 6) / 100)),
    steady(8, 0.4, 'Well done. Roll it out.'),
  ],
};

/** A stable id for links and settings, and the plan. */
export interface BuiltInPlan {
  readonly id: string;
  readonly plan: Plan;
}

/** Shortest first, the test last. */
export const builtInPlans: readonly BuiltInPlan[] = [
  { id: 'lunch-break', plan: lunchBreak },
  { id: 'sweet-spot-hour', plan: sweetSpotHour },
  { id: 'long-endurance', plan: longEndurance },
  { id: 'ramp-test', plan: rampTest },
];

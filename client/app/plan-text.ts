/** A plan in words. Pure. */
import {
  planDurationS,
  type Plan,
  type PlanPlace,
  type PlanSegment,
} from '../../shared/workout/plan.ts';
import { clockTime, joint, spokenTime } from './format.ts';

/** The target of a segment in words: `225 W`, `110 to 200 W`, `free`. */
export function targetText(segment: PlanSegment, ftpW: number, intensity: number): string {
  const watts = (fraction: number): number => Math.round(fraction * ftpW * intensity);
  switch (segment.kind) {
    case 'steady':
      return `${watts(segment.fraction)}${joint}W`;
    case 'ramp':
      return `${watts(segment.fromFraction)} to ${watts(segment.toFraction)}${joint}W`;
    case 'free':
      return 'free';
  }
}

/** What comes after the present interval: `then 2:00 at 225 W`. */
export function nextText({ next }: PlanPlace, ftpW: number, intensity: number): string {
  if (next === null) return 'then you are done';
  const target = targetText(next, ftpW, intensity);
  const preposition = { steady: 'at ', ramp: 'from ', free: '' }[next.kind];
  return `then ${clockTime(next.durationS)} ${preposition}${target}`;
}

/** How long a plan is and how hard it gets: `1 h, up to 230 W`. */
export function planFigures(plan: Plan, ftpW: number): string {
  const fractions = plan.segments.flatMap((segment) => {
    if (segment.kind === 'steady') return [segment.fraction];
    return segment.kind === 'ramp' ? [segment.fromFraction, segment.toFraction] : [];
  });
  const time = spokenTime(planDurationS(plan));
  return fractions.length === 0
    ? `${time}, free`
    : `${time}, up to ${Math.round(Math.max(...fractions) * ftpW)}${joint}W`;
}

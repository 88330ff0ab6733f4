/** How hard a ride is so far, or was, as the screens write it. Pure. */
import type { TrainingSummary } from '../../shared/workout/training-metrics.ts';
import { nothing, whole } from './format.ts';

export interface LoadFigure {
  readonly name: 'Normalized' | 'Intensity factor' | 'Load' | 'Work';
  readonly value: string;
  /** '' for a bare number. */
  readonly unit: string;
  readonly hint: string;
}

/** Before half a minute of power there is nothing to say but the work. */
export function loadFigures(ridden: TrainingSummary): readonly LoadFigure[] {
  const { intensityFactor } = ridden;
  return [
    {
      name: 'Normalized',
      value: whole(ridden.normalizedW),
      unit: 'W',
      hint: 'An average that weighs hard efforts as the body feels them',
    },
    {
      name: 'Intensity factor',
      value: intensityFactor === null ? nothing : intensityFactor.toFixed(2),
      unit: '',
      hint: 'Normalized power as a part of FTP',
    },
    { name: 'Load', value: whole(ridden.load), unit: '', hint: '100 is an hour at FTP' },
    {
      name: 'Work',
      value: whole(ridden.energyKj),
      unit: 'kJ',
      hint: 'What the pedals were given; about as many kcal were burnt for it',
    },
  ];
}

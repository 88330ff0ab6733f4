/** A ride as TCX, which many programs read and no pause fits into, and as a table. Pure. */
import { isoTime } from '../../../shared/clock.ts';
import { mean, type RecordedLap, type RecordedSecond, type RideRecord } from './ride-record.ts';

/** Training Center XML, version 2, with power in the extension for it. */
export function tcxFile({ startedAtMs, laps }: RideRecord): string {
  const schema = 'http://www.garmin.com/xmlschemas';
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<TrainingCenterDatabase xmlns="${schema}/TrainingCenterDatabase/v2" xmlns:x="${schema}/ActivityExtension/v2">`,
    '<Activities><Activity Sport="Biking">',
    `<Id>${isoTime(startedAtMs)}</Id>`,
    ...laps.map((lap, index) => tcxLap(lap, index === laps.length - 1)),
    '</Activity></Activities>',
    '</TrainingCenterDatabase>',
    '',
  ].join('\n');
}

function tcxLap({ fromMs, riddenMs, seconds }: RecordedLap, isLast: boolean): string {
  const energyJ = seconds.reduce((sum, { powerW }) => sum + (powerW ?? 0), 0);
  const heartRatesBpm = seconds
    .map(({ heartRateBpm }) => heartRateBpm)
    .filter((bpm) => bpm !== null);
  const average = mean(heartRatesBpm);
  return [
    `<Lap StartTime="${isoTime(fromMs)}">`,
    `<TotalTimeSeconds>${riddenMs / 1000}</TotalTimeSeconds>`,
    '<DistanceMeters>0</DistanceMeters>',
    `<Calories>${Math.min(65_535, Math.round(energyJ / 1000))}</Calories>`,
    average === null ? '' : `<AverageHeartRateBpm><Value>${average}</Value></AverageHeartRateBpm>`,
    '<Intensity>Active</Intensity>',
    `<TriggerMethod>${isLast ? 'Time' : 'Manual'}</TriggerMethod>`,
    // A track has one point at least.
    seconds.length === 0 ? '' : `<Track>\n${seconds.map(tcxPoint).join('\n')}\n</Track>`,
    '</Lap>',
  ]
    .filter((line) => line !== '')
    .join('\n');
}

function tcxPoint({ atMs, powerW, cadenceRpm, heartRateBpm }: RecordedSecond): string {
  const beats =
    heartRateBpm === null ? '' : `<HeartRateBpm><Value>${heartRateBpm}</Value></HeartRateBpm>`;
  // Cadence is a byte there, and 255 is no cadence.
  const turns = cadenceRpm === null ? '' : `<Cadence>${Math.min(254, cadenceRpm)}</Cadence>`;
  const watts =
    powerW === null ? '' : `<Extensions><x:TPX><x:Watts>${powerW}</x:Watts></x:TPX></Extensions>`;
  return `<Trackpoint><Time>${isoTime(atMs)}</Time>${beats}${turns}${watts}</Trackpoint>`;
}

/** One line for each second of riding; a sensor that said nothing leaves its cell empty. */
export function csvFile({ seconds }: RideRecord): string {
  const rows = seconds.map(({ second, powerW, cadenceRpm, heartRateBpm }) =>
    [second, powerW ?? '', cadenceRpm ?? '', heartRateBpm ?? ''].join(','),
  );
  return ['elapsed_s,power_w,cadence_rpm,heart_rate_bpm', ...rows, ''].join('\n');
}

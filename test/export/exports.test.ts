import { parseXml, XmlElement } from '@rgrove/parse-xml';
import * as fc from 'fast-check';
import FitParser from 'fit-file-parser';
import { describe, expect, test } from 'vitest';

import { fitFile } from '../../client/app/export/fit-file.ts';
import {
  recordRide,
  type KeptCommand,
  type RideRecord,
} from '../../client/app/export/ride-record.ts';
import { csvFile, tcxFile } from '../../client/app/export/text-files.ts';
import { noMetrics, withMissing, withSecond } from '../../shared/workout/training-metrics.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { workout } from '../../shared/workout/workout.ts';
import { startMs, testPlan } from '../workout/workout-ride.ts';

const ftpW = 200;

/** The state that the commands come to. */
function ridden(commands: readonly KeptCommand[]): WorkoutState {
  let state = workout.initial({ plan: testPlan, ftpW });
  for (const [type, data, atMs] of commands) {
    const parsed = workout.parseCommand(type, data);
    if (!parsed.ok) throw new Error(parsed.problem);
    const decision = workout.decide(state, parsed.value, { atMs, clientId: 'bike' });
    if (!('refused' in decision)) state = decision.reduce(workout.evolve, state);
  }
  return state;
}

function recorded(commands: readonly KeptCommand[], state = ridden(commands)): RideRecord {
  const ride = recordRide(state, commands);
  if (ride === null) throw new Error('There is a ride.');
  return ride;
}

const at = (atS: number, type: string, data: object = {}): KeptCommand => [
  type,
  data,
  startMs + Math.round(atS * 1000),
];
const sampled = (fromS: number, toS: number, sample: object): KeptCommand[] =>
  Array.from({ length: toS - fromS }, (_, index) => at(fromS + index, 'sample', sample));

/** A minute at 200 W, a lap, a pause of half a minute, 20 s without the trainer, and a minute at 250 W. */
const minutes: readonly KeptCommand[] = [
  at(0, 'start'),
  ...sampled(0, 60, { powerW: 200, cadenceRpm: 90, heartRateBpm: 140 }),
  at(60, 'lap'),
  at(60, 'pause', { reason: 'phone' }),
  at(90, 'resume'),
  ...sampled(90, 110, { powerW: null, cadenceRpm: null, heartRateBpm: 130 }),
  ...sampled(110, 170, { powerW: 250, cadenceRpm: 80, heartRateBpm: 160 }),
  at(170, 'finish'),
];
const options = { serial: 4711, offsetMinutes: 60 };
const decode = (ride: RideRecord) =>
  new FitParser({ force: false, mode: 'list' }).parseAsync(Buffer.from(fitFile(ride, options)));
const seconds = (date: unknown): number => new Date(String(date)).getTime() / 1000 - startMs / 1000;

describe('a record', () => {
  test('holds every second with its place on the wall, the pause and the laps', () => {
    const ride = recorded(minutes);
    expect(ride.isWhole).toBe(true);
    expect(ride.seconds).toHaveLength(140);
    expect(ride.seconds[59]).toMatchObject({ second: 59, atMs: startMs + 59_000, powerW: 200 });
    expect(ride.seconds[60]).toMatchObject({ second: 60, atMs: startMs + 90_000, powerW: null });
    expect(ride.pauses).toEqual([{ fromMs: startMs + 60_000, toMs: startMs + 90_000 }]);
    expect(ride.laps.map(({ riddenMs, seconds }) => [riddenMs, seconds.length])).toEqual([
      [60_000, 60],
      [80_000, 80],
    ]);
  });

  test('of a part of the ride is known to be one', () => {
    expect(recorded(minutes.slice(0, 40), ridden(minutes)).isWhole).toBe(false);
    expect(recordRide(ridden([]), [])).toBeNull();
  });

  test("has the ride's own numbers, whatever was pressed when, and no second twice", () => {
    const press = fc.record({
      waitMs: fc.integer({ min: 0, max: 15_000 }),
      type: fc.constantFrom(
        'sample',
        'sample',
        'sample',
        'pause',
        'resume',
        'lap',
        'skip',
        'finish',
      ),
      powerW: fc.option(fc.integer({ min: 0, max: 900 })),
    });
    fc.assert(
      fc.property(fc.array(press, { maxLength: 80 }), (presses) => {
        let atMs = startMs;
        const commands: KeptCommand[] = [['start', {}, atMs]];
        for (const { waitMs, type, powerW } of presses) {
          atMs += waitMs;
          commands.push([type, type === 'sample' ? { powerW } : {}, atMs]);
        }
        commands.push(['finish', {}, atMs]);
        const state = ridden(commands);
        const ride = recorded(commands, state);
        expect(ride.isWhole).toBe(true);
        let metrics = noMetrics;
        for (const second of ride.seconds) {
          const missing = second.second - metrics.recordedS - metrics.missingS;
          metrics = withSecond(withMissing(metrics, missing), second);
        }
        const after = state.metrics.recordedS + state.metrics.missingS;
        metrics = withMissing(metrics, after - metrics.recordedS - metrics.missingS);
        expect(metrics).toEqual(state.metrics);
        expect(ride.laps.flatMap(({ seconds }) => seconds)).toEqual(ride.seconds);
        const begun = ride.seconds.map(({ atMs }) => atMs);
        expect(begun.every((atMs, index) => atMs - (begun[index - 1] ?? 0) >= 1000)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a .fit file', () => {
  test('is read by an independent decoder: who wrote it, records, pause, laps and the whole', async () => {
    const fit = await decode(recorded(minutes));
    expect(fit.file_ids?.[0]).toMatchObject({
      type: 'activity',
      manufacturer: 'development',
      serial_number: 4711,
    });
    expect(
      fit.events?.map(({ event_type, timestamp }) => [event_type, seconds(timestamp)]),
    ).toEqual([
      ['start', 0],
      ['stop_all', 60],
      ['start', 90],
      ['stop_all', 170],
    ]);
    const records = fit.records ?? [];
    expect(records).toHaveLength(140);
    expect(records.map(({ timestamp }) => seconds(timestamp))).toEqual([
      ...Array.from({ length: 60 }, (_, second) => second),
      ...Array.from({ length: 80 }, (_, second) => second + 90),
    ]);
    expect(records[0]).toMatchObject({ power: 200, cadence: 90, heart_rate: 140 });
    expect(records[70]?.power).toBeUndefined();
    expect(records[70]).toMatchObject({ heart_rate: 130 });
    expect(fit.laps).toMatchObject([
      {
        total_elapsed_time: 60,
        total_timer_time: 60,
        avg_power: 200,
        avg_cadence: 90,
        avg_heart_rate: 140,
        lap_trigger: 'manual',
      },
      {
        total_elapsed_time: 110,
        total_timer_time: 80,
        avg_power: 250,
        max_power: 250,
        max_heart_rate: 160,
        lap_trigger: 'session_end',
      },
    ]);
    expect(fit.laps?.map(({ start_time }) => seconds(start_time))).toEqual([0, 60]);
  });

  test("has the ride's own numbers in its session", async () => {
    const ride = recorded(minutes);
    const fit = await decode(ride);
    const { normalizedW, load, intensityFactor } = ride.summary;
    expect(fit.sessions).toHaveLength(1);
    expect(fit.sessions?.[0]).toMatchObject({
      sport: 'cycling',
      sub_sport: 'indoor_cycling',
      total_elapsed_time: 170,
      total_timer_time: 140,
      avg_power: 225,
      max_power: 250,
      num_laps: 2,
      normalized_power: Math.round(normalizedW ?? 0),
      training_stress_score: Math.round((load ?? 0) * 10) / 10,
      intensity_factor: Math.round((intensityFactor ?? 0) * 1000) / 1000,
      threshold_power: 200,
      total_work: 27_000,
      total_calories: 27,
    });
    expect(fit.activity).toMatchObject({ total_timer_time: 140, num_sessions: 1 });
  });

  test('a ride finished in its pause ends with the pause', async () => {
    const fit = await decode(recorded([...minutes.slice(0, 63), at(500, 'finish')]));
    expect(
      fit.events?.map(({ event_type, timestamp }) => [event_type, seconds(timestamp)]),
    ).toEqual([
      ['start', 0],
      ['stop_all', 60],
    ]);
    expect(fit.sessions?.[0]).toMatchObject({ total_elapsed_time: 500, total_timer_time: 60 });
  });

  test('a ride without a single reading is a file all the same', async () => {
    const fit = await decode(recorded([at(0, 'start'), at(3, 'finish')]));
    expect(fit.records ?? []).toEqual([]);
    expect(fit.sessions?.[0]?.avg_power).toBeUndefined();
  });

  test('the same ride is the same bytes, and one wrong byte is found', async () => {
    const bytes = fitFile(recorded(minutes), options);
    expect(fitFile(recorded(minutes), options)).toEqual(bytes);
    const broken = Buffer.from(bytes);
    broken[200] = (broken[200] ?? 0) ^ 1;
    await expect(new FitParser({ force: false }).parseAsync(broken)).rejects.toBeDefined();
  });
});

describe('a .tcx file', () => {
  const elements = (node: XmlElement, name: string): XmlElement[] =>
    node.children.flatMap((child) =>
      child instanceof XmlElement
        ? [...(child.name === name ? [child] : []), ...elements(child, name)]
        : [],
    );

  test('has laps with points, and an empty place where nothing was measured', () => {
    const root = parseXml(tcxFile(recorded(minutes))).root as XmlElement;
    expect(elements(root, 'Lap').map((lap) => elements(lap, 'Trackpoint').length)).toEqual([
      60, 80,
    ]);
    const [point] = elements(root, 'Trackpoint');
    expect(point?.text).toBe('2027-01-15T08:00:00.000Z14090200');
    expect(elements(root, 'x:Watts')).toHaveLength(120);
    expect(elements(root, 'Calories').map(({ text }) => text)).toEqual(['12', '15']);
    expect(elements(root, 'TotalTimeSeconds').map(({ text }) => text)).toEqual(['60', '80']);
  });
});

describe('a .csv file', () => {
  test('has a line for each second, and an empty cell for what was not measured', () => {
    const lines = csvFile(recorded(minutes)).split('\n');
    expect(lines[0]).toBe('elapsed_s,power_w,cadence_rpm,heart_rate_bpm');
    expect(lines[1]).toBe('0,200,90,140');
    expect(lines[61]).toBe('60,,,130');
    expect(lines).toHaveLength(142);
  });
});

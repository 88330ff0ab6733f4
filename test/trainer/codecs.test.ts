import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { frameOf, readBytes } from '../../client/app/trainer/bytes.ts';
import {
  decodeResponse,
  encodeRequest,
  saysControlLost,
  type ControlRequest,
} from '../../client/app/trainer/control-point.ts';
import {
  decodePowerMeter,
  unwatchedCrank,
  withCrank,
  type CrankWatch,
} from '../../client/app/trainer/cycling-power.ts';
import { decodeHeartRate } from '../../client/app/trainer/heart-rate.ts';
import {
  decodeBikeFrame,
  noRecord,
  withBikeFrame,
  type BikeReading,
} from '../../client/app/trainer/indoor-bike-data.ts';
import {
  decodeFeature,
  decodePowerRange,
  decodeResistanceRange,
  settableLevel,
  settablePowerW,
  usualPowerRange,
} from '../../client/app/trainer/machine-feature.ts';
import {
  plausibleCadenceRpm,
  plausibleHeartRateBpm,
  plausiblePowerW,
} from '../../client/app/trainer/plausible.ts';
import { workoutCommands } from '../../shared/workout/workout-schemas.ts';
import { workout } from '../../shared/workout/workout.ts';

const hex = (text: string): DataView => frameOf(text.split(' ').map((byte) => parseInt(byte, 16)));
const bytes = (request: ControlRequest): string =>
  Buffer.from(encodeRequest(request)).toString('hex');
const reading = (text: string): BikeReading | undefined => decodeBikeFrame(hex(text))?.reading;

describe('indoor bike data', () => {
  test.each([
    [
      'speed, cadence and power',
      '44 00 CA 0C A0 00 2C 01',
      { speedKmh: 32.74, cadenceRpm: 80, powerW: 300 },
    ],
    [
      'a Zwift Hub with averages, distance, resistance and heart rate',
      'FE 02 FE 09 34 08 8E 00 7C 00 4A 01 00 14 00 C7 00 68 00 00',
      { speedKmh: 25.58, cadenceRpm: 71, powerW: 199, heartRateBpm: 0 },
    ],
    [
      'an Elite with distance and elapsed time',
      '54 08 27 01 00 00 C1 01 00 0A 00 50 00',
      { speedKmh: 2.95, cadenceRpm: 0, powerW: 10 },
    ],
    [
      'a JetBlack with a resistance of two bytes',
      '64 02 00 00 00 00 14 00 00 00 00',
      { speedKmh: 0, cadenceRpm: 0, powerW: 0, heartRateBpm: 0 },
    ],
    ['a resistance of one byte', '60 00 00 00 14 C8 00', { speedKmh: 0, powerW: 200 }],
    [
      'every field there is',
      'FE 1F 10 0E 00 00 B4 00 00 00 01 00 00 05 00 FA 00 00 00 01 00 02 00 03 8C 0A 3C 00 78 00',
      { speedKmh: 36, cadenceRpm: 90, powerW: 250, heartRateBpm: 140 },
    ],
    ['a power below zero', '40 00 00 00 FB FF', { speedKmh: 0, powerW: -5 }],
  ])('reads %s', (_name, text, expected) => {
    expect(decodeBikeFrame(hex(text))).toEqual({ reading: expected, hasMore: false });
  });

  test('flags that change in mid-ride move the fields with them', () => {
    expect(reading('40 00 00 00 C8 00')?.powerW).toBe(200);
    expect(reading('60 00 00 00 14 00 C8 00')?.powerW).toBe(200);
  });

  test('a frame that is shorter or longer than its flags say is no reading', () => {
    expect(decodeBikeFrame(hex('44 00 CA 0C A0 00 2C'))).toBeNull();
    expect(decodeBikeFrame(hex('44 00 CA 0C A0 00 2C 01 00'))).toBeNull();
    expect(decodeBikeFrame(hex('44'))).toBeNull();
    expect(decodeBikeFrame(frameOf([]))).toBeNull();
  });

  test('fields of a later version of the service may follow the known ones', () => {
    expect(reading('40 20 00 00 C8 00 AA BB')).toEqual({ speedKmh: 0, powerW: 200 });
  });

  test('a record in two parts is one reading, when its last part has come', () => {
    const first = decodeBikeFrame(hex('45 00 B4 00 C8 00'));
    const second = decodeBikeFrame(hex('00 02 10 0E 8C'));
    if (first === null || second === null) throw new Error('These are frames.');
    expect(first.hasMore).toBe(true);
    const half = withBikeFrame(noRecord, first);
    expect(half.whole).toBeNull();
    expect(withBikeFrame(half.record, second)).toEqual({
      record: noRecord,
      whole: { cadenceRpm: 90, powerW: 200, speedKmh: 36, heartRateBpm: 140 },
    });
  });

  test('a machine that always announces more is heard all the same', () => {
    const frame = decodeBikeFrame(hex('45 00 B4 00 C8 00'));
    if (frame === null) throw new Error('This is a frame.');
    const once = withBikeFrame(noRecord, frame);
    expect(withBikeFrame(once.record, frame).whole).toEqual({ cadenceRpm: 90, powerW: 200 });
  });
});

describe('the machine', () => {
  test('says what it can be told', () => {
    expect(decodeFeature(hex('02 40 00 00 08 20 01 00'))).toEqual({
      takesPower: true,
      takesSimulation: true,
      takesResistance: false,
      takesCadence: true,
    });
    expect(decodeFeature(hex('02 40 00 00 00 00 00 00'))?.takesPower).toBe(false);
    expect(decodeFeature(hex('02 40 00 00 08 20 00'))).toBeNull();
  });

  test('says between which powers it can be set', () => {
    expect(decodePowerRange(hex('32 00 D0 07 05 00'))).toEqual({ minW: 50, maxW: 2000, stepW: 5 });
    expect(decodePowerRange(hex('32 00 32 00 01 00'))).toBeNull();
    expect(decodePowerRange(hex('32 00 D0 07 05'))).toBeNull();
  });

  test('says which levels of resistance it has, in tenths', () => {
    expect(decodeFeature(hex('02 40 00 00 04 00 00 00'))?.takesResistance).toBe(true);
    expect(decodeResistanceRange(hex('00 00 E8 03 05 00'))).toEqual({
      min: 0,
      max: 100,
      step: 0.5,
    });
    expect(decodeResistanceRange(hex('9C FF 40 01 00 00'))).toEqual({ min: 0, max: 32, step: 0.1 });
    expect(decodeResistanceRange(hex('00 00 00 00 0A 00'))).toBeNull();
    expect(decodeResistanceRange(hex('00 00 E8 03 05'))).toBeNull();
  });

  test('is set to the nearest level it has', () => {
    const levels = { min: 1, max: 32, step: 1 };
    expect([0, 1.4, 1.6, 32, 500].map((level) => settableLevel(level, levels))).toEqual([
      1, 1, 2, 32, 32,
    ]);
    expect(settableLevel(0.3, { min: 0, max: 1, step: 0.1 })).toBe(0.3);
  });

  test('is set to the nearest power it takes', () => {
    const range = { minW: 50, maxW: 1000, stepW: 15 };
    expect([0, 57, 58, 200, 5000].map((powerW) => settablePowerW(powerW, range))).toEqual([
      50, 50, 65, 200, 995,
    ]);
  });
});

describe('the control point', () => {
  test('requests are the bytes of the specification', () => {
    expect(bytes({ kind: 'take-control' })).toBe('00');
    expect(bytes({ kind: 'start' })).toBe('07');
    expect(bytes({ kind: 'set-power', powerW: 200 })).toBe('05c800');
    expect(bytes({ kind: 'set-power', powerW: 300 })).toBe('052c01');
    expect(bytes({ kind: 'set-cadence', cadenceRpm: 90 })).toBe('16b400');
    expect(bytes({ kind: 'simulate', gradePercent: 0 })).toBe('11000000002833');
    expect(bytes({ kind: 'simulate', gradePercent: 4.5 })).toBe('110000c2012833');
    expect(bytes({ kind: 'simulate', gradePercent: -2 })).toBe('11000038ff2833');
    expect(bytes({ kind: 'set-resistance', level: 20, levelBytes: 1 })).toBe('04c8');
    expect(bytes({ kind: 'set-resistance', level: 20, levelBytes: 2 })).toBe('04c800');
    expect(bytes({ kind: 'set-resistance', level: 100, levelBytes: 2 })).toBe('04e803');
  });

  test('answers name the request and what came of it', () => {
    expect(decodeResponse(hex('80 00 01'))).toEqual({ opCode: 0, result: 'done' });
    expect(decodeResponse(hex('80 05 03'))).toEqual({ opCode: 5, result: 'invalid' });
    expect(decodeResponse(hex('80 07 04'))).toEqual({ opCode: 7, result: 'failed' });
    expect(decodeResponse(hex('80 05 05'))).toEqual({ opCode: 5, result: 'no-control' });
    expect(decodeResponse(hex('80 05 77'))?.result).toBe('failed');
    expect(decodeResponse(hex('81 05 01'))).toBeNull();
    expect(decodeResponse(hex('80 05'))).toBeNull();
  });

  test('a reset and a lost permission end the control, other statuses do not', () => {
    expect(
      ['FF', '01', '08 C8 00', '02 01', '04'].map((text) => saysControlLost(hex(text))),
    ).toEqual([true, true, false, false, false]);
    expect(saysControlLost(frameOf([]))).toBe(false);
  });
});

describe('a heart-rate strap', () => {
  test('speaks in one byte or in two, and may know that it is not worn', () => {
    expect(decodeHeartRate(hex('00 8C'))).toEqual({ heartRateBpm: 140, hasContact: true });
    expect(decodeHeartRate(hex('11 8C 00 0A 00'))).toEqual({ heartRateBpm: 140, hasContact: true });
    expect(decodeHeartRate(hex('06 8C'))).toEqual({ heartRateBpm: 140, hasContact: true });
    expect(decodeHeartRate(hex('04 8C'))).toEqual({ heartRateBpm: 140, hasContact: false });
    expect(decodeHeartRate(hex('01 8C'))).toBeNull();
  });
});

describe('a power meter', () => {
  const crank = (turns: number, atTicks: number) => ({ turns, atTicks });
  const watched = (...frames: (readonly [ReturnType<typeof crank>, number])[]): CrankWatch =>
    frames.reduce((watch, [turns, nowMs]) => withCrank(watch, turns, nowMs), unwatchedCrank);

  test('says its power in the same place, and the crank behind whatever else it says', () => {
    expect(decodePowerMeter(hex('00 00 C8 00'))).toEqual({ powerW: 200, crank: null });
    expect(decodePowerMeter(hex('20 00 C8 00 05 00 00 04'))).toEqual({
      powerW: 200,
      crank: crank(5, 1024),
    });
    const all = '35 08 F6 FF 64 01 00 FF FF 01 00 00 00 10 00 05 00 09 00';
    expect(decodePowerMeter(hex(all))).toEqual({ powerW: -10, crank: crank(16, 5) });
    expect(decodePowerMeter(hex('20 00 C8 00 05 00 00'))).toBeNull();
  });

  test('cadence is turns by time, also where both counters start over', () => {
    expect(watched([crank(10, 0), 0], [crank(12, 2048), 1000]).cadenceRpm).toBe(60);
    expect(
      watched([crank(65_535, 65_000), 0], [crank(1, 65_000 + 1024 - 65_536), 1000]).cadenceRpm,
    ).toBe(120);
  });

  test('a crank that is not seen to turn for two seconds stands', () => {
    const turning = watched([crank(0, 0), 0], [crank(1, 700), 700]);
    expect(withCrank(turning, crank(1, 700), 2_000).cadenceRpm).toBeCloseTo(87.8, 1);
    expect(withCrank(turning, crank(1, 700), 2_701).cadenceRpm).toBe(0);
  });
});

describe('whatever comes over the air', () => {
  const frames = fc.uint8Array({ maxLength: 40 }).map((frame) => frameOf([...frame]));

  test('no frame throws, and what is read fits the record of a ride', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        decodeFeature(frame);
        decodeResponse(frame);
        saysControlLost(frame);
        const levels = decodeResistanceRange(frame);
        const level = levels && settableLevel(20, levels);
        expect(levels === null || (level !== null && level >= 0 && level <= 3276.7)).toBe(true);
        const range = decodePowerRange(frame) ?? usualPowerRange;
        const setW = settablePowerW(250, range);
        expect(setW >= range.minW && setW <= range.maxW).toBe(true);
        const bike = decodeBikeFrame(frame)?.reading ?? {};
        const meter = decodePowerMeter(frame);
        const sample = {
          powerW: plausiblePowerW(bike.powerW ?? meter?.powerW ?? 0),
          cadenceRpm: plausibleCadenceRpm(bike.cadenceRpm ?? 0),
          heartRateBpm: plausibleHeartRateBpm(decodeHeartRate(frame)?.heartRateBpm ?? 0),
        };
        expect(Object.keys(sample)).toEqual(Object.keys(workoutCommands.sample.entries));
        expect(workout.parseCommand('sample', sample).ok).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test('cadence stays finite and not negative, whatever the counters do', () => {
    const counter = fc.integer({ min: 0, max: 65_535 });
    const turns = fc.record({ turns: counter, atTicks: counter });
    fc.assert(
      fc.property(fc.array(turns, { maxLength: 20 }), (all) => {
        let watch = unwatchedCrank;
        for (const [index, turns] of all.entries()) {
          watch = withCrank(watch, turns, index * 1000);
          expect(watch.cadenceRpm ?? 0).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(watch.cadenceRpm ?? 0)).toBe(true);
        }
      }),
    );
  });

  test('reading past the end is told once, and yields nothing but zeros', () => {
    const reader = readBytes(hex('01'));
    expect([reader.uint16(), reader.uint24(), reader.isShort, reader.left]).toEqual([
      0,
      0,
      true,
      0,
    ]);
  });
});

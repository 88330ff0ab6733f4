import { describe, expect, test } from 'vitest';

import { heardPlace } from '../../client/app/beeps.ts';
import { brakeLine, fittingBrake, otherBrake, steppedBrake } from '../../client/app/brake-steps.ts';
import { fitFile } from '../../client/app/export/fit-file.ts';
import { recordEvents } from '../../client/app/export/ride-record.ts';
import { csvFile, tcxFile } from '../../client/app/export/text-files.ts';
import { freeScale, tracePath } from '../../client/app/profile-graph.ts';
import { rideFigures, trainerTarget } from '../../client/app/ride-figures.ts';
import { startRideLoop } from '../../client/app/ride-loop.ts';
import { timeline } from '../../client/app/rides/timeline.ts';
import type { TrainerAbilities } from '../../client/app/trainer/trainer.ts';
import { firstRule, stepWaiting } from '../../client/app/waiting-rule.ts';
import { freeRidePlan, levelRoad, type Brake } from '../../shared/workout/brake.ts';
import { planDurationS } from '../../shared/workout/plan.ts';
import { noTrace, withPower } from '../../shared/workout/power-trace.ts';
import { planPositionS } from '../../shared/workout/workout-view.ts';
import { workout } from '../../shared/workout/workout.ts';
import { manualClock } from '../support/manual-clock.ts';
import {
  give,
  giveAs,
  newRide,
  samples,
  startMs,
  testPlan,
  type Ride,
} from '../workout/workout-ride.ts';
import { manualTicker } from './manual-ticker.ts';

const grade = (gradePercent: number): Brake => ({ kind: 'grade', gradePercent });
const resistance = (level: number): Brake => ({ kind: 'resistance', level });
const levels = { min: 0, max: 200, step: 1 };
const all: TrainerAbilities = { takesPower: true, takesGrade: true, levels };
const onlyLevels: TrainerAbilities = { takesPower: true, takesGrade: false, levels };
const meter: TrainerAbilities = { takesPower: false, takesGrade: false, levels: null };

const freeRide = (brake = levelRoad): Ride => ({
  state: workout.initial({ plan: freeRidePlan, ftpW: 200, brake }),
  events: [],
});

describe('the steps of a brake', () => {
  test('are half a percent of grade, and end where the steepest roads do', () => {
    expect(steppedBrake(grade(1), 1, null)).toEqual(grade(1.5));
    expect(steppedBrake(grade(1), -5, null)).toEqual(grade(-1.5));
    expect(steppedBrake(grade(19), 5, null)).toEqual(grade(20));
    expect(steppedBrake(grade(-9), -5, null)).toEqual(grade(-10));
  });

  test('are a hundredth of the levels there are, within them', () => {
    expect(steppedBrake(resistance(40), 1, levels)).toEqual(resistance(42));
    expect(steppedBrake(resistance(198), 5, levels)).toEqual(resistance(200));
    expect(steppedBrake(resistance(2), -5, levels)).toEqual(resistance(0));
    expect(steppedBrake(resistance(5), 1, { min: 1, max: 32, step: 1 })).toEqual(resistance(6));
    expect(steppedBrake(resistance(5), 1, null)).toEqual(resistance(6));
    expect(steppedBrake({ kind: 'none' }, 5, levels)).toEqual({ kind: 'none' });
  });

  test('lead to the other kind where the trainer takes both', () => {
    expect(otherBrake(grade(6), all)).toEqual(resistance(40));
    expect(otherBrake(resistance(90), all)).toEqual(levelRoad);
    expect(otherBrake(resistance(90), onlyLevels)).toBeNull();
    expect(otherBrake(grade(6), null)).toBeNull();
  });

  test('what a trainer does not take is not ridden: another kind, or none', () => {
    expect(fittingBrake(grade(6), all)).toBeNull();
    expect(fittingBrake(grade(6), null)).toBeNull();
    expect(fittingBrake(grade(6), onlyLevels)).toEqual(resistance(40));
    expect(fittingBrake(grade(6), meter)).toEqual({ kind: 'none' });
    expect(fittingBrake({ kind: 'none' }, meter)).toBeNull();
    expect(fittingBrake({ kind: 'none' }, all)).toEqual(levelRoad);
  });

  test('a level that the trainer does not have, or that was meant for another, is begun anew', () => {
    const few = { ...onlyLevels, levels: { min: 0, max: 24, step: 1 } };
    expect(fittingBrake(resistance(20), few)).toBeNull();
    expect(fittingBrake(resistance(90), few)).toEqual(resistance(5));
    expect(fittingBrake(resistance(7.5), few)).toEqual(resistance(5));
    expect(fittingBrake(resistance(20), few, true)).toEqual(resistance(5));
    expect(fittingBrake(grade(6), all, true)).toBeNull();
  });

  test('are told with their unit, and a descent with a minus', () => {
    const lines = [grade(4.5), grade(-2), grade(-0), resistance(12), { kind: 'none' } as const];
    expect(lines.map((brake) => brakeLine(brake).replaceAll('\u00A0', ' '))).toEqual([
      'Grade 4.5 %',
      'Grade −2.0 %',
      'Grade 0.0 %',
      'Resistance 12',
      'Without a brake',
    ]);
  });
});

/** A loop on a trainer that takes what is said, or `sitOn` later, on the device of that client id; `isRefused`: by the service, whatever is asked. */
function startLoop(
  abilities: TrainerAbilities | null,
  ride: Ride,
  { clientId = 'bike', isRefused = false } = {},
) {
  const clock = manualClock(startMs);
  const ticker = manualTicker();
  const asked: string[] = [];
  let present = abilities;
  startRideLoop({
    ride: {
      clientId,
      view: () => ({
        state: ride.state,
        status: 'connected',
        unsaved: 0,
        unaccepted: 0,
        receipt: undefined,
        isFinal: false,
        unkept: 0,
        stopReason: undefined,
      }),
      send: (...[type, data]: readonly [Parameters<typeof give>[2], object]) => {
        asked.push(type);
        if (!isRefused) giveAs(clientId)(ride, 0, type, data);
      },
    },
    trainer: {
      view: () => ({ name: 'Test', link: 'ready', abilities: present, strap: null }),
      reconnect: () => {},
      setTarget: () => {},
      onSample: () => () => {},
      close: () => {},
    },
    clock,
    ticker,
    pausesStanding: () => false,
    show: () => {},
  });
  const beats = (count: number) => Array.from({ length: count }, ticker.tick);
  const sitOn = (next: TrainerAbilities | null): void => {
    present = null;
    beats(4);
    present = next;
    beats(4);
  };
  return { asked, beats, sitOn };
}

describe('the ride loop in a free ride', () => {
  test('changes to what the trainer takes once it is known, and leaves alone what it takes', () => {
    const ride = freeRide(grade(6));
    startLoop(null, ride).beats(4);
    startLoop(all, ride).beats(4);
    expect(ride.state.brake).toEqual(grade(6));
    const { asked, beats } = startLoop(onlyLevels, ride);
    beats(4);
    expect(asked).toEqual(['set-brake']);
    expect(ride.state.brake).toEqual(resistance(40));
  });

  const ofHundred = { ...all, levels: { min: 0, max: 100, step: 1 } };
  const ofTwentyFour = { ...all, levels: { min: 0, max: 24, step: 1 } };

  test('takes no level of one trainer to another, and keeps it on the same', () => {
    const ride = freeRide(resistance(20));
    const { beats, sitOn } = startLoop(ofHundred, ride);
    beats(4);
    sitOn(ofHundred);
    expect(ride.state.brake).toEqual(resistance(20));
    sitOn(ofTwentyFour);
    expect(ride.state.brake).toEqual(resistance(5));
    sitOn(ofTwentyFour);
    expect(ride.state.brake).toEqual(resistance(5));
  });

  test('takes no level over from another device: nobody knows on which trainer it was set', () => {
    const ride = freeRide(resistance(20));
    give(ride, 0, 'take-control');
    const { beats } = startLoop(ofTwentyFour, ride, { clientId: 'telephone' });
    beats(4);
    expect(ride.state.brake).toEqual(resistance(20));
    giveAs('telephone')(ride, 1, 'take-control');
    beats(4);
    expect(ride.state.brake).toEqual(resistance(5));
  });

  test('changes as often as trainers do, there and back', () => {
    const ride = freeRide(grade(6));
    const { beats, sitOn } = startLoop(meter, ride);
    beats(4);
    for (const next of [all, meter, all]) {
      sitOn(next);
      expect(ride.state.brake).toEqual(next === meter ? { kind: 'none' } : levelRoad);
    }
  });

  test('changes again what another device has set meanwhile', () => {
    const ride = freeRide(grade(6));
    const { beats } = startLoop(onlyLevels, ride);
    beats(4);
    giveAs('telephone')(ride, 0, 'take-control');
    giveAs('telephone')(ride, 0, 'set-brake', { brake: grade(3) });
    beats(4);
    expect(ride.state.brake).toEqual(grade(3));
    give(ride, 0, 'take-control');
    beats(4);
    expect(ride.state.brake).toEqual(resistance(40));
  });

  test('asks a service that knows of no brakes once', () => {
    const ride = freeRide(grade(6));
    const { asked, beats } = startLoop(onlyLevels, ride, { isRefused: true });
    beats(10);
    expect(asked).toEqual(['set-brake']);
    expect(ride.state.brake).toEqual(grade(6));
  });

  test('changes nothing in a ride by a plan', () => {
    const ride = newRide();
    const { asked, beats, sitOn } = startLoop(meter, ride);
    beats(4);
    sitOn(onlyLevels);
    expect(asked).toEqual([]);
    expect('brake' in ride.state).toBe(false);
  });

  test('changes nothing where another device rides', () => {
    const ride = freeRide(grade(6));
    give(ride, 0, 'take-control');
    const { asked, beats } = startLoop(meter, ride, { clientId: 'telephone' });
    beats(4);
    expect(asked).toEqual([]);
    expect(ride.state.brake).toEqual(grade(6));
  });
});

describe('legs that stand', () => {
  const asked = (brake: Brake) => {
    const { state } = freeRide(brake);
    let rule = firstRule(startMs);
    return Array.from({ length: 12 }, (_, second) => {
      const nowMs = startMs + second * 1000;
      const sample = { atMs: nowMs, powerW: 0, cadenceRpm: 0, heartRateBpm: null };
      const facts = { pausesStanding: true, startsPedalling: false, sample, nowMs };
      const step = stepWaiting(rule, { ...facts, state: { ...state, phase: 'riding' } });
      rule = step.rule;
      return step.ask?.type;
    }).find((ask) => ask !== undefined);
  };

  test('pause the ride uphill and on a level, and coast downhill', () => {
    expect(asked(grade(4))).toBe('pause');
    expect(asked(levelRoad)).toBe('pause');
    expect(asked(resistance(10))).toBe('pause');
    expect(asked(grade(-0.5))).toBeUndefined();
  });
});

describe('what the screen says of a free ride', () => {
  test('the brake in place of a target, the lap in place of an interval, and nothing to go', () => {
    const ride = freeRide(grade(4.5));
    give(ride, 0, 'start');
    samples(ride, 0, [100, 100]);
    give(ride, 2, 'lap');
    expect(rideFigures(ride.state, [], startMs + 7_000)).toMatchObject({
      target: { name: 'Grade', value: '4.5', unit: '%' },
      isBraked: true,
      interval: 'Lap 2',
      countdown: '0:05',
      next: '',
      message: '',
    });
    expect(trainerTarget(ride.state, startMs + 7_000)).toEqual({ ...grade(4.5), easyW: 110 });
    give(ride, 8, 'pause');
    expect(trainerTarget(ride.state, startMs + 9_000)).toEqual({ kind: 'rest', isFree: true });
  });

  test('the average where nothing can be set, and a trainer that holds a power holds an easy one', () => {
    const ride = freeRide({ kind: 'none' });
    give(ride, 0, 'start');
    samples(ride, 0, [100, 200, 0]);
    expect(rideFigures(ride.state, [], startMs + 3_000)).toMatchObject({
      target: { name: 'Average', value: '150', unit: 'W' },
      isBraked: false,
    });
    expect(trainerTarget(ride.state, startMs + 3_000)).toEqual({ kind: 'free', easyW: 110 });
    const withTargets = { ...ride.state, plan: testPlan };
    expect(trainerTarget(withTargets, startMs + 3_000)).toEqual({ kind: 'free', easyW: 110 });
  });

  test('no beep, not even at the end of a day', () => {
    const ride = freeRide();
    give(ride, 0, 'start');
    const endMs = startMs + planDurationS(freeRidePlan) * 1000;
    // With a word a second before: after a long silence the clock would stand before the end.
    const state = { ...ride.state, lastMs: endMs - 1000 };
    expect(planPositionS(state, endMs - 2_500)).toBeGreaterThan(86_390);
    for (const nowMs of [startMs, endMs - 2_500, endMs - 500, endMs, endMs + 1_000])
      expect(heardPlace(state, nowMs)).toBeNull();
  });
});

describe('the graph of a free ride', () => {
  const scale = (positionS: number, powerW = 100, isOver = false) =>
    freeScale({ trace: withPower(noTrace, 0, powerW), ftpW: 200, positionS, isOver });

  test('has room for ten minutes, and for ten more each time they are over', () => {
    expect([0, 599, 600, 1300].map((positionS) => scale(positionS).endS)).toEqual([
      600, 600, 1200, 1800,
    ]);
    expect(scale(1300, 100, true).endS).toBe(1300);
  });

  test('holds the highest power, and is drawn also of a ride of no length', () => {
    expect(scale(10).topFraction).toBe(1.15);
    expect(scale(10, 800).topFraction).toBeCloseTo(4.32);
    expect(tracePath(withPower(noTrace, 0, 100), 200, scale(0, 100, true))).not.toContain('NaN');
  });
});

describe('the record of a free ride', () => {
  const ride = freeRide();
  give(ride, 0, 'start');
  samples(ride, 0, [100, 110, 120]);
  for (const [step, gradePercent] of [0.5, 1, 1.5].entries())
    give(ride, 3 + step * 0.2, 'set-brake', { brake: grade(gradePercent) });
  samples(ride, 4, [130]);
  give(ride, 5, 'pause');
  give(ride, 25, 'resume');
  give(ride, 26, 'set-brake', { brake: resistance(30) });
  give(ride, 27, 'finish');
  const record = recordEvents(ride.state, ride.events);
  if (record === null) throw new Error('It was begun.');

  test('is whole, has no targets, and says that there was no plan', () => {
    expect(record).toMatchObject({ isFree: true, isWhole: true });
    expect(record.seconds.map(({ targetW }) => targetW)).toEqual([null, null, null, null]);
  });

  test('tells where the brake stayed, and not every step on the way', () => {
    const texts = timeline(ride.state, record.changes, []).map(({ text }) => text);
    expect(texts.map((text) => text.replaceAll('\u00A0', ' '))).toEqual([
      'Started',
      'Grade 1.5 %',
      'Paused for 20 s',
      'Resistance 30',
      'Finished',
    ]);
  });

  const brakesToldOf = (brakes: readonly (readonly [atS: number, gradePercent: number])[]) => {
    const changes = brakes.map(([atS, gradePercent]) => {
      return { kind: 'brake', atMs: startMs + atS * 1000, brake: grade(gradePercent) } as const;
    });
    const rows = timeline({ ...ride.state, pauses: [], lastMs: startMs + 500_000 }, changes, []);
    return rows.map(({ atS, text }) => `${atS} ${text.replaceAll('\u00A0', ' ')}`);
  };

  test('tells one brake in a minute of who steps on and on', () => {
    const stepping = Array.from({ length: 16 }, (_, step) => [10 + step * 9, step / 2] as const);
    expect(brakesToldOf(stepping)).toEqual([
      '0 Started',
      '73 Grade 3.5 %',
      '145 Grade 7.5 %',
      '500 Finished',
    ]);
  });

  test('tells what was set before the start as set with it, and only the last of it', () => {
    const before = [
      [-60, 1],
      [-30, 2],
      [200, 3],
    ] as const;
    expect(brakesToldOf(before)).toEqual([
      '0 Started',
      '0 Grade 2.0 %',
      '200 Grade 3.0 %',
      '500 Finished',
    ]);
  });

  test('becomes files without a number that is none', () => {
    const texts = [csvFile(record), tcxFile(record)];
    for (const text of texts) expect(text).not.toMatch(/NaN|Infinity|undefined|null/);
    expect(csvFile(record).split('\n').slice(0, 3)).toEqual([
      'elapsed_s,power_w,cadence_rpm,heart_rate_bpm',
      '0,100,,',
      '1,110,,',
    ]);
    const fit = fitFile(record, { serial: 1, offsetMinutes: 0 });
    expect(fit.length).toBeGreaterThan(200);
  });
});

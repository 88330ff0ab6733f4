import { describe, expect, it } from 'vitest';

import {
  elapsedS,
  laps,
  planPositionS,
  summary,
  targetPowerNowW,
} from '../../shared/workout/workout-view.ts';
import { lapCountMax, pauseCountMax, workout } from '../../shared/workout/workout.ts';
import { differences, recompute } from './metrics-recompute.ts';
import { hasRide, rideRecords, whySkipped } from './sample-files.ts';
import { give, newRide, samples, startMs, testPlan, rideOn } from './workout-ride.ts';

const at = (seconds: number) => startMs + seconds * 1000;

const taken = (type: string, data: unknown) => workout.parseCommand(type, data).ok;

describe('riding time', () => {
  it('is the sum of the spans between start, pauses and the end, whatever arrives in them', () => {
    const ride = newRide();
    expect(elapsedS(ride.state, at(100))).toBe(0);
    give(ride, 0, 'start');
    expect(elapsedS(ride.state, at(7.5))).toBe(7.5);
    give(ride, 10, 'pause', { reason: 'trainer-lost' });
    expect(elapsedS(ride.state, at(60))).toBe(10);
    give(ride, 70, 'resume');
    expect(elapsedS(ride.state, at(75))).toBe(15);
    give(ride, 80, 'finish');
    expect(elapsedS(ride.state, at(1000))).toBe(20);
    const pauses = [{ fromMs: at(10), toMs: at(70), reason: 'trainer-lost' }];
    expect(ride.state).toMatchObject({ phase: 'finished', startedAtMs: startMs, pauses });
  });

  it('never runs back when another device has a slower clock', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    give(ride, 9, 'sample', { powerW: 100 });
    give(ride, 5, 'sample', { powerW: 300 });
    expect(elapsedS(ride.state, at(5))).toBe(9);
    give(ride, 6, 'pause');
    expect(elapsedS(ride.state, at(5))).toBe(9);
    expect(ride.events.map(({ data }) => data.atMs)).toEqual([0, 9, 9, 9].map(at));
  });

  it('stands still ten seconds after the last word of the device: a closed laptop comes back to the same second', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    samples(ride, 0, [100, 100, 100]);
    const target = targetPowerNowW(ride.state, at(12));
    expect(elapsedS(ride.state, at(7))).toBe(7);
    expect(elapsedS(ride.state, at(12))).toBe(12);
    expect(elapsedS(ride.state, at(3_600))).toBe(12);
    expect(targetPowerNowW(ride.state, at(3_600))).toBe(target);
    give(ride, 3_600, 'sample', { powerW: 100 });
    expect(elapsedS(ride.state, at(3_600))).toBe(12);
    expect(ride.state.pauses).toEqual([{ fromMs: at(12), toMs: at(3_600), reason: 'away' }]);
    expect(elapsedS(ride.state, at(3_605))).toBe(17);
  });

  it('says that a command after a silence was given in riding, not in a pause', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    expect(give(ride, 500, 'pause')).toBeNull();
    expect(ride.state.pauses.map(({ reason }) => reason)).toEqual(['away', undefined]);
    expect(give(ride, 500, 'sample')).toBe('paused');
  });

  it('ends a pause when the ride is finished in it', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    give(ride, 10, 'pause');
    give(ride, 30, 'finish');
    expect(ride.state.pauses).toEqual([{ fromMs: at(10), toMs: at(30) }]);
    expect(summary(ride.state).ridingS).toBe(10);
  });
});

describe('the place in the plan', () => {
  it('gives the target, also before the start and in a pause', () => {
    const ride = newRide();
    expect(targetPowerNowW(ride.state, at(500))).toBe(100);
    give(ride, 0, 'start');
    rideOn(ride, 0, 110);
    expect(targetPowerNowW(ride.state, at(110))).toBe(150);
    give(ride, 110, 'pause');
    expect(targetPowerNowW(ride.state, at(500))).toBe(150);
    give(ride, 500, 'finish');
    expect(targetPowerNowW(ride.state, at(500))).toBeNull();
  });

  it('jumps to the next segment on skip, and riding time does not', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    expect(give(ride, 9.3, 'skip')).toBeNull();
    expect(planPositionS(ride.state, at(9.3))).toBe(60);
    expect(elapsedS(ride.state, at(9.3))).toBe(9.3);
    give(ride, 17, 'pause');
    expect(give(ride, 25, 'skip')).toBeNull();
    expect(planPositionS(ride.state, at(99))).toBe(160);
    give(ride, 30, 'resume');
    expect(give(ride, 31, 'skip')).toBeNull();
    expect(give(ride, 32, 'skip')).toBe('plan-over');
    expect(targetPowerNowW(ride.state, at(32))).toBeNull();
  });

  it('takes an adjusted intensity for the rest, also one set before the start', () => {
    const ride = newRide();
    give(ride, 0, 'adjust', { intensity: 1.1 });
    give(ride, 1, 'start');
    expect(targetPowerNowW(ride.state, at(1))).toBe(110);
    give(ride, 2, 'adjust', { intensity: 0.5 });
    expect(targetPowerNowW(ride.state, at(2))).toBe(50);
  });
});

describe('samples', () => {
  it('of one second are averaged, and count once the next second comes', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    for (const [atS, powerW] of [
      [0, 100],
      [0.25, 200],
      [0.5, 300],
      [0.75, 202],
    ] as const)
      give(ride, atS, 'sample', { powerW, heartRateBpm: 120 + atS * 4 });
    expect(summary(ride.state).recordedS).toBe(0);
    give(ride, 1, 'sample', { powerW: 500 });
    const numbers = { recordedS: 1, averageW: 201, averageHeartRateBpm: 122, missingS: 0 };
    expect(summary(ride.state)).toMatchObject(numbers);
  });

  it('leave the seconds between them missing, and those before the first', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    samples(ride, 3, [100]);
    samples(ride, 10, [200, 0]);
    expect(summary(ride.state)).toMatchObject({ recordedS: 2, missingS: 9, averageW: 150 });
  });

  it('without power leave their second missing but keep its heart rate', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    give(ride, 0, 'sample', { powerW: null, heartRateBpm: 130 });
    give(ride, 1, 'sample', { heartRateBpm: 140, cadenceRpm: 85 });
    give(ride, 2, 'sample', {});
    give(ride, 2.5, 'sample', { powerW: 180 });
    give(ride, 3, 'finish');
    expect(summary(ride.state)).toMatchObject({
      recordedS: 1,
      missingS: 2,
      averageW: 180,
      averageHeartRateBpm: 135,
      averageCadenceRpm: 85,
    });
  });

  it('below zero mean zero, and a heart rate of zero means none', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    give(ride, 0, 'sample', { powerW: -12, heartRateBpm: 0 });
    const data = { atMs: at(0), second: 0, powerW: 0, cadenceRpm: null, heartRateBpm: null };
    expect(ride.events.at(-1)).toEqual({ type: 'sampled', data });
  });

  it('on both sides of a pause share the second it fell into', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    give(ride, 0.2, 'sample', { powerW: 100 });
    give(ride, 0.5, 'pause');
    give(ride, 60, 'resume');
    give(ride, 60.4, 'sample', { powerW: 200 });
    give(ride, 60.5, 'sample', { powerW: 300 });
    give(ride, 60.6, 'finish');
    expect(summary(ride.state)).toMatchObject({ recordedS: 2, missingS: 0, averageW: 225 });
  });

  it('of the last second count when the ride is finished in it, and silence before the end is missing', () => {
    const [ride, silent] = [newRide(), newRide()];
    for (const each of [ride, silent]) give(each, 0, 'start');
    samples(ride, 0, [100, 100, 400]);
    give(ride, 2.1, 'finish');
    expect(summary(ride.state)).toMatchObject({ ridingS: 2, recordedS: 3, missingS: 0 });
    samples(silent, 0, [100]);
    give(silent, 10.9, 'finish');
    expect(summary(silent.state)).toMatchObject({ ridingS: 10, recordedS: 1, missingS: 9 });
  });

  it('are drawn where in the plan they were ridden', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    samples(ride, 0, [100, 110]);
    give(ride, 1.5, 'skip');
    samples(ride, 2, [200, 210]);
    give(ride, 4, 'finish');
    const { meansW, openSumW } = ride.state.trace;
    expect([meansW[0], meansW[1], meansW[2], openSumW]).toEqual([100, 110, null, 210]);
    expect(meansW.indexOf(200)).toBe(60);
  });
});

describe('laps', () => {
  it('part the ride, each with its own average', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    samples(ride, 0, [100, 100, 100, 100]);
    give(ride, 4, 'sample', { powerW: 300 });
    give(ride, 4, 'lap');
    samples(ride, 5, [300, 300]);
    give(ride, 7, 'finish');
    expect(laps(ride.state)).toEqual([
      { startS: 0, endS: 4, averageW: 100 },
      { startS: 4, endS: 7, averageW: 300 },
    ]);
  });

  it('are one for a ride without any', () => {
    expect(laps(newRide().state)).toEqual([{ startS: 0, endS: 0, averageW: null }]);
  });
});

describe('refusals', () => {
  it('name why a command has no place, and change nothing', () => {
    const ride = newRide();
    const refusedAs = (wanted: Record<string, string>) => {
      const before = ride.state;
      for (const [type, code] of Object.entries(wanted))
        expect([type, give(ride, 1, type as 'start')]).toEqual([type, code]);
      expect(ride.state).toBe(before);
    };
    const [sample, pause, resume, skip, lap, finish] = Array<string>(6).fill('not-started');
    refusedAs({ sample, pause, resume, skip, lap, finish } as Record<string, string>);
    give(ride, 0, 'start');
    refusedAs({ start: 'already-started', resume: 'not-paused' });
    give(ride, 1, 'pause');
    refusedAs({ start: 'already-started', sample: 'paused', pause: 'paused', lap: 'paused' });
    give(ride, 1, 'finish');
    const all = ['start', 'sample', 'pause', 'resume', 'skip', 'lap', 'finish'];
    refusedAs(Object.fromEntries(all.map((type) => [type, 'finished'])));
    expect(give(ride, 2, 'adjust', { intensity: 1 })).toBe('finished');
  });

  it('bound laps and pauses', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    for (let lap = 0; lap < lapCountMax; lap++) expect(give(ride, lap, 'lap')).toBeNull();
    expect(give(ride, 200, 'lap')).toBe('too-many-laps');
    for (let pause = 0; pause < pauseCountMax; pause++) {
      expect(give(ride, 200 + pause, 'pause')).toBeNull();
      give(ride, 200 + pause, 'resume');
    }
    expect(give(ride, 400, 'pause')).toBe('too-many-pauses');
    expect(give(ride, 900, 'sample')).toBeNull();
    expect(ride.state.pauses.length).toBe(pauseCountMax);
  });

  it('do not take what is no command: wrong numbers are told from outside', () => {
    expect(taken('sample', { powerW: 65_531 })).toBe(false);
    expect(taken('sample', { powerW: '200' })).toBe(false);
    expect(taken('adjust', { intensity: 1.6 })).toBe(false);
    expect(taken('adjust', {})).toBe(false);
    expect(taken('stop', {})).toBe(false);
    expect(workout.parseInput({ plan: testPlan, ftpW: 200 }).ok).toBe(true);
    expect(workout.parseInput({ plan: testPlan, ftpW: 0 }).ok).toBe(false);
  });
});

describe('a whole ride', () => {
  it.skipIf(!hasRide)(`recorded elsewhere comes to the same numbers (${whySkipped})`, () => {
    const ride = newRide();
    give(ride, 0, 'start');
    const records = rideRecords();
    for (const { second, ...sample } of records) give(ride, second, 'sample', sample);
    give(ride, (records.at(-1)?.second ?? 0) + 1, 'finish');
    const { ridingS, ...numbers } = summary(ride.state);
    // The file leaves one second out altogether.
    expect([ridingS, numbers.missingS]).toEqual([2264, 42]);
    const whole = recompute(records, 200);
    expect(differences(numbers, { ...whole, missingS: 42 })).toEqual([]);
  });

  it('of two hours at four samples a second keeps its state below 4 KB besides the plan', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    for (let quarter = 0; quarter < 7200 * 4; quarter++) {
      const data = { powerW: 150 + (quarter % 133), cadenceRpm: 88, heartRateBpm: 143 };
      give(ride, quarter / 4, 'sample', data);
    }
    for (let lap = 0; lap < 8; lap++) give(ride, 7200, 'lap');
    expect(summary(ride.state)).toMatchObject({ ridingS: 7200, recordedS: 7199, missingS: 0 });
    expect(JSON.stringify({ ...ride.state, plan: null }).length).toBeLessThan(4096);
  });

  it('copies neither plan, trace nor laps for a sample within a second', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    samples(ride, 0, [100, 100, 100]);
    const before = ride.state;
    give(ride, 2.5, 'sample', { powerW: 200 });
    for (const part of ['plan', 'trace', 'metrics', 'laps', 'pauses'] as const)
      expect(ride.state[part]).toBe(before[part]);
  });
});

describe('two devices of one rider', () => {
  const from = (ride: ReturnType<typeof newRide>, clientId: string, type: string, atS: number) => {
    const command = workout.parseCommand(type, type === 'adjust' ? { intensity: 1.1 } : {});
    if (!command.ok) throw new Error(command.problem);
    const context = { atMs: startMs + atS * 1000, clientId };
    const decision = workout.decide(ride.state, command.value, context);
    if ('refused' in decision) return decision.refused;
    for (const event of decision) ride.state = workout.evolve(ride.state, event);
    return null;
  };

  it('ride one after the other: who has taken control steers, until the other one takes it', () => {
    const ride = newRide();
    expect(from(ride, 'bike', 'take-control', 0)).toBeNull();
    expect(from(ride, 'bike', 'start', 0)).toBeNull();
    const steering = ['sample', 'pause', 'resume', 'skip', 'adjust', 'lap', 'finish'];
    expect(steering.map((type) => from(ride, 'phone', type, 1))).toEqual(
      steering.map(() => 'not-in-control'),
    );
    expect(from(ride, 'bike', 'sample', 1)).toBeNull();
    expect(from(ride, 'phone', 'take-control', 2)).toBeNull();
    expect(from(ride, 'bike', 'sample', 3)).toBe('not-in-control');
    expect(from(ride, 'phone', 'sample', 3)).toBeNull();
    expect(from(ride, 'phone', 'finish', 4)).toBeNull();
    expect(from(ride, 'bike', 'take-control', 5)).toBe('finished');
  });

  it('before anybody took control, both may', () => {
    const ride = newRide();
    expect(from(ride, 'bike', 'start', 0)).toBeNull();
    expect(from(ride, 'phone', 'sample', 1)).toBeNull();
  });
});

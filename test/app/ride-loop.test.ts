import { describe, expect, test } from 'vitest';

import { meanPowerW, rideFigures, trainerTarget } from '../../client/app/ride-figures.ts';
import { startRideLoop, type RideFrame } from '../../client/app/ride-loop.ts';
import type { Trainer, TrainerSample, TrainerTarget } from '../../client/app/trainer/trainer.ts';
import type { SessionView } from '../../client/connect.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { workout } from '../../shared/workout/workout.ts';
import { manualClock } from '../support/manual-clock.ts';
import { give, newRide, samples, startMs } from '../workout/workout-ride.ts';
import { manualTicker } from './manual-ticker.ts';

const sample = (atMs: number, powerW: number | null): TrainerSample => ({
  atMs,
  powerW,
  cadenceRpm: powerW === 0 ? 0 : 90,
  heartRateBpm: 140,
});

/** A loop over a session and a trainer that only remember. */
function startLoop() {
  const clock = manualClock(startMs);
  const ticker = manualTicker();
  const targets: TrainerTarget[] = [];
  const frames: RideFrame[] = [];
  let report = (_sample: TrainerSample): void => {};
  let status: SessionView<WorkoutState>['status'] = 'connected';
  const ridden = newRide();
  const pausing = { standing: false };
  const starting = { pedalling: false };
  const trainer: Trainer = {
    view: () => ({
      name: 'Test',
      link: 'ready',
      abilities: { takesPower: true, takesGrade: true, levels: null },
      strap: null,
    }),
    reconnect: () => {},
    setTarget: (target) => targets.push(target),
    onSample: (listener) => {
      report = listener;
      return () => {};
    },
    close: () => {},
  };
  const ride = {
    clientId: 'bike',
    view: () => ({
      state: ridden.state,
      status,
      unsaved: 0,
      unaccepted: 0,
      receipt: undefined,
      isFinal: false,
      unkept: 0,
      stopReason: undefined,
    }),
    send: (...[type, data]: readonly [Parameters<typeof give>[2], object]) => {
      expect(give(ridden, (clock.nowMs() - startMs) / 1000, type, data)).toBeNull();
    },
  };
  const loop = startRideLoop({
    ride,
    trainer,
    clock,
    ticker,
    pausesStanding: () => pausing.standing,
    startsPedalling: () => starting.pedalling,
    show: (frame) => frames.push(frame),
  });
  const beats = (count: number, powerW: number | null): void => {
    for (let beat = 0; beat < count; beat += 1) {
      clock.pass(250);
      if (powerW !== null) report(sample(clock.nowMs(), powerW));
      ticker.tick();
    }
  };
  const seconds = (): number[] =>
    ridden.events.flatMap((event) => (event.type === 'sampled' ? [event.data.second] : []));
  const stop = (): void => {
    status = 'stopped';
  };
  return {
    clock,
    ticker,
    targets,
    frames,
    ride,
    ridden,
    loop,
    beats,
    seconds,
    stop,
    pausing,
    starting,
  };
}

describe('the ride loop', () => {
  test('sends one sample for each second of riding, however often it beats', () => {
    const { ride, beats, seconds } = startLoop();
    ride.send('start', {});
    beats(20, 200);
    expect(seconds()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('sends nothing before the start, in a pause, and once the session has stopped here', () => {
    const { ride, beats, seconds, stop } = startLoop();
    beats(8, 200);
    ride.send('start', {});
    beats(3, 200);
    ride.send('pause', {});
    beats(20, 200);
    expect(seconds()).toEqual([0]);
    ride.send('resume', {});
    stop();
    beats(20, 200);
    expect(seconds()).toEqual([0]);
  });

  test('tells the seconds in which the trainer was silent as such, then waits for it', () => {
    const { ride, beats, seconds, ridden } = startLoop();
    ride.send('start', {});
    beats(4, 200);
    beats(40, null);
    expect(seconds()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(ridden.state.pauses).toMatchObject([{ reason: 'trainer-lost', toMs: null }]);
    beats(8, 200);
    expect(seconds()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(ridden.state).toMatchObject({ phase: 'riding', metrics: { missingS: 1 } });
  });

  test('whoever goes on without the trainer rides on, until it is back and lost again', () => {
    const { ride, beats, ridden } = startLoop();
    ride.send('start', {});
    beats(4, 200);
    beats(40, null);
    ride.send('resume', {});
    beats(80, null);
    expect(ridden.state.phase).toBe('riding');
    beats(4, 200);
    beats(40, null);
    expect(ridden.state.pauses.map(({ reason }) => reason)).toEqual([
      'trainer-lost',
      'trainer-lost',
    ]);
  });

  test('a page that was asleep for some seconds does not blame the trainer', () => {
    const { ride, clock, ticker, beats, ridden } = startLoop();
    ride.send('start', {});
    beats(4, 200);
    clock.pass(8_000);
    ticker.tick();
    beats(8, 200);
    expect(ridden.state).toMatchObject({ phase: 'riding', pauses: [] });
  });

  test('a pause the rider asked for is not ended by pedalling', () => {
    const { ride, beats, ridden } = startLoop();
    ride.send('start', {});
    beats(4, 200);
    ride.send('pause', {});
    beats(40, 200);
    expect(ridden.state.phase).toBe('paused');
  });

  test('standing legs pause the ride only where the rider wants that, and pedalling goes on', () => {
    const { ride, beats, ridden, pausing, frames } = startLoop();
    ride.send('start', {});
    beats(4, 200);
    beats(40, 0);
    expect(ridden.state.phase).toBe('riding');
    pausing.standing = true;
    beats(4, 200);
    beats(15, 0);
    expect(ridden.state.phase).toBe('riding');
    beats(1, 0);
    expect(ridden.state.phase).toBe('paused');
    const { view, samples, nowMs } = frames.at(-1) as RideFrame;
    expect(rideFigures(view.state, samples, nowMs).message).toBe('Paused. Pedal to go on.');
    beats(1, 200);
    expect(ridden.state.phase).toBe('riding');
  });

  test('pedalling begins the ride only where the rider wants that, and not with the first turn of the crank', () => {
    const { beats, ridden, starting } = startLoop();
    beats(40, 200);
    expect(ridden.state.phase).toBe('ready');
    starting.pedalling = true;
    beats(7, 200);
    beats(1, 0);
    beats(7, 200);
    expect(ridden.state.phase).toBe('ready');
    beats(1, 200);
    expect(ridden.state).toMatchObject({ phase: 'riding', controllerId: 'bike' });
    expect(ridden.events.map(({ type }) => type)).toEqual(['control-taken', 'started', 'sampled']);
  });

  test('neither a silent trainer nor a page that was asleep begins a ride', () => {
    const { beats, clock, ridden, starting } = startLoop();
    starting.pedalling = true;
    beats(7, 200);
    clock.pass(60_000);
    beats(7, 200);
    beats(40, null);
    expect(ridden.state.phase).toBe('ready');
  });

  test('a page that comes back after minutes goes on where the ride stood', () => {
    const { clock, ride, beats, seconds, ridden, frames } = startLoop();
    ride.send('start', {});
    beats(4, 200);
    clock.pass(300_000);
    beats(1, 200);
    expect(seconds()).toEqual([0, 1, 11]);
    expect(ridden.state).toMatchObject({ phase: 'riding', lastMs: clock.nowMs() });
    const { view, samples, nowMs } = frames.at(-1) as RideFrame;
    expect(rideFigures(view.state, samples, nowMs).message).toBe(
      'You were away for 5 min. The clock waited.',
    );
  });

  test('hands the target on, and lets the trainer rest before, between and after', () => {
    const { ride, beats, targets, stop } = startLoop();
    expect(targets.at(-1)).toEqual({ kind: 'rest' });
    ride.send('start', {});
    beats(1, 100);
    expect(targets.at(-1)).toMatchObject({ kind: 'power', powerW: 100 });
    ride.send('pause', {});
    beats(1, 100);
    expect(targets.at(-1)).toEqual({ kind: 'rest' });
    ride.send('resume', {});
    beats(1, 100);
    stop();
    beats(1, 100);
    expect(targets.at(-1)).toEqual({ kind: 'rest' });
  });

  test('shows what is there at every beat until it is stopped', () => {
    const { ticker, frames, loop } = startLoop();
    ticker.tick();
    loop.refresh();
    expect(frames).toHaveLength(3);
    loop.stop();
    ticker.tick();
    expect(frames).toHaveLength(3);
  });
});

describe('what the screen says', () => {
  const ready = newRide().state;

  test('power is the mean of three seconds, and unknown when the trainer is silent', () => {
    const samples = [100, 200, 220, 240].map((powerW, index) => sample(index * 1000, powerW));
    expect(meanPowerW(samples, 3_100)).toBe(220);
    expect(meanPowerW(samples, 6_000)).toBe(240);
    expect(meanPowerW(samples, 9_000)).toBeNull();
    expect(meanPowerW([sample(0, null)], 100)).toBeNull();
  });

  test('before the start the first target and the whole first interval stand there', () => {
    expect(rideFigures(ready, [], startMs)).toMatchObject({
      target: { name: 'Target', value: '100', unit: 'W' },
      power: '–',
      elapsed: '0:00',
      remaining: '3:20',
      interval: 'Interval 1 of 3',
      countdown: '1:00',
      message: 'Ready when you are.',
    });
  });

  test('how hard the ride is so far stands there from its start, and whole after half a minute of power', () => {
    const ride = newRide();
    const load = () =>
      rideFigures(ride.state, [], startMs).load.map(({ name, value, unit }) => [name, value, unit]);
    expect(load()).toEqual([]);
    give(ride, 0, 'start');
    samples(ride, 0, Array<number>(16).fill(200));
    const unknown = [
      ['Normalized', '–', 'W'],
      ['Intensity factor', '–', ''],
      ['Load', '–', ''],
    ];
    expect(load()).toEqual([...unknown, ['Work', '3', 'kJ']]);
    samples(ride, 16, Array<number>(57).fill(200));
    expect(load()).toEqual([
      ['Normalized', '200', 'W'],
      ['Intensity factor', '1.00', ''],
      ['Load', '2', ''],
      ['Work', '14', 'kJ'],
    ]);
  });

  test('in a free interval the target is free, and after the plan too', () => {
    const ride = newRide();
    const figures = () => rideFigures(ride.state, [], startMs + 5_000);
    give(ride, 0, 'start');
    give(ride, 0, 'skip');
    give(ride, 0, 'skip');
    expect(figures()).toMatchObject({
      target: { name: 'Target', value: 'free', unit: '' },
      countdown: '0:35',
      next: 'then you are done',
    });
    expect(trainerTarget(ride.state, startMs + 5_000)).toEqual({ kind: 'free', easyW: 110 });
    give(ride, 5, 'skip');
    expect(figures()).toMatchObject({
      target: { name: 'Target', value: 'free', unit: '' },
      countdown: '0:00',
      remaining: '0:00',
    });
    expect(figures().message).toMatch(/^That was the plan/);
  });

  test('a trainer that falls silent is named as the reason why the clock waits', () => {
    const ride = newRide();
    give(ride, 0, 'start');
    const messageAfter = (seconds: number) =>
      rideFigures(ride.state, [sample(startMs, 100)], startMs + seconds * 1000).message;
    expect(messageAfter(3)).toBe('');
    expect(messageAfter(4)).toBe('The trainer says nothing. The clock waits for it.');
  });

  test('a planned cadence reaches the trainer and the screen', () => {
    const plan = {
      name: 'Spin',
      description: '',
      segments: [{ kind: 'steady', durationS: 60, fraction: 0.6, cadenceRpm: 100 }],
    } as const;
    const ride = { state: workout.initial({ plan, ftpW: 200 }), events: [] };
    give(ride, 0, 'start');
    expect(trainerTarget(ride.state, startMs)).toEqual({
      kind: 'power',
      powerW: 120,
      cadenceRpm: 100,
    });
    expect(rideFigures(ride.state, [], startMs).plannedCadence).toBe('plan 100');
  });
});

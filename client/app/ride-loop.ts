/** Between the trainer and the session: hands on the target, and sends one sample for each second of riding. */
import type { Clock } from '../../shared/clock.ts';
import type { WorkoutCommand } from '../../shared/workout/workout-schemas.ts';
import { isRiddenElsewhere, type WorkoutState } from '../../shared/workout/workout-state.ts';
import { elapsedS } from '../../shared/workout/workout-view.ts';
import type { LiveSession, SessionView } from '../connect.ts';
import { areSameLevels, fittingBrake } from './brake-steps.ts';
import { recordedSamples } from './recorded-samples.ts';
import { freshSample, trainerTarget } from './ride-figures.ts';
import type { Ticker } from './ticker.ts';
import type { LevelRange, Trainer, TrainerSample } from './trainer/trainer.ts';
import { firstRule, stepWaiting } from './waiting-rule.ts';

/** A workout session as the app holds it. */
export type Ride = LiveSession<WorkoutState, WorkoutCommand>;

/** What there is to show at a moment. */
export interface RideFrame {
  readonly view: SessionView<WorkoutState>;
  /** The latest readings, oldest first. */
  readonly samples: readonly TrainerSample[];
  readonly nowMs: number;
  /** Another device rides: this one only shows. */
  readonly isElsewhere: boolean;
}

export interface RideLoopParts {
  readonly ride: Pick<Ride, 'send' | 'view' | 'clientId'>;
  readonly trainer: Trainer;
  readonly clock: Clock;
  readonly ticker: Ticker;
  /** Whether the ride pauses when the legs stand. */
  readonly pausesStanding: () => boolean;
  /** Whether it begins when the legs do; absent: it never does. */
  readonly startsPedalling?: () => boolean;
  /** Called at every beat. */
  readonly show: (frame: RideFrame) => void;
}

/** Begins the ride, and from the first second on it is known which device rides. */
export function startHere(ride: Pick<Ride, 'send'>): void {
  ride.send('take-control', {});
  ride.send('start', {});
}

const nothingRead = { powerW: null, cadenceRpm: null, heartRateBpm: null };

/** Readings kept: more than the three seconds that are averaged, whatever a trainer's pace. */
const sampleCountMax = 16;

export interface RideLoop {
  /** Shows what is there now, without waiting for the beat. */
  refresh(): void;
  stop(): void;
}

/** Runs until it is stopped. A second in which the page did not run is left out; one without a reading is told as such, so that the clock goes on. */
export function startRideLoop(parts: RideLoopParts): RideLoop {
  const { ride, trainer, clock, ticker, show } = parts;
  let samples: readonly TrainerSample[] = [];
  // What a page before this one has told of the present second counts.
  let sentS = ride.view().state.open?.second ?? -1;
  let rule = firstRule(clock.nowMs());
  const isElsewhere = (): boolean => isRiddenElsewhere(ride.view().state, ride.clientId);
  const refresh = (): void => {
    const [view, nowMs] = [ride.view(), clock.nowMs()];
    const shown = isElsewhere() ? recordedSamples(view.state) : samples;
    show({ view, samples: shown, nowMs, isElsewhere: isElsewhere() });
  };
  const sendSample = (nowMs: number): void => {
    const { state, status } = ride.view();
    if (state.phase !== 'riding' || status === 'stopped' || isElsewhere()) return;
    const second = Math.floor(elapsedS(state, nowMs));
    if (second === sentS) return;
    sentS = second;
    const { powerW, cadenceRpm, heartRateBpm } = freshSample(samples, nowMs) ?? nothingRead;
    ride.send('sample', { powerW, cadenceRpm, heartRateBpm });
  };
  const waitOrGoOn = (nowMs: number): void => {
    const { state, status } = ride.view();
    const sample = freshSample(samples, nowMs);
    const step = stepWaiting(rule, {
      state,
      sample,
      pausesStanding: parts.pausesStanding(),
      startsPedalling: parts.startsPedalling?.() === true,
      nowMs,
    });
    rule = step.rule;
    if (step.ask === null || status === 'stopped' || isElsewhere()) return;
    if (step.ask.type === 'start') startHere(ride);
    else if (step.ask.type === 'pause') ride.send('pause', { reason: step.ask.reason });
    else ride.send('resume', {});
  };
  const fitBrake = brakeFitter(ride, trainer);
  const beat = (): void => {
    const nowMs = clock.nowMs();
    fitBrake(isElsewhere());
    waitOrGoOn(nowMs);
    const { state, status } = ride.view();
    // Another page steers the ride now, and perhaps this very trainer.
    trainer.setTarget(
      status === 'stopped' || isElsewhere() ? { kind: 'rest' } : trainerTarget(state, nowMs),
    );
    sendSample(nowMs);
    refresh();
  };
  const stopSamples = trainer.onSample((sample) => {
    samples = [...samples, sample].slice(-sampleCountMax);
  });
  const stopBeats = ticker.onTick(beat);
  beat();
  return {
    refresh,
    stop: () => {
      stopSamples();
      stopBeats();
      trainer.close();
    },
  };
}

/** Rides a free ride by what the trainer takes, as soon as that is known. Called at every beat. */
function brakeFitter(
  ride: RideLoopParts['ride'],
  trainer: Trainer,
): (isElsewhere: boolean) => void {
  /** Of the trainer the present level is meant for; null while nobody knows, 'elsewhere' when another device set it. */
  let known: LevelRange | 'elsewhere' | null = null;
  /** By trainer and kind of brake, on this link: a service that knows of no brakes is asked once. */
  const fitted = new Set<string>();
  return (isElsewhere) => {
    const { state, status } = ride.view();
    const { abilities } = trainer.view();
    if (isElsewhere) known = 'elsewhere';
    // What comes next may need the same step once more.
    if (isElsewhere || abilities === null) fitted.clear();
    if (isElsewhere || state.brake === undefined) return;
    if (state.phase === 'finished' || status === 'stopped') return;
    const levels = abilities?.levels ?? null;
    const isForeign =
      known === 'elsewhere' || (known !== null && levels !== null && !areSameLevels(known, levels));
    const brake = fittingBrake(state.brake, abilities, isForeign);
    if (levels !== null) known = levels;
    const key = `${state.brake.kind} ${JSON.stringify(abilities)}`;
    if (brake === null || fitted.has(key)) return;
    fitted.add(key);
    ride.send('set-brake', { brake });
  };
}

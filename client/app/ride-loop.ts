/** Between the trainer and the session: hands on the target, and sends one sample for each second of riding. */
import type { Clock } from '../../shared/clock.ts';
import type { WorkoutCommand } from '../../shared/workout/workout-schemas.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { elapsedS } from '../../shared/workout/workout-view.ts';
import type { LiveSession, SessionView } from '../connect.ts';
import { freshSample, trainerTarget } from './ride-figures.ts';
import type { Ticker } from './ticker.ts';
import type { Trainer, TrainerSample } from './trainer.ts';

/** A workout session as the app holds it. */
export type Ride = LiveSession<WorkoutState, WorkoutCommand>;

/** What there is to show at a moment. */
export interface RideFrame {
  readonly view: SessionView<WorkoutState>;
  /** The latest readings, oldest first. */
  readonly samples: readonly TrainerSample[];
  readonly nowMs: number;
}

export interface RideLoopParts {
  readonly ride: Pick<Ride, 'send' | 'view'>;
  readonly trainer: Trainer;
  readonly clock: Clock;
  readonly ticker: Ticker;
  /** Called at every beat. */
  readonly show: (frame: RideFrame) => void;
}

/** Readings kept: more than the three seconds that are averaged, whatever a trainer's pace. */
const sampleCountMax = 16;

export interface RideLoop {
  /** Shows what is there now, without waiting for the beat. */
  refresh(): void;
  stop(): void;
}

/** Runs until it is stopped. A second in which the page did not run is left out, as nothing was measured in it. */
export function startRideLoop({ ride, trainer, clock, ticker, show }: RideLoopParts): RideLoop {
  let samples: readonly TrainerSample[] = [];
  let sentS = -1;
  const refresh = (): void => show({ view: ride.view(), samples, nowMs: clock.nowMs() });
  const sendSample = (nowMs: number): void => {
    const { state, status } = ride.view();
    if (state.phase !== 'riding' || status === 'stopped') return;
    const second = Math.floor(elapsedS(state, nowMs));
    const sample = freshSample(samples, nowMs);
    if (second === sentS || sample === null) return;
    sentS = second;
    const { powerW, cadenceRpm, heartRateBpm } = sample;
    ride.send('sample', { powerW, cadenceRpm, heartRateBpm });
  };
  const beat = (): void => {
    const nowMs = clock.nowMs();
    const { state, status } = ride.view();
    // Another page steers the ride now, and perhaps this very trainer.
    trainer.setTarget(status === 'stopped' ? { kind: 'rest' } : trainerTarget(state, nowMs));
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

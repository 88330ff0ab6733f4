/** What the rider's buttons and keys ask of the session. */
import type { Clock } from '../../shared/clock.ts';
import { isRiddenElsewhere, type WorkoutState } from '../../shared/workout/workout-state.ts';
import { laps } from '../../shared/workout/workout-view.ts';
import { brakeLine, otherBrake, steppedBrake } from './brake-steps.ts';
import { clockTime, withUnit } from './format.ts';
import type { RideActions } from './ride-controls.ts';
import { startHere, type Ride } from './ride-loop.ts';
import type { Trainer } from './trainer/trainer.ts';

export interface RideActionsParts {
  readonly ride: Ride;
  readonly clock: Clock;
  readonly trainer: Trainer;
  /** Something was asked: show it without waiting for the beat. */
  readonly changed: () => void;
  readonly leave: () => void;
}

/** Whole percent; the bounds are those of the session kind. */
const intensityMin = 50;
const intensityMax = 150;
/** How long a lap's figures stay on the screen. */
const noteShownMs = 8_000;

/** The actions, and what to tell the rider of the latest one for a while. */
export function rideActions(parts: RideActionsParts): {
  readonly actions: RideActions;
  readonly noteAt: (nowMs: number) => string;
} {
  const { ride, clock, trainer, changed, leave } = parts;
  let note = { text: '', untilMs: 0 };
  const isStopped = (): boolean =>
    ride.view().status === 'stopped' || isRiddenElsewhere(ride.view().state, ride.clientId);
  const ask = (...command: Parameters<Ride['send']>): void => {
    if (isStopped()) return;
    ride.send(...command);
    changed();
  };
  const begin = (): void => {
    if (isStopped()) return;
    startHere(ride);
    changed();
  };
  const actions: RideActions = {
    toggle: () => {
      const { phase } = ride.view().state;
      if (phase === 'ready') begin();
      else if (phase === 'riding') ask('pause', {});
      else if (phase === 'paused') ask('resume', {});
    },
    adjust: (steps) => {
      const { state } = ride.view();
      if (state.phase === 'finished') return;
      if (state.brake === undefined) return ask('adjust', { intensity: adjusted(state, steps) });
      const brake = steppedBrake(state.brake, steps, trainer.view().abilities?.levels ?? null);
      // At its end a key that is held would say the same many times a second.
      if (brakeLine(brake) !== brakeLine(state.brake)) ask('set-brake', { brake });
    },
    switchBrake: () => {
      const { brake, phase } = ride.view().state;
      const other = brake && otherBrake(brake, trainer.view().abilities);
      if (other && phase !== 'finished') ask('set-brake', { brake: other });
    },
    skip: () => {
      const { brake, phase } = ride.view().state;
      if (brake === undefined && (phase === 'riding' || phase === 'paused')) ask('skip', {});
    },
    lap: () => {
      if (isStopped() || ride.view().state.phase !== 'riding') return;
      ride.send('lap', {});
      note = { text: lapNote(ride), untilMs: clock.nowMs() + noteShownMs };
      changed();
    },
    finish: () => ask('finish', {}),
    leave,
  };
  return { actions, noteAt: (nowMs) => (nowMs < note.untilMs ? note.text : '') };
}

function adjusted({ intensity }: WorkoutState, byPercent: number): number {
  const percent = Math.round(intensity * 100) + byPercent;
  return Math.min(intensityMax, Math.max(intensityMin, percent)) / 100;
}

/** The lap that has just ended. */
function lapNote(ride: Ride): string {
  const all = laps(ride.view().state);
  const ended = all.at(-2);
  if (ended === undefined) return '';
  const time = clockTime(ended.endS - ended.startS);
  return `Lap ${all.length - 1}: ${time} at ${withUnit(ended.averageW, 'W')}`;
}

/** The workout as a kind of session: which commands are good when, and what comes of them. */
import { defineSession } from '../session/session-model.ts';
import type { CommandContext, Decision } from '../session/session-model.ts';
import { segmentAt } from './plan.ts';
import { workoutCommands, workoutEvents, workoutInputSchema } from './workout-schemas.ts';
import type { WorkoutCommand, WorkoutEvent } from './workout-schemas.ts';
import {
  evolveWorkout,
  isRiddenElsewhere,
  readyWorkout,
  riddenMsAt,
  silenceMaxMs,
} from './workout-state.ts';
import type { WorkoutState } from './workout-state.ts';

/** Bounds of what a state gathers. Nobody rides 200 laps by hand; a button that sticks does. */
export const lapCountMax = 200;
export const pauseCountMax = 200;

/** Why a command is refused. Stable: apps and stored logs know these. */
export type WorkoutRefusal =
  | 'not-started'
  | 'already-started'
  | 'paused'
  | 'not-paused'
  | 'finished'
  | 'plan-over'
  /** A free ride has no plan to skip in or to ride harder; one by a plan is braked by its targets. */
  | 'no-plan'
  | 'has-plan'
  | 'too-many-laps'
  | 'too-many-pauses'
  /** Another device rides. */
  | 'not-in-control';

/** An indoor ride, of a plan or free. */
export const workout = defineSession({
  kind: 'workout',
  version: 1,
  input: workoutInputSchema,
  commands: workoutCommands,
  events: workoutEvents,
  initial: readyWorkout,
  decide,
  evolve: evolveWorkout,
  isEnded: ({ phase }) => phase === 'finished',
});

function decide(
  state: WorkoutState,
  command: WorkoutCommand,
  context: CommandContext,
): Decision<WorkoutEvent> {
  // Two devices' clocks may differ: whatever happens later also happened no earlier.
  const atMs = Math.max(context.atMs, state.lastMs);
  const refused = refusal(state, command.type, context.clientId) ?? unfit(state, command.type);
  if (refused !== null) return { refused };
  const away = awayUntil(state, atMs);
  const decided = decideAwake(away.reduce(evolveWorkout, state), command, { ...context, atMs });
  return 'refused' in decided ? decided : [...away, ...decided];
}

/** The pause that a silence was: from the end of what counts as riding until now. Leaves room for one the rider asks for. */
function awayUntil(state: WorkoutState, atMs: number): readonly WorkoutEvent[] {
  const fromMs = state.lastMs + silenceMaxMs;
  if (state.phase !== 'riding' || atMs <= fromMs || state.pauses.length >= pauseCountMax - 1)
    return [];
  return [
    { type: 'paused', data: { atMs: fromMs, reason: 'away' } },
    { type: 'resumed', data: { atMs } },
  ];
}

function decideAwake(
  state: WorkoutState,
  command: WorkoutCommand,
  { atMs, clientId }: CommandContext,
): Decision<WorkoutEvent> {
  switch (command.type) {
    case 'start':
      return [{ type: 'started', data: { atMs } }];
    case 'sample':
      return [sampled(state, atMs, command.data)];
    case 'pause':
      return [{ type: 'paused', data: { ...command.data, atMs } }];
    case 'resume':
      return [{ type: 'resumed', data: { atMs } }];
    case 'skip':
      return skip(state, atMs);
    case 'adjust':
      return [{ type: 'adjusted', data: { ...command.data, atMs } }];
    case 'set-brake':
      return [{ type: 'brake-set', data: { ...command.data, atMs } }];
    case 'lap':
      return [{ type: 'lapped', data: { atMs } }];
    case 'finish':
      return [{ type: 'finished', data: { atMs } }];
    case 'take-control':
      return [{ type: 'control-taken', data: { atMs, by: clientId } }];
  }
}

function refusal(
  state: WorkoutState,
  command: WorkoutCommand['type'],
  clientId: string,
): WorkoutRefusal | null {
  if (command === 'take-control') return state.phase === 'finished' ? 'finished' : null;
  if (isRiddenElsewhere(state, clientId))
    return state.phase === 'finished' ? 'finished' : 'not-in-control';
  switch (state.phase) {
    case 'finished':
      return 'finished';
    case 'ready':
      return command === 'start' || command === 'adjust' || command === 'set-brake'
        ? null
        : 'not-started';
    case 'paused':
      if (command === 'start') return 'already-started';
      return command === 'sample' || command === 'pause' || command === 'lap' ? 'paused' : null;
    case 'riding':
      if (command === 'start') return 'already-started';
      if (command === 'resume') return 'not-paused';
      if (command === 'lap' && state.laps.length >= lapCountMax) return 'too-many-laps';
      if (command === 'pause' && state.pauses.length >= pauseCountMax) return 'too-many-pauses';
      return null;
  }
}

function unfit({ brake }: WorkoutState, command: WorkoutCommand['type']): WorkoutRefusal | null {
  if (command === 'set-brake') return brake === undefined ? 'has-plan' : null;
  if (command === 'skip' || command === 'adjust') return brake === undefined ? null : 'no-plan';
  return null;
}

type Sample = Extract<WorkoutCommand, { type: 'sample' }>['data'];

function sampled(state: WorkoutState, atMs: number, sample: Sample): WorkoutEvent {
  const { powerW = null, cadenceRpm = null, heartRateBpm = null } = sample;
  const second = Math.floor(riddenMsAt(state, atMs) / 1000);
  const data = {
    atMs,
    second,
    powerW: powerW === null ? null : Math.max(0, powerW),
    cadenceRpm,
    heartRateBpm: heartRateBpm === 0 ? null : heartRateBpm,
  };
  return { type: 'sampled', data };
}

function skip(state: WorkoutState, atMs: number): Decision<WorkoutEvent> {
  const positionMs = riddenMsAt(state, atMs) + state.skippedMs;
  const place = segmentAt(state.plan, positionMs / 1000);
  if (place === null) return { refused: 'plan-over' satisfies WorkoutRefusal };
  return [{ type: 'skipped', data: { atMs, byMs: place.endS * 1000 - positionMs } }];
}

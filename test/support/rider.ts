/** A client on a workout, and what it should come to: the fold of all its commands, computed apart from client and server. */
import { WebSocket as RealWebSocket } from 'ws';

import { connect, type LiveSession, type SessionView } from '../../client/connect.ts';
import { memoryStorage, type SessionStorage } from '../../client/session-storage.ts';
import type { Clock } from '../../shared/clock.ts';
import { systemClock } from '../../shared/clock.ts';
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import type { WorkoutCommand } from '../../shared/workout/workout-schemas.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { workout } from '../../shared/workout/workout.ts';
import { when } from './watching.ts';

export interface Rider {
  readonly session: LiveSession<WorkoutState, WorkoutCommand>;
  /** Gives a command one second of riding after the one before. */
  give(command: WorkoutCommand): void;
  /** Commands given so far. */
  givenCount(): number;
  /** What the state must be. */
  expected(): WorkoutState;
  /** The first view for which that is true. */
  when(is: (view: SessionView<WorkoutState>) => boolean): Promise<SessionView<WorkoutState>>;
}

/** Of the first command; every further one is given a second later. */
export const startedMs = 1_800_000_000_000;

export async function startRider(
  url: string,
  {
    storage = memoryStorage(),
    given = [],
    model = workout,
    WebSocket = RealWebSocket,
    random = () => 0.05,
  }: {
    storage?: SessionStorage;
    given?: WorkoutCommand[];
    /** Of another release. */
    model?: typeof workout;
    WebSocket?: typeof RealWebSocket;
    /** Of how long it waits before it comes back. */
    random?: () => number;
  } = {},
): Promise<Rider> {
  const [builtIn] = builtInPlans;
  if (builtIn === undefined) throw new Error('There is no built-in plan.');
  const input = { plan: builtIn.plan, ftpW: 250 };
  // Commands are a second apart whatever the machine does; timers are real.
  const clock: Clock = { ...systemClock, nowMs: () => startedMs + given.length * 1_000 };
  const session = await connect({
    url,
    session: model,
    input,
    WebSocket,
    storage,
    clock,
    random,
  });
  return {
    session,
    give: (command) => {
      session.send(command.type, command.data);
      given.push(command);
    },
    givenCount: () => given.length,
    expected: () =>
      given.reduce((state, command, index) => {
        const context = { atMs: startedMs + index * 1_000, clientId: session.clientId };
        const decision = workout.decide(state, command, context);
        return 'refused' in decision ? state : decision.reduce(workout.evolve, state);
      }, workout.initial(input)),
    when: (is) => when(session, is),
  };
}

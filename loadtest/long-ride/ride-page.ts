/** The page without its screen: the session, the loop between trainer and session, and the machine, on the ride's own time. */
import { WebSocket } from 'ws';

import { trainerTarget } from '../../client/app/ride-figures.ts';
import { startRideLoop, type Ride } from '../../client/app/ride-loop.ts';
import type { Ticker } from '../../client/app/ticker.ts';
import { connectTrainer } from '../../client/app/trainer/connected-trainer.ts';
import { riderAt } from '../../client/app/trainer/rider-model.ts';
import { simulatedDevice } from '../../client/app/trainer/simulated-device.ts';
import { connect } from '../../client/connect.ts';
import type { SessionStorage } from '../../client/session-storage.ts';
import type { Clock } from '../../shared/clock.ts';
import type { WorkoutInput } from '../../shared/workout/workout-schemas.ts';
import { workout } from '../../shared/workout/workout.ts';
import { trainerToLose, type TrainerToLose } from './trainer-to-lose.ts';

export interface RidePageParts {
  readonly url: string;
  readonly input: WorkoutInput;
  readonly storage: SessionStorage;
  readonly clock: Clock;
  readonly warn: (problem: unknown) => void;
}

export interface RidePage {
  readonly ride: Ride;
  readonly device: TrainerToLose;
  /** One look of the page at its clock. */
  tick(): void;
  /** The page is gone: nothing is said to anybody. */
  close(): void;
}

/** The same rider on every page. */
const seed = 7;

/** Begins the ride, or goes on with what the storage holds. */
export async function openRidePage(parts: RidePageParts): Promise<RidePage> {
  const { url, input, storage, clock, warn } = parts;
  const ride = await connect({
    url,
    session: workout,
    input,
    storage,
    clock,
    warn,
    WebSocket,
    keepsCommands: true,
  });
  const { ticker, tick } = beats();
  const { state } = ride.view();
  const target = trainerTarget(state, clock.nowMs());
  const rider = riderAt(target, state.ftpW, seed);
  const device = trainerToLose(simulatedDevice({ rider, target, clock, ticker }), clock);
  const trainer = connectTrainer({ clock, ticker });
  trainer.ride(device);
  const loop = startRideLoop({
    ride,
    trainer,
    clock,
    ticker,
    pausesStanding: () => false,
    show: () => {},
  });
  return {
    ride,
    device,
    tick,
    close: () => {
      loop.stop();
      ride.close();
    },
  };
}

function beats(): { readonly ticker: Ticker; readonly tick: () => void } {
  const listeners = new Set<() => void>();
  return {
    ticker: {
      onTick: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    tick: () => {
      for (const listener of listeners) listener();
    },
  };
}

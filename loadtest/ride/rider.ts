/** Rides the rows of a file through a session, at their moments, as fast as the service keeps up. */
import type { LiveSession, SessionView } from '../../client/connect.ts';
import { delay, systemClock } from '../../shared/clock.ts';
import type { WireCommand } from '../../shared/protocol/frames.ts';
import type { WorkoutCommand } from '../../shared/workout/workout-schemas.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { CannotRide, exitCodes } from './cannot-ride.ts';
import type { Chaos } from './chaos.ts';
import type { RideClock } from './ride-clock.ts';
import { rideDurationS, sampleOf, type RideRow } from './ride-file.ts';

/** Between two looks at the rows: two frames a tick at most stay below the 50 a second a server takes. */
const tickMs = 50;

/** Rows given in one tick at most: they fit into the 256 commands that may be in flight. */
const tickRowsMax = 200;

/** Commands waiting to be accepted before the ride stands still. A restart's worth at 1000 times the speed of life. */
const unacceptedMax = 1000;

/** Real milliseconds the service may need to take anything, or to save everything, before the ride is given up. */
const patienceMs = 60_000;

export interface RiderParts {
  readonly session: LiveSession<WorkoutState, WorkoutCommand>;
  readonly clock: RideClock;
  readonly rows: readonly RideRow[];
  /** Seconds of the ride in a second. */
  readonly speed: number;
  readonly chaos: Chaos;
  /** Called after every tick with the latest row that was ridden and the number of commands given so far. */
  readonly progress: (row: RideRow, givenCount: number) => void;
}

/** Rides from start to finish. Returns every command that was given, in order. Throws CannotRide when the service stops it. */
export async function ride(parts: RiderParts): Promise<readonly WireCommand[]> {
  const { clock, rows, chaos } = parts;
  const startMs = clock.nowMs();
  const given: WireCommand[] = [];
  const give = (atS: number, ...[type, data]: CommandArguments): void => {
    const atMs = startMs + Math.round(atS * 1000);
    clock.moveTo(atMs);
    parts.session.send(type, data);
    given.push([type, data, atMs]);
  };
  give(0, 'start', {});
  let next = 0;
  for (let positionS = 0; next < rows.length;) {
    positionS = await passTick(parts, positionS);
    const room = await untilRoom(parts);
    for (let count = 0; count < room; count++) {
      const row = rows[next];
      if (row === undefined || row.elapsedS > positionS) break;
      give(row.elapsedS, 'sample', sampleOf(row));
      next += 1;
      if (chaos.isDueAfter(next - 1)) await strike(parts);
    }
    // The ride's time stands still rather than running ahead of rows that could not be given.
    positionS = Math.min(positionS, rows[next]?.elapsedS ?? positionS);
    const latest = rows[next - 1];
    if (latest !== undefined) parts.progress(latest, given.length);
  }
  give(rideDurationS(rows), 'finish', {});
  return given;
}

type CommandArguments = {
  [Type in WorkoutCommand['type']]: [Type, Extract<WorkoutCommand, { type: Type }>['data']];
}[WorkoutCommand['type']];

/** Whether the view became so in time. Throws CannotRide when the service ended the session. */
export async function viewBecomes(
  session: LiveSession<WorkoutState, WorkoutCommand>,
  isSo: (view: SessionView<WorkoutState>) => boolean,
): Promise<boolean> {
  const deadlineMs = systemClock.nowMs() + patienceMs;
  for (;;) {
    const view = session.view();
    if (view.stopReason !== undefined)
      throw new CannotRide(
        exitCodes.noService,
        `The service ended the session: ${view.stopReason}.`,
      );
    if (isSo(view)) return true;
    if (systemClock.nowMs() > deadlineMs) return false;
    await delay(systemClock, tickMs);
  }
}

/** The ride's position one tick of real time later. */
async function passTick({ speed }: RiderParts, positionS: number): Promise<number> {
  const beganMs = systemClock.nowMs();
  await delay(systemClock, tickMs);
  return positionS + ((systemClock.nowMs() - beganMs) / 1000) * speed;
}

/** How many rows may be given now; waits while it is none. */
async function untilRoom({ session }: RiderParts): Promise<number> {
  const hasRoom = await viewBecomes(session, ({ unaccepted }) => unaccepted < unacceptedMax);
  if (!hasRoom) throw tookNothing();
  return Math.min(tickRowsMax, unacceptedMax - session.view().unaccepted);
}

/** Not before the client is served again: a server nobody uses can be killed without proving anything. */
async function strike({ session, chaos }: RiderParts): Promise<void> {
  const isServed = await viewBecomes(session, ({ status }) => {
    return status === 'connected' && chaos.isServing;
  });
  if (!isServed) throw tookNothing();
  await chaos.strike();
}

function tookNothing(): CannotRide {
  const sentence = `The service took nothing for ${patienceMs / 1000} s.`;
  return new CannotRide(exitCodes.noService, sentence);
}

/** One ride against one service: begun, ridden, saved, verified, told. */
import { connect, SessionNotCreatedError, type LiveSession } from '../../client/connect.ts';
import { memoryStorage } from '../../client/session-storage.ts';
import { systemClock } from '../../shared/clock.ts';
import type { WorkoutCommand, WorkoutInput } from '../../shared/workout/workout-schemas.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { workout } from '../../shared/workout/workout.ts';
import { CannotRide, exitCodes } from './cannot-ride.ts';
import { Chaos } from './chaos.ts';
import { planKills } from './kill-plan.ts';
import type { OwnService } from './own-service.ts';
import { openProgress, type Screen } from './progress.ts';
import { reportLines } from './report.ts';
import { rideClock } from './ride-clock.ts';
import { rideDurationS, type RideRow } from './ride-file.ts';
import { clockTime } from './ride-text.ts';
import { ride, viewBecomes } from './rider.ts';
import { findFaults, readStored } from './verification.ts';
import { WireWitness, witnessedWebSocket } from './wire-witness.ts';

export interface PlannedRide {
  /** Of the file, for people. */
  readonly name: string;
  /** The file's. The moments of the kills follow from it. */
  readonly text: string;
  readonly rows: readonly RideRow[];
  readonly input: WorkoutInput;
  readonly speed: number;
  readonly killCount: number;
}

/** Whose server cannot be killed has no `killServer`. */
export type RiddenService = Pick<OwnService, 'url' | 'description'> &
  Partial<Pick<OwnService, 'killServer'>>;

/** Returns whether everything arrived once and is saved. Throws CannotRide when the ride broke off. */
export async function rideAndReport(
  planned: PlannedRide,
  service: RiddenService,
  screen: Screen,
): Promise<boolean> {
  const { rows, input, speed } = planned;
  const durationS = rideDurationS(rows);
  screen.write(`${titleOf(planned, service)}\n`);
  const witness = new WireWitness();
  const storage = memoryStorage();
  // The ride ends about now.
  const clock = rideClock(systemClock.nowMs() - durationS * 1000);
  const session = await connect({
    url: service.url,
    session: workout,
    input,
    storage,
    clock,
    WebSocket: witnessedWebSocket(witness),
    warn: (problem) => screen.write(`${String(problem)}\n`),
  }).catch(explain);
  await beServed(session);
  const moments = planKills(planned.killCount, rows.length, planned.text);
  const chaos = new Chaos(moments, service.killServer ?? (() => Promise.resolve(false)));
  const progress = openProgress(screen, durationS);
  const show = (row: RideRow, givenCount: number): void => {
    const { killCount } = chaos;
    progress.show({ row, givenCount, killCount, view: session.view(), nowMs: clock.nowMs() });
  };
  try {
    const given = await ride({ session, clock, rows, speed, chaos, progress: show });
    await untilSaved(session, chaos);
    const { state, unaccepted, unsaved } = session.view();
    const account = witness.account();
    const stored = await readStored(storage);
    const evidence = { input, given, stored, shown: state, account, unsavedCount: unsaved };
    const faults = findFaults(evidence);
    progress.clear();
    const lines = reportLines({
      state,
      account,
      givenCount: given.length,
      acceptedCount: given.length - unaccepted,
      checkpointedCount: given.length - unsaved,
      killCount: chaos.killCount,
      faults,
    });
    screen.write(`\n${lines.join('\n')}\n`);
    return faults.length === 0;
  } finally {
    progress.clear();
    session.close();
  }
}

/** A ride begins without a service, too, and would wait for one: whoever watches wants to be told instead. */
async function beServed(session: LiveSession<WorkoutState, WorkoutCommand>): Promise<void> {
  await viewBecomes(session, ({ status }) => status === 'connected' || status === 'offline');
  if (session.view().status === 'connected') return;
  session.close();
  throw new CannotRide(exitCodes.noService, 'No session: The service cannot be reached.');
}

/** Or until it takes too long, which the report then tells. */
async function untilSaved(
  session: LiveSession<WorkoutState, WorkoutCommand>,
  chaos: Chaos,
): Promise<void> {
  await viewBecomes(session, ({ unsaved, status }) => {
    return unsaved === 0 && status === 'connected' && chaos.isServing;
  });
}

function titleOf({ name, rows, input, speed }: PlannedRide, { description }: RiddenService) {
  const length = clockTime(rideDurationS(rows));
  return `${name}, ${length} at speed ${speed}, FTP ${input.ftpW} W, on ${description}`;
}

function explain(error: unknown): never {
  if (!(error instanceof SessionNotCreatedError)) throw error;
  throw new CannotRide(exitCodes.noService, `No session: ${error.message}`, error);
}

/**
 * A workout in progress, and how each event changes it.
 *
 *   ready --started--> riding --paused--> paused        finished from riding and paused
 *                        ^----resumed-------'
 *
 * Riding time is the sum of the spans between start, pauses and resumes; nothing counts ticks, so seconds in which no event
 * arrived pass all the same, up to a bound: a device that says nothing for longer was asleep or away, and its clock stood still. The
 * position in the plan is riding time plus what was skipped.
 */
import type { Brake } from './brake.ts';
import type { Plan } from './plan.ts';
import { noTrace, withPower } from './power-trace.ts';
import type { PowerTrace } from './power-trace.ts';
import { noMetrics, withMissing, withSecond } from './training-metrics.ts';
import type { TrainingMetrics } from './training-metrics.ts';
import type { WorkoutEvent, WorkoutInput } from './workout-schemas.ts';

export type WorkoutPhase = 'ready' | 'riding' | 'paused' | 'finished';

/**
 * Milliseconds the ride's clock runs on without a word from the device. A sample comes every second, also without power; who closes
 * the laptop comes back to the same second, give or take this.
 */
export const silenceMaxMs = 10_000;

/** JSON; besides the plan below 4 KB for a long ride, at most some 25 KB with every lap and pause taken. */
export interface WorkoutState {
  readonly plan: Plan;
  readonly ftpW: number;
  /** Fraction of the plan's targets that is ridden; 1 is as written. */
  readonly intensity: number;
  readonly phase: WorkoutPhase;
  readonly startedAtMs: number | null;
  /** When the present span of riding began, in phase riding. */
  readonly sinceMs: number;
  /** Of the latest event: time never runs back behind it. */
  readonly lastMs: number;
  /** Riding time of all spans that are over. */
  readonly riddenMs: number;
  /** Time of the plan that was left out by skipping. */
  readonly skippedMs: number;
  /** The second samples are being gathered for. */
  readonly open: OpenSecond | null;
  /** Of the seconds before it: each is either recorded or missing. */
  readonly metrics: TrainingMetrics;
  readonly trace: PowerTrace;
  readonly laps: readonly LapMark[];
  readonly pauses: readonly Pause[];
  /** What a free ride is ridden against; absent in a ride by a plan. */
  readonly brake?: Brake;
  /** Client id of the device that rides; absent while nobody asked for it, and every device may. */
  readonly controllerId?: string;
}

/** One second's samples so far: trainers report up to four times a second, and the mean counts. */
interface OpenSecond {
  readonly second: number;
  /** Where in the plan it lies. */
  readonly positionS: number;
  readonly power: Readings;
  readonly cadence: Readings;
  readonly heartRate: Readings;
}

interface Readings {
  readonly sum: number;
  readonly count: number;
}

/** The end of a lap, with the totals up to it: a lap's own numbers are the difference of two marks. */
export interface LapMark {
  readonly atMs: number;
  readonly riddenMs: number;
  readonly recordedS: number;
  readonly energyJ: number;
}

/** A pause; `toMs` is null while it lasts. */
export interface Pause {
  readonly fromMs: number;
  readonly toMs: number | null;
  readonly reason?: string;
}

const noReadings: Readings = { sum: 0, count: 0 };

/** A workout before its start. */
export function readyWorkout({ plan, ftpW, brake }: WorkoutInput): WorkoutState {
  return {
    plan,
    ftpW,
    ...(brake === undefined ? {} : { brake }),
    intensity: 1,
    phase: 'ready',
    startedAtMs: null,
    sinceMs: 0,
    lastMs: 0,
    riddenMs: 0,
    skippedMs: 0,
    open: null,
    metrics: noMetrics,
    trace: noTrace,
    laps: [],
    pauses: [],
  };
}

/** Whether another device rides. Two that both steered would fight for the clock and double the seconds. */
export function isRiddenElsewhere({ controllerId }: WorkoutState, clientId: string): boolean {
  return controllerId !== undefined && controllerId !== clientId;
}

/** Riding time at a moment. A moment before the latest event counts as that event's, one long after it as the end of its silence. */
export function riddenMsAt(state: WorkoutState, atMs: number): number {
  if (state.phase !== 'riding') return state.riddenMs;
  const untilMs = Math.min(Math.max(atMs, state.lastMs), state.lastMs + silenceMaxMs);
  return state.riddenMs + untilMs - state.sinceMs;
}

/** The state after an event. Pure, and total: it relies on nothing but the event's shape. */
export function evolveWorkout(state: WorkoutState, event: WorkoutEvent): WorkoutState {
  const lastMs = Math.max(event.data.atMs, state.lastMs);
  switch (event.type) {
    case 'started':
      return { ...state, lastMs, phase: 'riding', startedAtMs: lastMs, sinceMs: lastMs };
    case 'sampled':
      return withSample(state, lastMs, event.data);
    case 'paused': {
      const { reason } = event.data;
      const pause = { fromMs: lastMs, toMs: null, ...(reason === undefined ? {} : { reason }) };
      return { ...stopped(state, lastMs), phase: 'paused', pauses: [...state.pauses, pause] };
    }
    case 'resumed':
      return { ...endPause(state, lastMs), lastMs, phase: 'riding', sinceMs: lastMs };
    case 'skipped':
      return { ...state, lastMs, skippedMs: state.skippedMs + event.data.byMs };
    case 'adjusted':
      return { ...state, lastMs, intensity: event.data.intensity };
    case 'brake-set':
      return { ...state, lastMs, brake: event.data.brake };
    case 'lapped':
      return { ...state, lastMs, laps: [...state.laps, markLap(state, lastMs)] };
    case 'finished':
      return finish(endPause(stopped(state, lastMs), lastMs));
    case 'control-taken':
      return { ...state, lastMs, controllerId: event.data.by };
    default:
      // An event this version does not know yet: losing its effect is better than losing the ride.
      return state;
  }
}

/** A mark at the present totals. The second being gathered counts for the next lap. */
export function markLap(state: WorkoutState, atMs: number): LapMark {
  const { recordedS, energyJ } = state.metrics;
  return { atMs, riddenMs: riddenMsAt(state, atMs), recordedS, energyJ };
}

type Sampled = Extract<WorkoutEvent, { type: 'sampled' }>['data'];

function withSample(state: WorkoutState, lastMs: number, sampled: Sampled): WorkoutState {
  const { open } = state;
  const second = Math.max(sampled.second, open === null ? closedS(state.metrics) : open.second);
  if (open !== null && second === open.second)
    return { ...state, lastMs, open: gather(open, sampled) };
  const positionS = second + Math.floor(state.skippedMs / 1000);
  const empty = {
    second,
    positionS,
    power: noReadings,
    cadence: noReadings,
    heartRate: noReadings,
  };
  return { ...state, lastMs, ...closedBefore(state, second), open: gather(empty, sampled) };
}

function gather(open: OpenSecond, { powerW, cadenceRpm, heartRateBpm }: Sampled): OpenSecond {
  return {
    second: open.second,
    positionS: open.positionS,
    power: withReading(open.power, powerW),
    cadence: withReading(open.cadence, cadenceRpm),
    heartRate: withReading(open.heartRate, heartRateBpm),
  };
}

function withReading({ sum, count }: Readings, value: number | null): Readings {
  return value === null ? { sum, count } : { sum: sum + value, count: count + 1 };
}

function mean({ sum, count }: Readings): number | null {
  return count === 0 ? null : Math.round(sum / count);
}

/** Seconds of riding time that are closed. */
function closedS({ recordedS, missingS }: TrainingMetrics): number {
  return recordedS + missingS;
}

/** Metrics and trace with the open second closed, and with whatever else lies before `second` missing. */
function closedBefore(
  { open, metrics, trace }: WorkoutState,
  second: number,
): Pick<WorkoutState, 'metrics' | 'trace'> {
  if (open === null) return { metrics: passed(metrics, second), trace };
  const powerW = mean(open.power);
  const ridden = { powerW, cadenceRpm: mean(open.cadence), heartRateBpm: mean(open.heartRate) };
  return {
    metrics: passed(withSecond(metrics, ridden), second),
    trace: powerW === null ? trace : withPower(trace, open.positionS, powerW),
  };
}

function passed(metrics: TrainingMetrics, second: number): TrainingMetrics {
  return withMissing(metrics, second - closedS(metrics));
}

/** The riding span so far is over. */
function stopped(state: WorkoutState, lastMs: number): WorkoutState {
  return { ...state, lastMs, sinceMs: lastMs, riddenMs: riddenMsAt(state, lastMs) };
}

function endPause(state: WorkoutState, toMs: number): WorkoutState {
  const latest = state.pauses.at(-1);
  if (latest === undefined || latest.toMs !== null) return state;
  return { ...state, pauses: [...state.pauses.slice(0, -1), { ...latest, toMs }] };
}

/** Closes the open second though it may not be over, so that no sample is lost, and every whole second before the end. */
function finish(state: WorkoutState): WorkoutState {
  const whole = Math.floor(state.riddenMs / 1000);
  return { ...state, ...closedBefore(state, whole), open: null, phase: 'finished' };
}

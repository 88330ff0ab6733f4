/** A finished ride second by second, from the commands that made it. Pure. */
import type { Brake } from '../../../shared/workout/brake.ts';
import { targetPowerW, type Plan } from '../../../shared/workout/plan.ts';
import type { RiddenSecond } from '../../../shared/workout/training-metrics.ts';
import type { WorkoutEvent } from '../../../shared/workout/workout-schemas.ts';
import { readyWorkout, type WorkoutState } from '../../../shared/workout/workout-state.ts';
import { summary, type WorkoutSummary } from '../../../shared/workout/workout-view.ts';
import { workout } from '../../../shared/workout/workout.ts';

/** A command as this device keeps it: type, data, ms since the Unix epoch. */
export type KeptCommand = readonly [type: string, data: unknown, atMs: number];

export interface RecordedSecond extends RiddenSecond {
  /** Of riding time, from 0. */
  readonly second: number;
  /** When it began. */
  readonly atMs: number;
  /** In the plan: what was skipped lies between. */
  readonly positionS: number;
  /** What was asked for; null where the plan is free. */
  readonly targetW: number | null;
}

/** What the rider changed on the way. */
export type RideChange = { readonly atMs: number } & (
  | { readonly kind: 'lap' }
  | { readonly kind: 'skip'; readonly byS: number }
  | { readonly kind: 'intensity'; readonly intensity: number }
  | { readonly kind: 'brake'; readonly brake: Brake }
);

/** A stretch of time on the wall, with the riding seconds in it. */
export interface RecordedLap {
  readonly fromMs: number;
  readonly toMs: number;
  /** Riding time within. */
  readonly riddenMs: number;
  readonly seconds: readonly RecordedSecond[];
}

export interface RideRecord {
  readonly plan: Plan;
  /** Ridden without a plan: the one above asks for nothing. */
  readonly isFree: boolean;
  readonly ftpW: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly riddenMs: number;
  readonly seconds: readonly RecordedSecond[];
  readonly pauses: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly laps: readonly RecordedLap[];
  readonly changes: readonly RideChange[];
  readonly summary: WorkoutSummary;
  /** False when another device rode a part of it, which this one does not keep. */
  readonly isWhole: boolean;
}

/** Null for a ride that never began. `state` is the ride as it is known, of which the commands may be a part. */
export function recordRide(
  state: WorkoutState,
  commands: readonly KeptCommand[],
): RideRecord | null {
  return recordEvents(state, eventsOf(readyWorkout(state), commands));
}

/** The same from what the session's log says has happened. */
export function recordEvents(
  state: WorkoutState,
  events: readonly WorkoutEvent[],
): RideRecord | null {
  const { plan, ftpW } = state;
  const replay = replayed(readyWorkout(state), events);
  const { startedAtMs, lastMs, riddenMs } = replay.state;
  if (startedAtMs === null) return null;
  const seconds = replay.seconds.map(meanSecond);
  const pauses = replay.state.pauses.map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs ?? lastMs }));
  return {
    plan,
    isFree: state.brake !== undefined,
    ftpW,
    startedAtMs,
    endedAtMs: lastMs,
    riddenMs,
    seconds,
    pauses,
    laps: lapsOf(replay.state, startedAtMs, seconds),
    changes: replay.changes,
    summary: summary(replay.state),
    isWhole: essence(replay.state) === essence(state),
  };
}

interface GatheredSecond {
  readonly second: number;
  readonly atMs: number;
  readonly positionS: number;
  readonly targetW: number | null;
  readonly powersW: number[];
  readonly cadencesRpm: number[];
  readonly heartRatesBpm: number[];
}

interface Replay {
  readonly state: WorkoutState;
  readonly seconds: readonly GatheredSecond[];
  readonly changes: readonly RideChange[];
}

/** A stretch of riding: when it began, and the riding time before it. */
type Span = Pick<WorkoutState, 'sinceMs' | 'riddenMs'>;

/** Gives the commands once more; what was refused then is refused now. */
function eventsOf(first: WorkoutState, commands: readonly KeptCommand[]): readonly WorkoutEvent[] {
  let state = first;
  const events: WorkoutEvent[] = [];
  for (const [type, data, atMs] of commands) {
    const command = workout.parseCommand(type, data);
    if (!command.ok) continue;
    const decision = workout.decide(state, command.value, { atMs, clientId: '' });
    if ('refused' in decision) continue;
    state = decision.reduce((former, event) => workout.evolve(former, event), state);
    events.push(...decision);
  }
  return events;
}

function replayed(first: WorkoutState, events: readonly WorkoutEvent[]): Replay {
  let state = first;
  const spans: Span[] = [];
  const seconds = new Map<number, GatheredSecond>();
  const changes: RideChange[] = [];
  for (const event of events) {
    state = workout.evolve(state, event);
    if (event.type === 'started' || event.type === 'resumed') spans.push(state);
    changes.push(...changesOf(event));
    if (event.type !== 'sampled') continue;
    const { second, powerW, cadenceRpm, heartRateBpm } = event.data;
    const gathered = seconds.get(second) ?? begunSecond(spans, state, second);
    seconds.set(second, gathered);
    if (powerW !== null) gathered.powersW.push(powerW);
    if (cadenceRpm !== null) gathered.cadencesRpm.push(cadenceRpm);
    if (heartRateBpm !== null) gathered.heartRatesBpm.push(heartRateBpm);
  }
  return {
    state,
    seconds: [...seconds.values()].toSorted((a, b) => a.second - b.second),
    changes,
  };
}

function changesOf(event: WorkoutEvent): RideChange[] {
  const { atMs } = event.data;
  switch (event.type) {
    case 'lapped':
      return [{ kind: 'lap', atMs }];
    case 'skipped':
      return [{ kind: 'skip', atMs, byS: event.data.byMs / 1000 }];
    case 'adjusted':
      return [{ kind: 'intensity', atMs, intensity: event.data.intensity }];
    case 'brake-set':
      return [{ kind: 'brake', atMs, brake: event.data.brake }];
    case 'started':
    case 'sampled':
    case 'paused':
    case 'resumed':
    case 'finished':
    case 'control-taken':
      return [];
  }
}

/** A second that a pause cut in two began before it: so no two seconds begin less than a second apart. */
function begunSecond(
  spans: readonly Span[],
  { plan, ftpW, intensity, open }: WorkoutState,
  second: number,
): GatheredSecond {
  const span = spans.findLast(({ riddenMs }) => riddenMs <= second * 1000);
  const atMs = span === undefined ? 0 : span.sinceMs + second * 1000 - span.riddenMs;
  const positionS = open?.positionS ?? second;
  const targetW = targetPowerW(plan, ftpW, intensity, positionS);
  const readings = { powersW: [], cadencesRpm: [], heartRatesBpm: [] };
  return { second, atMs, positionS, targetW, ...readings };
}

function meanSecond(gathered: GatheredSecond): RecordedSecond {
  const { second, atMs, positionS, targetW } = gathered;
  return {
    second,
    atMs,
    positionS,
    targetW,
    powerW: mean(gathered.powersW),
    cadenceRpm: mean(gathered.cadencesRpm),
    heartRateBpm: mean(gathered.heartRatesBpm),
  };
}

function lapsOf(
  state: WorkoutState,
  startedAtMs: number,
  seconds: readonly RecordedSecond[],
): readonly RecordedLap[] {
  let from = { atMs: startedAtMs, riddenMs: 0 };
  const ends = [...state.laps, { atMs: state.lastMs, riddenMs: state.riddenMs }];
  return ends.map((end, index) => {
    const isLast = index === ends.length - 1;
    const [fromMs, riddenFromMs] = [from.atMs, from.riddenMs];
    from = end;
    const isWithin = ({ second }: RecordedSecond): boolean =>
      second * 1000 >= riddenFromMs && (isLast || second * 1000 < end.riddenMs);
    const riddenMs = end.riddenMs - riddenFromMs;
    return { fromMs, toMs: end.atMs, riddenMs, seconds: seconds.filter(isWithin) };
  });
}

/** What two states agree in when they are of the same ride. */
function essence({ metrics, laps, pauses, riddenMs }: WorkoutState): string {
  return JSON.stringify([metrics, laps, pauses, riddenMs]);
}

/** Whole, as in the ride's own numbers; null of nothing. */
export function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
}

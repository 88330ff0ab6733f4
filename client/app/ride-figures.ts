/** Everything the ride screen says at a moment. Pure: state and time in, words and numbers out. */
import {
  messageAt,
  planDurationS,
  segmentAt,
  textShownS,
  type PlanPlace,
} from '../../shared/workout/plan.ts';
import { trainingSummary } from '../../shared/workout/training-metrics.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { elapsedS, planPositionS, targetPowerNowW } from '../../shared/workout/workout-view.ts';
import { brakeText } from './brake-steps.ts';
import {
  clockTime,
  countdown,
  nothing,
  percent,
  spokenTime,
  whole,
  type FigureText,
} from './format.ts';
import { loadFigures, type LoadFigure } from './load-figures.ts';
import { nextText } from './plan-text.ts';
import type { TrainerSample, TrainerTarget } from './trainer/trainer.ts';
import { standing, trainerLost } from './waiting-rule.ts';

export interface RideFigures {
  readonly positionS: number;
  /** The plan's power, or how a free ride is braked; its average where nothing can be set. */
  readonly target: FigureText;
  /** Whether a free ride has a brake to set. */
  readonly isBraked: boolean;
  readonly power: string;
  readonly elapsed: string;
  readonly remaining: string;
  readonly interval: string;
  readonly countdown: string;
  readonly next: string;
  readonly cadence: string;
  readonly plannedCadence: string;
  readonly heartRate: string;
  readonly intensity: string;
  /** How hard it is so far; nothing before the start. */
  readonly load: readonly LoadFigure[];
  /** From the plan to the rider; '' for none. */
  readonly message: string;
}

/** What a trainer that can only hold a power holds where the plan leaves it free. */
const easyFraction = 0.55;
/** Readings older than this say nothing about now. */
const freshMs = 3_500;

/** Mean power of the latest three seconds, which is what legs can follow; null when the trainer is silent. */
export function meanPowerW(samples: readonly TrainerSample[], nowMs: number): number | null {
  const powersW = samples
    .filter(({ atMs }) => nowMs - atMs < freshMs)
    .slice(-3)
    .flatMap(({ powerW }) => (powerW === null ? [] : [powerW]));
  return powersW.length === 0
    ? null
    : powersW.reduce((sum, powerW) => sum + powerW) / powersW.length;
}

/** The latest reading, or null when it is too old to count for this second. */
export function freshSample(
  samples: readonly TrainerSample[],
  nowMs: number,
): TrainerSample | null {
  const latest = samples.at(-1);
  return latest !== undefined && nowMs - latest.atMs < freshMs ? latest : null;
}

/** What the trainer has to do at a moment. */
export function trainerTarget(state: WorkoutState, nowMs: number): TrainerTarget {
  const { brake, phase, ftpW } = state;
  if (phase !== 'riding') return { kind: 'rest', ...(brake === undefined ? {} : { isFree: true }) };
  const easyW = Math.round(ftpW * easyFraction);
  if (brake !== undefined)
    return brake.kind === 'none' ? { kind: 'free', easyW } : { ...brake, easyW };
  const powerW = targetPowerNowW(state, nowMs);
  if (powerW === null) return { kind: 'free', easyW };
  const cadenceRpm = segmentAt(state.plan, planPositionS(state, nowMs))?.segment.cadenceRpm;
  return { kind: 'power', powerW, cadenceRpm };
}

export function rideFigures(
  state: WorkoutState,
  samples: readonly TrainerSample[],
  nowMs: number,
): RideFigures {
  const { plan, intensity } = state;
  const positionS = planPositionS(state, nowMs);
  const place = state.brake === undefined ? segmentAt(plan, positionS) : null;
  const sample = freshSample(samples, nowMs);
  const plannedRpm = place?.segment.cadenceRpm;
  return {
    positionS,
    target: target(state, nowMs),
    isBraked: state.brake !== undefined && state.brake.kind !== 'none',
    power: whole(meanPowerW(samples, nowMs)),
    elapsed: clockTime(elapsedS(state, nowMs)),
    remaining: countdown(Math.max(0, planDurationS(plan) - positionS)),
    ...(state.brake === undefined ? intervalFigures(state, place) : lapFigures(state, nowMs)),
    cadence: whole(sample?.cadenceRpm ?? null),
    plannedCadence: plannedRpm === undefined ? '' : `plan ${plannedRpm}`,
    heartRate: whole(sample?.heartRateBpm ?? null),
    intensity: percent(intensity),
    load: state.phase === 'ready' ? [] : loadFigures(trainingSummary(state.metrics, state.ftpW)),
    message: message(state, place, samples, nowMs),
  };
}

type IntervalFigures = Pick<RideFigures, 'interval' | 'countdown' | 'next'>;

function intervalFigures(
  { plan, ftpW, intensity }: WorkoutState,
  place: PlanPlace | null,
): IntervalFigures {
  if (place === null)
    return { interval: 'Interval', countdown: countdown(0), next: 'the plan is done' };
  return {
    interval: `Interval ${place.index + 1} of ${plan.segments.length}`,
    countdown: countdown(place.leftS),
    next: nextText(place, ftpW, intensity),
  };
}

/** Without a plan there is nothing to count down to: the lap's time runs. */
function lapFigures(state: WorkoutState, nowMs: number): IntervalFigures {
  const fromS = (state.laps.at(-1)?.riddenMs ?? 0) / 1000;
  const lapS = elapsedS(state, nowMs) - fromS;
  return { interval: `Lap ${state.laps.length + 1}`, countdown: clockTime(lapS), next: '' };
}

function target(state: WorkoutState, nowMs: number): FigureText {
  const { brake, phase } = state;
  if (brake !== undefined) return brakeText(brake) ?? average(state);
  const powerW = targetPowerNowW(state, nowMs);
  if (powerW !== null) return { name: 'Target', value: String(powerW), unit: 'W' };
  if (phase === 'finished') return { name: 'Target', value: nothing, unit: 'W' };
  return { name: 'Target', value: 'free', unit: '' };
}

function average({ metrics, ftpW }: WorkoutState): FigureText {
  const { averageW } = trainingSummary(metrics, ftpW);
  return { name: 'Average', value: whole(averageW), unit: 'W' };
}

function message(
  state: WorkoutState,
  place: PlanPlace | null,
  samples: readonly TrainerSample[],
  nowMs: number,
): string {
  switch (state.phase) {
    case 'ready':
      return 'Ready when you are.';
    case 'paused':
      return pauseText(state.pauses.at(-1)?.reason);
    case 'finished':
      return '';
    case 'riding':
      // Before its first word a trainer is not silent yet.
      if (samples.length > 0 && freshSample(samples, nowMs) === null)
        return 'The trainer says nothing. The clock waits for it.';
      if (place === null && state.brake === undefined)
        return 'That was the plan. Ride on as you like, or finish.';
      return messageAt(state.plan, planPositionS(state, nowMs)) ?? welcomeBack(state, nowMs);
  }
}

function pauseText(reason: string | undefined): string {
  if (reason === trainerLost) return 'The trainer is out of reach. The clock waits for it.';
  if (reason === standing) return 'Paused. Pedal to go on.';
  return 'Paused. The clock stands still until you go on.';
}

/** For a while after a silence that was no riding: a closed laptop, a page that was gone. */
function welcomeBack({ pauses }: WorkoutState, nowMs: number): string {
  const latest = pauses.at(-1);
  if (latest?.reason !== 'away' || latest.toMs === null) return '';
  if (nowMs - latest.toMs >= textShownS * 1000) return '';
  return `You were away for ${spokenTime((latest.toMs - latest.fromMs) / 1000)}. The clock waited.`;
}

/** When the ride begins with the legs, waits for the trainer or the rider, and goes on by itself. Pure. */
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import type { TrainerSample } from './trainer/trainer.ts';

/** Reasons of pauses that this page asks for and takes back; they stand in the ride's record. */
export const trainerLost = 'trainer-lost';
export const standing = 'standing';

export interface WaitingRule {
  /** Pauses for a silent trainer. Whoever goes on by hand without one is left alone until it is back. */
  readonly isArmed: boolean;
  /** When there was last a reading, or no need for one. */
  readonly heardMs: number;
  /** When the legs last moved, or did not have to. */
  readonly movedMs: number;
  /** Before the start: when the legs last stood, or meant nothing by turning. */
  readonly stoodMs: number;
  /** When this was last looked at. */
  readonly lookedMs: number;
}

export interface WaitingFacts {
  readonly state: Pick<WorkoutState, 'phase' | 'pauses' | 'brake'>;
  /** The present reading; null when there is none. */
  readonly sample: TrainerSample | null;
  /** Whether the rider wants the ride to pause when the legs stand. */
  readonly pausesStanding: boolean;
  /** Whether the rider wants the ride to begin when the legs do. */
  readonly startsPedalling: boolean;
  readonly nowMs: number;
}

export interface WaitingStep {
  readonly rule: WaitingRule;
  readonly ask:
    | { readonly type: 'start' }
    | { readonly type: 'pause'; readonly reason: string }
    | { readonly type: 'resume' }
    | null;
}

const silentMaxMs = 5_000;
const standingMaxMs = 4_000;
/** Who gets on the bike turns the crank a little; who rides goes on turning it. */
const pedallingMinMs = 2_000;
/** A page that did not look for so long was asleep, and heard nobody: that is no fault of the trainer. */
const asleepMs = 2_000;
/** Legs that turn this fast, or press this hard, are riding. */
const movingRpm = 20;
const movingW = 20;

export function firstRule(nowMs: number): WaitingRule {
  return { isArmed: true, heardMs: nowMs, movedMs: nowMs, stoodMs: nowMs, lookedMs: nowMs };
}

export function stepWaiting(before: WaitingRule, facts: WaitingFacts): WaitingStep {
  const { state, sample, nowMs } = facts;
  const wasAsleep = nowMs - before.lookedMs >= asleepMs;
  const rule = wasAsleep ? { ...firstRule(nowMs), isArmed: before.isArmed } : before;
  const isArmed = rule.isArmed || sample !== null;
  if (state.phase === 'ready') return stepReady(rule, facts, isArmed);
  if (state.phase !== 'riding') {
    const ask = state.phase === 'paused' && isBack(facts) ? ({ type: 'resume' } as const) : null;
    return { rule: { ...firstRule(nowMs), isArmed }, ask };
  }
  const heardMs = sample?.atMs ?? rule.heardMs;
  const mayStand = !facts.pausesStanding || isDescent(state);
  const movedMs = mayStand || sample === null || isMoving(sample) ? nowMs : rule.movedMs;
  const looked = { isArmed, heardMs, movedMs, stoodMs: nowMs, lookedMs: nowMs };
  if (isArmed && nowMs - heardMs >= silentMaxMs)
    return {
      rule: { ...looked, isArmed: false },
      ask: { type: 'pause', reason: trainerLost },
    };
  if (nowMs - movedMs >= standingMaxMs)
    return { rule: looked, ask: { type: 'pause', reason: standing } };
  return { rule: looked, ask: null };
}

function stepReady(rule: WaitingRule, facts: WaitingFacts, isArmed: boolean): WaitingStep {
  const { sample, startsPedalling, nowMs } = facts;
  const still = { ...firstRule(nowMs), isArmed };
  if (!startsPedalling || sample === null || !isMoving(sample)) return { rule: still, ask: null };
  // By the readings: while the trainer is silent nobody knows of any pedalling.
  if (sample.atMs - rule.stoodMs >= pedallingMinMs) return { rule: still, ask: { type: 'start' } };
  return { rule: { ...still, stoodMs: rule.stoodMs }, ask: null };
}

/** What the page paused for is over. A pause the rider asked for ends when the rider says so. */
function isBack({ state, sample }: WaitingFacts): boolean {
  const reason = state.pauses.at(-1)?.reason;
  return (reason === trainerLost || reason === standing) && sample !== null && isMoving(sample);
}

/** Who rides downhill may coast. */
function isDescent({ brake }: WaitingFacts['state']): boolean {
  return brake?.kind === 'grade' && brake.gradePercent < 0;
}

function isMoving({ powerW, cadenceRpm }: TrainerSample): boolean {
  return (cadenceRpm ?? 0) >= movingRpm || (powerW ?? 0) >= movingW;
}

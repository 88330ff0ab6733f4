/** What a target means to a machine: the request for it, within what the machine takes. Pure. */
import type { ControlRequest } from './control-point.ts';
import {
  settableLevel,
  settablePowerW,
  type MachineFeature,
  type PowerRange,
} from './machine-feature.ts';
import type { LevelRange, TrainerTarget } from './trainer.ts';

export interface MachineLimits {
  readonly feature: MachineFeature;
  readonly range: PowerRange;
  /** Null when it does not tell: then nobody knows what a level would be. */
  readonly levels: LevelRange | null;
  /** How it wants a level written. */
  readonly levelBytes: 1 | 2;
  /** Whether no power at all is a power that it takes. */
  readonly restsByPower: boolean;
}

export type TargetRequest = Extract<
  ControlRequest,
  { kind: 'set-power' | 'simulate' | 'set-resistance' }
>;

/** What is a step, and no part of a ramp. */
const stepW = 15;
const stepPercent = 0.5;
const stepLevel = 1;

/** Null where the machine has nothing for it. `told`: what it was last told to do. */
export function targetRequest(
  limits: MachineLimits,
  target: TrainerTarget,
  told: TargetRequest['kind'] | undefined,
): TargetRequest | null {
  switch (target.kind) {
    case 'power':
      return powerRequest(limits, target.powerW);
    case 'free':
      // What holds no power was never braked by a plan: it is left alone.
      if (!limits.feature.takesPower) return null;
      return gradeRequest(limits, 0) ?? powerRequest(limits, target.easyW);
    case 'grade':
      return gradeRequest(limits, target.gradePercent) ?? easyRequest(limits, target.easyW);
    case 'resistance':
      return levelRequest(limits, target.level) ?? easyRequest(limits, target.easyW);
    case 'rest': {
      const byPower = limits.restsByPower ? powerRequest(limits, 0) : null;
      return byPower ?? easiest(limits, told) ?? (target.isFree ? easiestOfAny(limits) : null);
    }
  }
}

/** Where no power is taken for rest: a hill or a level it was given is taken back. */
function easiest(
  limits: MachineLimits,
  told: TargetRequest['kind'] | undefined,
): TargetRequest | null {
  switch (told) {
    case 'simulate':
      return gradeRequest(limits, 0);
    case 'set-resistance':
      return levelRequest(limits, 0);
    case 'set-power':
    case undefined:
      return null;
  }
}

/** A machine keeps its hill through a lost link, and nobody knows of it then. */
function easiestOfAny(limits: MachineLimits): TargetRequest | null {
  return gradeRequest(limits, 0) ?? levelRequest(limits, 0);
}

function easyRequest(limits: MachineLimits, easyW: number | undefined): TargetRequest | null {
  return easyW === undefined ? null : powerRequest(limits, easyW);
}

function powerRequest({ feature, range }: MachineLimits, powerW: number): TargetRequest | null {
  if (!feature.takesPower) return null;
  return { kind: 'set-power', powerW: settablePowerW(powerW, range) };
}

function gradeRequest({ feature }: MachineLimits, gradePercent: number): TargetRequest | null {
  return feature.takesSimulation ? { kind: 'simulate', gradePercent } : null;
}

function levelRequest({ levels, levelBytes }: MachineLimits, level: number): TargetRequest | null {
  if (levels === null) return null;
  return { kind: 'set-resistance', level: settableLevel(level, levels), levelBytes };
}

/** In steps that go out at once; a change of kind is one. */
export function stepsBetween(a: TargetRequest, b: TargetRequest): number {
  if (a.kind === 'set-power' && b.kind === 'set-power')
    return Math.abs(a.powerW - b.powerW) / stepW;
  if (a.kind === 'simulate' && b.kind === 'simulate')
    return Math.abs(a.gradePercent - b.gradePercent) / stepPercent;
  if (a.kind === 'set-resistance' && b.kind === 'set-resistance')
    return a.levelBytes === b.levelBytes ? Math.abs(a.level - b.level) / stepLevel : 1;
  return 1;
}

/**
 * What to ask of a fitness machine next, one request at a time. Pure: what happened and the time in, requests out.
 *
 *   take-control -> start -> set-power, simulate or set-resistance ... and from the beginning when control is lost: with the link, by a
 *   reset, or to another page
 *
 * A request is answered by an indication; until then a second one would be refused by the machine. Only the latest target counts:
 * what was wanted while an answer was awaited is never sent.
 */
import { opCodes, type ControlRequest, type ControlResponse } from './control-point.ts';
import {
  settablePowerW,
  usualPowerRange,
  type MachineFeature,
  type PowerRange,
} from './machine-feature.ts';
import {
  stepsBetween,
  targetRequest,
  type MachineLimits,
  type TargetRequest,
} from './machine-target.ts';
import type { LevelRange, TrainerAbilities, TrainerTarget } from './trainer.ts';

export interface MachineControl extends MachineLimits {
  readonly hasControl: boolean;
  readonly isStarted: boolean;
  /** Whether a level was taken as it is written, or refused both ways. */
  readonly isLevelSure: boolean;
  /** The request whose answer is awaited. */
  readonly awaited: Awaited | null;
  /** What the machine was last told, and when; null since control began. */
  readonly toldTarget: { readonly request: TargetRequest; readonly atMs: number } | null;
  readonly toldCadenceRpm: number | null;
  /** A request the machine turned down as such: it is not repeated. */
  readonly refused: TargetRequest | null;
  /** Requests that failed in a row; they wait longer each time. */
  readonly failures: number;
  readonly notBeforeMs: number;
}

interface Awaited {
  readonly request: ControlRequest;
  readonly sentMs: number;
  /** Control was lost meanwhile: the answer only ends the waiting. */
  readonly isVoid: boolean;
}

/** Machines have been seen to take up to two seconds to grant control. */
export const answerMaxMs = 2_000;
/** Some trainers let a set power decay; telling it again now and then costs nothing. */
const refreshMs = 10_000;
/** In a ramp a new target each second is as smooth as a flywheel can follow; a step goes out at once. */
const pacedMs = 900;
/** What a level in one byte goes up to. */
const oneByteLevelMax = 25.5;
/** After a failure: soon, then patiently. */
const retryMs: readonly number[] = [250, 1_000, 3_000];

/** For a machine that does not tell: what is tried. */
const usualFeature: MachineFeature = {
  takesPower: true,
  takesSimulation: false,
  takesResistance: false,
  takesCadence: false,
};

/** The control over a machine that has just been met. Feature and ranges are null when it does not tell them. */
export function meetMachine(
  feature: MachineFeature | null,
  range: PowerRange | null,
  levels: LevelRange | null = null,
): MachineControl {
  return {
    feature: feature ?? usualFeature,
    range: range ?? usualPowerRange,
    levels,
    levelBytes: 2,
    isLevelSure: false,
    restsByPower: true,
    hasControl: false,
    isStarted: false,
    awaited: null,
    toldTarget: null,
    toldCadenceRpm: null,
    refused: null,
    failures: 0,
    notBeforeMs: 0,
  };
}

/** The request to send now, or null: nothing to say, or not yet. */
export function nextRequest(
  control: MachineControl,
  target: TrainerTarget,
  nowMs: number,
): { readonly control: MachineControl; readonly request: ControlRequest | null } {
  const settled = withoutLateAnswer(control, nowMs);
  if (settled.awaited !== null || nowMs < settled.notBeforeMs)
    return { control: settled, request: null };
  const request = wantedRequest(settled, target, nowMs);
  const awaited = request === null ? null : { request, sentMs: nowMs, isVoid: false };
  return { control: { ...settled, awaited }, request };
}

/** The control after an answer. One to a request that nobody waits for any more says nothing. */
export function withResponse(
  control: MachineControl,
  { opCode, result }: ControlResponse,
  nowMs: number,
): MachineControl {
  const { awaited } = control;
  if (awaited === null || opCodes[awaited.request.kind] !== opCode) return control;
  if (awaited.isVoid) return { ...control, awaited: null };
  const { request } = awaited;
  switch (result) {
    case 'done':
      return told({ ...control, awaited: null, failures: 0 }, request, nowMs);
    case 'no-control':
      return { ...withoutControl({ ...control, awaited: null }), ...later(control, nowMs) };
    case 'unsupported':
      return turnedDown(withoutAbility({ ...control, awaited: null }, request), request, nowMs);
    case 'invalid':
      return refusedAsInvalid({ ...control, awaited: null }, request, nowMs);
    case 'failed':
      // A machine that runs already says that it cannot be started.
      if (request.kind === 'start') return { ...control, awaited: null, isStarted: true };
      return withFailure(control, nowMs);
  }
}

/** The request could not be sent, or was never answered. */
export function withFailure(control: MachineControl, nowMs: number): MachineControl {
  return { ...control, awaited: null, ...later(control, nowMs) };
}

/** The machine, or the browser, did not take the bytes. Some machines say so instead of "invalid" when a level has a byte too many. */
export function withRejectedWrite(control: MachineControl, nowMs: number): MachineControl {
  const other = control.awaited && inOtherBytes(control, control.awaited.request);
  return withFailure(other ?? control, nowMs);
}

/** Somebody else took the machine, or it was reset: everything is asked anew. */
export function withoutControl(control: MachineControl): MachineControl {
  const nothing = { toldTarget: null, toldCadenceRpm: null, refused: null, restsByPower: true };
  const awaited = control.awaited && { ...control.awaited, isVoid: true };
  return { ...control, ...nothing, awaited, hasControl: false, isStarted: false };
}

function later(
  { failures }: MachineControl,
  nowMs: number,
): Pick<MachineControl, 'failures' | 'notBeforeMs'> {
  const waitMs = retryMs[Math.min(failures, retryMs.length - 1)] ?? 0;
  return { failures: failures + 1, notBeforeMs: nowMs + waitMs };
}

function withoutLateAnswer(control: MachineControl, nowMs: number): MachineControl {
  const isLate = control.awaited !== null && nowMs - control.awaited.sentMs >= answerMaxMs;
  return isLate ? withFailure(control, nowMs) : control;
}

function told(control: MachineControl, request: ControlRequest, nowMs: number): MachineControl {
  switch (request.kind) {
    case 'take-control':
      return { ...control, hasControl: true };
    case 'start':
      return { ...control, isStarted: true };
    case 'set-power':
    case 'simulate':
      return { ...control, toldTarget: { request, atMs: nowMs }, refused: null };
    case 'set-resistance':
      return { ...control, toldTarget: { request, atMs: nowMs }, refused: null, isLevelSure: true };
    case 'set-cadence':
      return { ...control, toldCadenceRpm: request.cadenceRpm };
  }
}

/** Asking the same again would be answered the same. */
function turnedDown(
  control: MachineControl,
  request: ControlRequest,
  nowMs: number,
): MachineControl {
  switch (request.kind) {
    case 'take-control':
      return withFailure(control, nowMs);
    case 'start':
      return { ...control, isStarted: true };
    case 'set-power': {
      const isRest = request.powerW === settablePowerW(0, control.range);
      return { ...control, refused: request, restsByPower: control.restsByPower && !isRest };
    }
    case 'simulate':
    case 'set-resistance':
      return { ...control, refused: request };
    case 'set-cadence':
      return { ...control, feature: { ...control.feature, takesCadence: false } };
  }
}

/** A machine that says it can and then cannot is believed the second time. Its powers are told as before: there is nothing else. */
function withoutAbility(control: MachineControl, { kind }: ControlRequest): MachineControl {
  if (kind === 'simulate')
    return { ...control, feature: { ...control.feature, takesSimulation: false } };
  return kind === 'set-resistance' ? { ...control, levels: null } : control;
}

function refusedAsInvalid(
  control: MachineControl,
  request: ControlRequest,
  nowMs: number,
): MachineControl {
  const other = inOtherBytes(control, request);
  if (other === null) return turnedDown(control, request, nowMs);
  // In two it was refused before.
  const asBefore = { ...request, levelBytes: 2 } as const;
  return other.isLevelSure ? turnedDown(other, asBefore, nowMs) : other;
}

/** Levels as the other reading of the specification has them, once, and then back; null when that cannot be. */
function inOtherBytes(control: MachineControl, request: ControlRequest): MachineControl | null {
  if (request.kind !== 'set-resistance' || control.isLevelSure) return null;
  if (request.levelBytes === 1) return { ...control, levelBytes: 2, isLevelSure: true };
  return (control.levels?.max ?? Infinity) <= oneByteLevelMax
    ? { ...control, levelBytes: 1 }
    : null;
}

/** What it can be set to; nothing where it can take none of the targets. */
export function abilitiesOf({ feature, levels }: MachineControl): TrainerAbilities {
  return { takesPower: feature.takesPower, takesGrade: feature.takesSimulation, levels };
}

/** What cannot be asked after all is not asked: it only measures. */
export function withoutRequests(control: MachineControl): MachineControl {
  const nothing = { takesSimulation: false, takesResistance: false, takesCadence: false };
  return { ...control, feature: { ...nothing, takesPower: false }, levels: null };
}

/** Whether there is anything to ask of it. */
export function isSteerable({ feature, levels }: MachineControl): boolean {
  return feature.takesPower || feature.takesSimulation || levels !== null;
}

function wantedRequest(
  control: MachineControl,
  target: TrainerTarget,
  nowMs: number,
): ControlRequest | null {
  const wanted = targetRequest(control, target, control.toldTarget?.request.kind);
  if (wanted === null) return null;
  if (!control.hasControl) return { kind: 'take-control' };
  if (!control.isStarted) return { kind: 'start' };
  return dueTarget(control, wanted, nowMs) ?? dueCadence(control, target);
}

function dueTarget(
  { toldTarget, refused }: MachineControl,
  wanted: TargetRequest,
  nowMs: number,
): TargetRequest | null {
  if (refused !== null && stepsBetween(refused, wanted) === 0) return null;
  if (toldTarget === null) return wanted;
  const agoMs = nowMs - toldTarget.atMs;
  const steps = stepsBetween(toldTarget.request, wanted);
  return agoMs >= (steps === 0 ? refreshMs : pacedMs) || steps >= 1 ? wanted : null;
}

function dueCadence(
  { feature, toldCadenceRpm }: MachineControl,
  target: TrainerTarget,
): ControlRequest | null {
  // 0 stands for "as you like".
  const cadenceRpm = (target.kind === 'power' ? target.cadenceRpm : undefined) ?? 0;
  if (!feature.takesCadence || cadenceRpm === (toldCadenceRpm ?? 0)) return null;
  return { kind: 'set-cadence', cadenceRpm };
}

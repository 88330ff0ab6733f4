/**
 * What to ask of a fitness machine next, one request at a time. Pure: what happened and the time in, requests out.
 *
 *   take-control -> start -> set-power ... and from the beginning when control is lost: with the link, by a reset, or to another page
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
import type { TrainerTarget } from './trainer.ts';

export interface MachineControl {
  readonly feature: MachineFeature;
  readonly range: PowerRange;
  readonly hasControl: boolean;
  readonly isStarted: boolean;
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

type TargetRequest = Extract<ControlRequest, { kind: 'set-power' | 'simulate-flat' }>;

/** Machines have been seen to take up to two seconds to grant control. */
export const answerMaxMs = 2_000;
/** Some trainers let a set power decay; telling it again now and then costs nothing. */
const refreshMs = 10_000;
/** In a ramp a new target each second is as smooth as a flywheel can follow; a step goes out at once. */
const pacedMs = 900;
const stepW = 15;
/** After a failure: soon, then patiently. */
const retryMs: readonly number[] = [250, 1_000, 3_000];

/** The control over a machine that has just been met. Feature and range are null when it does not tell them. */
export function meetMachine(
  feature: MachineFeature | null,
  range: PowerRange | null,
): MachineControl {
  return {
    feature: feature ?? { takesPower: true, takesSimulation: false, takesCadence: false },
    range: range ?? usualPowerRange,
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
    case 'invalid':
      return turnedDown({ ...control, awaited: null }, request, nowMs);
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

/** Somebody else took the machine, or it was reset: everything is asked anew. */
export function withoutControl(control: MachineControl): MachineControl {
  const nothing = { toldTarget: null, toldCadenceRpm: null, refused: null };
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
    case 'simulate-flat':
      return { ...control, toldTarget: { request, atMs: nowMs }, refused: null };
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
    case 'set-power':
    case 'simulate-flat':
      return { ...control, refused: request };
    case 'set-cadence':
      return { ...control, feature: { ...control.feature, takesCadence: false } };
  }
}

function wantedRequest(
  control: MachineControl,
  target: TrainerTarget,
  nowMs: number,
): ControlRequest | null {
  if (!control.feature.takesPower) return null;
  if (!control.hasControl) return { kind: 'take-control' };
  if (!control.isStarted) return { kind: 'start' };
  return dueTarget(control, targetRequest(control, target), nowMs) ?? dueCadence(control, target);
}

function targetRequest({ feature, range }: MachineControl, target: TrainerTarget): TargetRequest {
  if (target.kind === 'free' && feature.takesSimulation) return { kind: 'simulate-flat' };
  const powerW =
    target.kind === 'power' ? target.powerW : target.kind === 'free' ? target.easyW : 0;
  return { kind: 'set-power', powerW: settablePowerW(powerW, range) };
}

function dueTarget(
  { toldTarget, refused }: MachineControl,
  wanted: TargetRequest,
  nowMs: number,
): TargetRequest | null {
  if (refused !== null && isSame(refused, wanted)) return null;
  if (toldTarget === null) return wanted;
  const agoMs = nowMs - toldTarget.atMs;
  if (isSame(toldTarget.request, wanted)) return agoMs >= refreshMs ? wanted : null;
  return agoMs >= pacedMs || isStep(toldTarget.request, wanted) ? wanted : null;
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

function isSame(a: TargetRequest, b: TargetRequest): boolean {
  if (a.kind === 'set-power' && b.kind === 'set-power') return a.powerW === b.powerW;
  return a.kind === b.kind;
}

function isStep(a: TargetRequest, b: TargetRequest): boolean {
  if (a.kind === 'set-power' && b.kind === 'set-power')
    return Math.abs(a.powerW - b.powerW) >= stepW;
  return a.kind !== b.kind;
}

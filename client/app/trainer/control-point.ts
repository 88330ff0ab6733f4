/** Fitness Machine Control Point (0x2AD9) and Status (0x2ADA): requests out, answers in. FTMS 1.0, sections 4.16 and 4.17. Pure. */
import { readBytes, twoBytes } from './bytes.ts';

/** What can be asked of a machine. */
export type ControlRequest =
  | { readonly kind: 'take-control' }
  | { readonly kind: 'start' }
  | { readonly kind: 'set-power'; readonly powerW: number }
  /** A road that climbs so much, without wind. */
  | { readonly kind: 'simulate'; readonly gradePercent: number }
  /** In one byte or in two: the specification has been read both ways. */
  | { readonly kind: 'set-resistance'; readonly level: number; readonly levelBytes: 1 | 2 }
  | { readonly kind: 'set-cadence'; readonly cadenceRpm: number };

export const opCodes: Readonly<Record<ControlRequest['kind'], number>> = {
  'take-control': 0x00,
  'set-resistance': 0x04,
  'set-power': 0x05,
  start: 0x07,
  simulate: 0x11,
  'set-cadence': 0x16,
};

export const responseCode = 0x80;

export type ControlResult = 'done' | 'unsupported' | 'invalid' | 'failed' | 'no-control';

const results: Readonly<Record<number, ControlResult>> = {
  1: 'done',
  2: 'unsupported',
  3: 'invalid',
  4: 'failed',
  5: 'no-control',
};

/** The answer to a request. */
export interface ControlResponse {
  readonly opCode: number;
  readonly result: ControlResult;
}

/** Rolling resistance 0.004 and wind resistance 0.51 kg/m: a rider with hands on the hoods on a good road. */
const goodRoad: readonly number[] = [40, 51];
const noWind = twoBytes(0);

export function encodeRequest(request: ControlRequest): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([opCodes[request.kind], ...parameters(request)]);
}

function parameters(request: ControlRequest): readonly number[] {
  switch (request.kind) {
    case 'take-control':
    case 'start':
      return [];
    case 'set-power':
      return twoBytes(request.powerW);
    case 'simulate':
      return [...noWind, ...twoBytes(Math.round(request.gradePercent * 100)), ...goodRoad];
    case 'set-resistance':
      return twoBytes(Math.round(request.level * 10)).slice(0, request.levelBytes);
    case 'set-cadence':
      return twoBytes(request.cadenceRpm * 2);
  }
}

/** Null when it is no answer. A result this version does not know is a failure. */
export function decodeResponse(frame: DataView): ControlResponse | null {
  const reader = readBytes(frame);
  const [code, opCode, result] = [reader.uint8(), reader.uint8(), reader.uint8()];
  if (reader.isShort || code !== responseCode) return null;
  return { opCode, result: results[result] ?? 'failed' };
}

/** Whether a status says that this page may not steer the machine any more: it was reset, or somebody else took it. */
export function saysControlLost(frame: DataView): boolean {
  const code = readBytes(frame).uint8();
  return frame.byteLength > 0 && (code === 0x01 || code === 0xff);
}

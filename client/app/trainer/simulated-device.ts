/**
 * A trainer that is not there: the rider model behind the bytes of the Fitness Machine Service. The page speaks with it as with a
 * real one, so that what is seen without hardware is what happens with it.
 */
import type { Clock } from '../../../shared/clock.ts';
import type { Ticker } from '../ticker.ts';
import { frameOf, readBytes, twoBytes } from './bytes.ts';
import { opCodes, responseCode } from './control-point.ts';
import { characteristics, services, type GattDevice, type GattLink } from './gatt.ts';
import { measure, rideOn, simulatedLevelMax, type Rider } from './rider-model.ts';
import type { TrainerSample, TrainerTarget } from './trainer.ts';

export interface SimulatedDeviceParts {
  readonly rider: Rider;
  /** What the machine is set to when it is first met: after a refresh of the page, what it was set to before. */
  readonly target: TrainerTarget;
  readonly clock: Clock;
  readonly ticker: Ticker;
}

/** Cadence and power; may be set to a power, a level of resistance, a slope and a cadence. */
const feature = [0x02, 0x40, 0, 0, 0x0c, 0x20, 0x01, 0];
const powerMaxW = 2000;
/** What can be read of it. */
const facts: Readonly<Record<number, readonly number[]>> = {
  [characteristics.machineFeature]: feature,
  [characteristics.powerRange]: [...twoBytes(0), ...twoBytes(powerMaxW), ...twoBytes(1)],
  // In tenths.
  [characteristics.resistanceRange]: [
    ...twoBytes(0),
    ...twoBytes(simulatedLevelMax * 10),
    ...twoBytes(10),
  ],
};
/** Cadence, power and heart rate; speed is there unless it is denied. */
const reportedFields = 0x0244;
/** What a wheel makes of a turn of the crank in a middle gear, m. */
const developmentM = 5.2;

const done = 1;
const unsupported = 2;
const invalid = 3;
const noControl = 5;

type Listeners = Map<number, (frame: DataView) => void>;

/** The machine's side of the control point. */
interface Machine {
  target: TrainerTarget;
  cadenceRpm: number | undefined;
  hasControl: boolean;
}

/** One reading a second, for as long as the clock says has passed. */
export function simulatedDevice(parts: SimulatedDeviceParts): GattDevice {
  const { clock, ticker } = parts;
  const machine: Machine = { target: parts.target, cadenceRpm: undefined, hasControl: false };
  let { rider } = parts;
  let listeners: Listeners = new Map();
  let closed: (() => void) | undefined;
  let atMs = clock.nowMs();
  let reportedS = -1;
  let stop: (() => void) | undefined;
  const beat = (): void => {
    const nowMs = clock.nowMs();
    const second = Math.floor(nowMs / 1000);
    if (second === reportedS) return;
    reportedS = second;
    // The device's clock may have been set back: no rider gets younger by it.
    rider = rideOn(rider, asked(machine), Math.max(0, nowMs - atMs) / 1000);
    atMs = nowMs;
    listeners.get(characteristics.indoorBikeData)?.(bikeData(measure(rider, nowMs)));
  };
  const disconnect = (): void => {
    stop?.();
    stop = undefined;
    listeners = new Map();
    // Control ends with the link, as the service demands.
    machine.hasControl = false;
    closed?.();
    closed = undefined;
  };
  const onClosed = (listener: () => void): void => {
    closed = listener;
  };
  const connect = (): Promise<GattLink> => {
    disconnect();
    stop = ticker.onTick(beat);
    return Promise.resolve({ ...linkTo(machine, listeners), onClosed });
  };
  return { id: 'simulated', name: 'Simulated trainer', connect, disconnect };
}

function linkTo(machine: Machine, listeners: Listeners): Omit<GattLink, 'onClosed'> {
  return {
    hasService: (service) => Promise.resolve(service === services.fitnessMachine),
    read: (_service, characteristic) => {
      const fact = facts[characteristic];
      return fact === undefined
        ? Promise.reject(new Error('There is no such characteristic.'))
        : Promise.resolve(frameOf(fact));
    },
    write: (_service, _characteristic, bytes) => {
      const frame = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const answer = frameOf([responseCode, bytes[0] ?? 0, obey(machine, frame)]);
      // After the write has been acknowledged, as over the air.
      queueMicrotask(() => listeners.get(characteristics.controlPoint)?.(answer));
      return Promise.resolve();
    },
    listen: (_service, characteristic, listener) => {
      listeners.set(characteristic, listener);
      return Promise.resolve();
    },
  };
}

/** Does what a request asks; the result code. */
function obey(machine: Machine, frame: DataView): number {
  const reader = readBytes(frame);
  const opCode = reader.uint8();
  if (opCode === opCodes['take-control']) machine.hasControl = true;
  else if (!machine.hasControl) return noControl;
  else if (opCode === opCodes['set-power']) {
    const powerW = reader.int16();
    if (reader.isShort || powerW < 0 || powerW > powerMaxW) return invalid;
    machine.target = powerW === 0 ? { kind: 'rest' } : { kind: 'power', powerW };
  } else if (opCode === opCodes['set-resistance']) {
    const level = reader.int16() / 10;
    if (reader.isShort || level < 0 || level > simulatedLevelMax) return invalid;
    machine.target = { kind: 'resistance', level };
  } else if (opCode === opCodes.simulate) {
    reader.skip(2); // wind, 0.001 m/s: a simulated bike stands in a room
    const gradePercent = reader.int16() / 100;
    if (reader.isShort) return invalid;
    machine.target = { kind: 'grade', gradePercent };
  } else if (opCode === opCodes['set-cadence']) {
    const cadenceRpm = reader.uint16() / 2;
    machine.cadenceRpm = cadenceRpm === 0 ? undefined : cadenceRpm;
  } else if (opCode !== opCodes.start) return unsupported;
  return done;
}

/** What the rider is up against; this one also turns at the cadence the display asks for. */
function asked({ target, cadenceRpm }: Machine): TrainerTarget {
  return target.kind === 'power' ? { ...target, cadenceRpm } : target;
}

function bikeData({ powerW, cadenceRpm, heartRateBpm }: TrainerSample): DataView {
  const rpm = cadenceRpm ?? 0;
  const speedKmh = (rpm * developmentM * 60) / 1000;
  return frameOf([
    ...twoBytes(reportedFields),
    ...twoBytes(Math.round(speedKmh * 100)),
    ...twoBytes(Math.round(rpm * 2)),
    ...twoBytes(powerW ?? 0),
    heartRateBpm ?? 0,
  ]);
}

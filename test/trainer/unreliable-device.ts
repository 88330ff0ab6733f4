import { frameOf, twoBytes } from '../../client/app/trainer/bytes.ts';
import { characteristics, type GattDevice, type GattLink } from '../../client/app/trainer/gatt.ts';
/** A fitness machine on the virtual clock that takes its time, loses answers and links, and notes who breaks the service's rules. */
import type { Clock } from '../../shared/clock.ts';

export interface Faults {
  /** Out of reach: attempts fail, or hang for ever. */
  reach: 'well' | 'fails' | 'hangs';
  /** Says nothing of itself. */
  isSilent: boolean;
  /** Of requests, in 0..1: never answered; and answered with "failed". */
  unanswered: number;
  failing: number;
}

export interface UnreliableDevice extends GattDevice {
  readonly faults: Faults;
  /** All bytes written, as hex. */
  readonly writes: readonly string[];
  /** Requests that the service does not allow, in words. */
  readonly trespasses: readonly string[];
  readonly powerW: number | null;
  /** Set last, or null: percent of grade, and the level of resistance. */
  readonly gradePercent: number | null;
  readonly level: number | null;
  readonly isLinked: boolean;
  cadenceRpm: number;
  /** The link is lost. */
  drop(): void;
  /** Another page takes control. */
  seize(): void;
}

export interface UnreliableDeviceParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly minW: number;
  readonly maxW: number;
  /** What it says that it can be set to; power, and a slope, unless told otherwise. */
  readonly targets?: readonly number[];
  /** Requests it answers with "not supported", whatever it says. */
  readonly unsupported?: readonly number[];
  /** And with "invalid". */
  readonly invalid?: readonly number[];
  /** How it wants a level written, in two bytes unless told otherwise, and what becomes of another write. */
  readonly levelBytes?: 1 | 2;
  readonly otherLevels?: 'answered invalid' | 'not written';
  /** Cannot be listened to for answers. */
  readonly isDeaf?: boolean;
}

/** In tenths: 0 to 24 in steps of 1. */
const levelRange = [0, 0, 240, 0, 10, 0];

export function unreliableDevice({
  clock,
  random,
  minW,
  maxW,
  targets = [8, 32, 0, 0],
  unsupported = [],
  invalid = [],
  levelBytes = 2,
  otherLevels = 'answered invalid',
  isDeaf = false,
}: UnreliableDeviceParts): UnreliableDevice {
  const faults: Faults = { reach: 'well', isSilent: false, unanswered: 0, failing: 0 };
  const writes: string[] = [];
  const trespasses: string[] = [];
  let listeners = new Map<number, (frame: DataView) => void>();
  let onClosed: (() => void) | undefined;
  let isLinked = false;
  let generation = 0;
  let hasControl = false;
  /** When the procedure under way is over for whoever waits for it. */
  let busyUntilMs = 0;
  let powerW: number | null = null;
  let gradePercent: number | null = null;
  let level: number | null = null;
  const device: UnreliableDevice = {
    id: 'unreliable',
    name: 'Unreliable',
    faults,
    writes,
    trespasses,
    cadenceRpm: 90,
    get powerW() {
      return powerW;
    },
    get gradePercent() {
      return gradePercent;
    },
    get level() {
      return level;
    },
    get isLinked() {
      return isLinked;
    },
    connect: () =>
      new Promise((resolve, reject) => {
        const mine = (generation += 1);
        if (faults.reach === 'hangs') return;
        clock.after(random() * 3_000, () => {
          if (mine !== generation) return;
          if (faults.reach !== 'well') return reject(new Error('Connection attempt failed.'));
          isLinked = true;
          resolve(link(mine));
        });
      }),
    disconnect: () => unlink(),
    drop: () => unlink(),
    seize: () => {
      hasControl = false;
      if (isLinked) listeners.get(characteristics.machineStatus)?.(frameOf([0xff]));
    },
  };
  const unlink = (): void => {
    generation += 1;
    const tell = onClosed;
    [isLinked, hasControl, busyUntilMs] = [false, false, 0];
    listeners = new Map();
    onClosed = undefined;
    tell?.();
  };
  const later = <Value>(mine: number, value: () => Value): Promise<Value> =>
    new Promise((resolve, reject) => {
      clock.after(random() * 100, () => {
        if (mine === generation) resolve(value());
        else reject(new Error('GATT Server is disconnected.'));
      });
    });
  const link = (mine: number): GattLink => ({
    hasService: () => later(mine, () => true),
    read: (_service, characteristic) =>
      later(mine, () => {
        if (characteristic === characteristics.machineFeature)
          return frameOf([2, 64, 0, 0, ...targets]);
        return characteristic === characteristics.resistanceRange
          ? frameOf(levelRange)
          : frameOf([...twoBytes(minW), ...twoBytes(maxW), 1, 0]);
      }),
    listen: async (_service, characteristic, listener) => {
      await later(mine, () => void listeners.set(characteristic, listener));
      if (isDeaf && characteristic === characteristics.controlPoint)
        throw new Error('GATT operation not permitted.');
    },
    write: async (_service, _characteristic, bytes) => {
      if (otherLevels === 'not written' && isOtherLevel([...bytes])) {
        writes.push(Buffer.from(bytes).toString('hex'));
        throw new Error('GATT operation failed: invalid attribute length.');
      }
      await later(mine, () => {
        const answer = obey([...bytes]);
        if (answer === null) return;
        clock.after(random() * 500, () => {
          if (mine !== generation) return;
          busyUntilMs = 0;
          listeners.get(characteristics.controlPoint)?.(frameOf(answer));
        });
      });
    },
    onClosed: (listener) => {
      onClosed = listener;
    },
  });
  const isOtherLevel = (bytes: readonly number[]): boolean =>
    bytes[0] === 4 && bytes.length !== 1 + levelBytes;
  const obey = (bytes: readonly number[]): readonly number[] | null => {
    const [opCode = 0, low = 0, high = 0] = bytes;
    writes.push(Buffer.from(bytes).toString('hex'));
    if (!listeners.has(characteristics.controlPoint)) trespasses.push('written before listening');
    if (clock.nowMs() < busyUntilMs) trespasses.push('written while another request was under way');
    busyUntilMs = clock.nowMs() + 1_900;
    if (random() < faults.unanswered) return null;
    if (random() < faults.failing) return [0x80, opCode, 4];
    if (opCode === 0) hasControl = true;
    else if (!hasControl) return [0x80, opCode, 5];
    if (unsupported.includes(opCode)) return [0x80, opCode, 2];
    if (invalid.includes(opCode)) return [0x80, opCode, 3];
    if (isOtherLevel(bytes)) return [0x80, opCode, 3];
    if (opCode === 4) {
      level = (levelBytes === 1 ? low : Buffer.from(bytes).readInt16LE(1)) / 10;
      if (level < 0 || level > 24) trespasses.push(`level ${level} is out of range`);
    }
    if (opCode === 0x11) gradePercent = Buffer.from(bytes).readInt16LE(3) / 100;
    if (opCode === 5) {
      const wantedW = low + high * 256;
      if (wantedW < minW || wantedW > maxW) trespasses.push(`${wantedW} W is out of range`);
      powerW = wantedW;
    }
    return [0x80, opCode, 1];
  };
  const report = (): void => {
    clock.after(500, report);
    if (!isLinked || faults.isSilent) return;
    const fields = [0x44, 0, 0, 0, ...twoBytes(device.cadenceRpm * 2), ...twoBytes(powerW ?? 0)];
    listeners.get(characteristics.indoorBikeData)?.(frameOf(fields));
  };
  report();
  return device;
}

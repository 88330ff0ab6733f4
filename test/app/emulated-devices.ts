/** A trainer and a strap for the emulation, with legs that do as they are told. */
import { EmulatedDevice } from './emulated-bluetooth.ts';

/** From 0 to `max`, written in so many bytes: another write is invalid. */
export interface EmulatedLevels {
  readonly max: number;
  readonly bytes: 1 | 2;
}

export class EmulatedTrainer extends EmulatedDevice {
  cadenceRpm = 90;
  /** Writes before a page met it last. The emulation keeps the link over a reload; but every page that comes to it reads what it can do. */
  writesBeforeMet = 0;
  #hasControl = false;
  #powerW = 0;
  #targetW = 0;
  #brake: 'power' | 'grade' | 'level' = 'power';
  #gradePercent = 0;
  #level = 0;
  readonly #targets: readonly number[];
  readonly #levels: EmulatedLevels;
  #timer: NodeJS.Timeout | undefined;

  /** `targets`: what it says that it can be set to; a power and a slope unless told otherwise. */
  constructor(
    targets: readonly number[] = [0x08, 0x20, 0, 0],
    levels: EmulatedLevels = { max: 100, bytes: 2 },
  ) {
    super('09:09:09:09:09:09', 'EMULATED TRAINER', {
      '1826': {
        '2acc': { read: true },
        '2ad6': { read: true },
        '2ad8': { read: true },
        '2ad2': { notify: true },
        '2ada': { notify: true },
        '2ad9': { write: true, indicate: true },
      },
    });
    this.#targets = targets;
    this.#levels = levels;
  }

  get targetW(): number {
    return this.#targetW;
  }

  get gradePercent(): number {
    return this.#gradePercent;
  }

  get level(): number {
    return this.#level;
  }

  /** Powers the page set from the n-th write on, W. */
  powersSince(count: number): number[] {
    return this.writes
      .slice(count)
      .filter(({ hex }) => hex.startsWith('05'))
      .map(({ hex }) => Buffer.from(hex, 'hex').readInt16LE(1));
  }

  /** Four reports a second. */
  pedal(): void {
    this.#timer = setInterval(() => this.report(), 250);
  }

  /** One report, for a test that has time in its hands. False when nobody listens. */
  report(): boolean {
    const goalW = this.cadenceRpm === 0 ? 0 : this.#goalW();
    this.#powerW += Math.max(-40, Math.min(40, goalW - this.#powerW));
    const report = Buffer.alloc(8);
    report.writeUInt16LE(0x44, 0);
    report.writeUInt16LE(this.cadenceRpm * 35, 2);
    report.writeUInt16LE(this.cadenceRpm * 2, 4);
    report.writeInt16LE(this.#powerW, 6);
    return this.notify('2ad2', [...report], true);
  }

  rest(): void {
    clearInterval(this.#timer);
  }

  protected override readOf(characteristic: string): readonly number[] | null {
    if (characteristic === '2acc') {
      this.writesBeforeMet = this.writes.length;
      // Cadence and power; 0 to 2000 W, levels in steps of 1.
      return [0x02, 0x40, 0, 0, ...this.#targets];
    }
    const tenths = this.#levels.max * 10;
    if (characteristic === '2ad6') return [0, 0, tenths % 256, tenths >> 8, 10, 0];
    return characteristic === '2ad8' ? [0, 0, 0xd0, 7, 1, 0] : null;
  }

  protected override written(bytes: Buffer): void {
    const [opCode = 0] = bytes;
    this.notify('2ad9', [0x80, opCode, this.#obey(opCode, bytes)]);
  }

  protected override unlinked(): void {
    this.#hasControl = false;
  }

  #obey(opCode: number, bytes: Buffer): number {
    if (opCode === 0) this.#hasControl = true;
    else if (!this.#hasControl) return 5;
    if (opCode === 5) [this.#brake, this.#targetW] = ['power', bytes.readInt16LE(1)];
    if (opCode === 0x11) [this.#brake, this.#gradePercent] = ['grade', bytes.readInt16LE(3) / 100];
    if (opCode === 4) {
      const { max, bytes: levelBytes } = this.#levels;
      if (bytes.length !== 1 + levelBytes) return 3;
      const level = (levelBytes === 1 ? bytes.readUInt8(1) : bytes.readInt16LE(1)) / 10;
      if (level < 0 || level > max) return 3;
      [this.#brake, this.#level] = ['level', level];
    }
    return [0, 4, 5, 7, 0x11].includes(opCode) ? 1 : 2;
  }

  /** What these legs come to: more of it uphill and at a higher level, and with faster legs. */
  #goalW(): number {
    const part = this.cadenceRpm / 90;
    if (this.#brake === 'grade')
      return Math.max(30, Math.round((120 + 20 * this.#gradePercent) * part));
    return this.#brake === 'level' ? Math.round((40 + 3 * this.#level) * part) : this.#targetW;
  }
}

export class EmulatedStrap extends EmulatedDevice {
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    super('0A:0A:0A:0A:0A:0A', 'EMULATED STRAP', { '180d': { '2a37': { notify: true } } });
  }

  beat(heartRateBpm: number): void {
    this.#timer = setInterval(() => this.notify('2a37', [0, heartRateBpm], true), 1000);
  }

  rest(): void {
    clearInterval(this.#timer);
  }
}

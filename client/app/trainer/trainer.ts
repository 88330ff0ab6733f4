/** The port to a trainer: what the page needs of one, simulated or over Bluetooth. */

/** What the trainer is to brake against. */
export type TrainerTarget =
  /** Hold this power, whatever the cadence. `cadenceRpm` is what the plan asks of the rider. */
  | { readonly kind: 'power'; readonly powerW: number; readonly cadenceRpm?: number | undefined }
  /** No target: the rider chooses. `easyW` is for a machine that can do nothing but hold a power. */
  | { readonly kind: 'free'; readonly easyW: number }
  /** A road that climbs so much, without wind; falls below 0. `easyW`: as where the rider is free. */
  | { readonly kind: 'grade'; readonly gradePercent: number; readonly easyW?: number }
  /** A level of the trainer's own. `easyW`: as where the rider is free. */
  | { readonly kind: 'resistance'; readonly level: number; readonly easyW?: number }
  /** The ride stands: nothing to brake. `isFree`: a ride without a plan, which may have left the machine on a hill. */
  | { readonly kind: 'rest'; readonly isFree?: boolean };

/** One reading; null where a sensor says nothing. */
export interface TrainerSample {
  /** By the page's clock, ms since the Unix epoch. */
  readonly atMs: number;
  readonly powerW: number | null;
  readonly cadenceRpm: number | null;
  readonly heartRateBpm: number | null;
}

/** How it stands with one device. */
export interface DeviceView {
  /** For people: `KICKR CORE 1A2B`. */
  readonly name: string;
  /** `absent` needs the rider's tap: the browser does not hand the device out by itself. */
  readonly link: 'connecting' | 'ready' | 'lost' | 'absent';
}

/** Resistance levels, in the trainer's own measure. */
export interface LevelRange {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

/** What a trainer can be set to; nothing of it for what measures only. */
export interface TrainerAbilities {
  readonly takesPower: boolean;
  readonly takesGrade: boolean;
  /** Null when it takes none. */
  readonly levels: LevelRange | null;
}

export interface TrainerView extends DeviceView {
  /** Null until it is known: nobody is told too early that a trainer cannot. */
  readonly abilities: TrainerAbilities | null;
  /** Null when none is worn. */
  readonly strap: DeviceView | null;
}

export interface Trainer {
  view(): TrainerView;
  /** The latest target wins; the same one again is harmless. */
  setTarget(target: TrainerTarget): void;
  /** Calls back with every reading, one to four a second. Returns a function that stops it. */
  onSample(listener: (sample: TrainerSample) => void): () => void;
  /** Tries again at once to reach what is out of reach. */
  reconnect(): void;
  close(): void;
}

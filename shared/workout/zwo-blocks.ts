/** The blocks of a .zwo file as segments of a plan. Reference of tags and attributes: github.com/h4l/zwift-workout-file-reference. */
import { ImportProblem } from './imported-plan.ts';
import { planSecondsMax, segmentCountMax } from './plan.ts';
import type { PlanSegment } from './plan.ts';

/** One child of `<workout>`. */
export interface ZwoBlock {
  readonly tag: string;
  /** By name in lower case: files spell `timeoffset` and `TimeOffset`. */
  readonly attributes: ReadonlyMap<string, string>;
  /** What a message calls it. */
  readonly label: string;
}

type Warn = (warning: string) => void;
type BlockReader = (block: ZwoBlock, warn: Warn) => PlanSegment[];

const readers: Readonly<Record<string, BlockReader>> = {
  steadystate: readSteady,
  solidstate: readSteady,
  warmup: readRamp,
  ramp: readRamp,
  cooldown: readRamp,
  intervalst: readIntervals,
  freeride: readFree,
  maxeffort: readFree,
};

/** The segments of a block in riding order, null when its tag is unknown. Throws ImportProblem when it cannot be ridden. */
export function readBlock(block: ZwoBlock, warn: Warn): PlanSegment[] | null {
  const tag = block.tag.toLowerCase();
  return Object.hasOwn(readers, tag) ? (readers[tag]?.(block, warn) ?? null) : null;
}

function readSteady(block: ZwoBlock, warn: Warn): PlanSegment[] {
  const fraction = powerFraction(block, ['Power', 'PowerLow', 'PowerHigh'], warn);
  return lasting(block, 'Duration', warn, (durationS) => {
    return { kind: 'steady', durationS, fraction, ...cadence(block) };
  });
}

/** Warm-up, ramp and cool-down alike go from PowerLow to PowerHigh, so a cool-down's PowerLow is the higher one. */
function readRamp(block: ZwoBlock, warn: Warn): PlanSegment[] {
  const from = numberOf(block, 'PowerLow') ?? numberOf(block, 'Power');
  const to = numberOf(block, 'PowerHigh') ?? from;
  const fromFraction = asFraction(block, from ?? to);
  const toFraction = asFraction(block, to);
  if (block.tag.toLowerCase() === 'cooldown' && fromFraction < toFraction)
    warn(`${block.label} rises from ${percent(fromFraction)} to ${percent(toFraction)}.`);
  return lasting(block, 'Duration', warn, (durationS) => {
    const all = { durationS, ...cadence(block) };
    return fromFraction === toFraction
      ? { kind: 'steady', ...all, fraction: toFraction }
      : { kind: 'ramp', ...all, fromFraction, toFraction };
  });
}

function readIntervals(block: ZwoBlock, warn: Warn): PlanSegment[] {
  const repeats = Math.round(numberOf(block, 'Repeat') ?? 1);
  // Counted before it is unrolled: one attribute must not fill the memory.
  if (repeats < 1) warn(`${block.label} is never repeated and is left out.`);
  if (repeats > segmentCountMax)
    throw new ImportProblem(`${block.label} repeats ${repeats} times.`);
  const onFraction = powerFraction(block, ['OnPower', 'PowerOnLow', 'PowerOnHigh'], warn);
  const on = lasting(block, 'OnDuration', warn, (durationS) => {
    return { kind: 'steady', durationS, fraction: onFraction, ...cadence(block) };
  });
  const hasOff = (numberOf(block, 'OffDuration') ?? 0) > 0;
  const off = hasOff ? readOff(block, warn) : [];
  return Array.from({ length: Math.max(0, repeats) }, () => [...on, ...off]).flat();
}

function readOff(block: ZwoBlock, warn: Warn): PlanSegment[] {
  const fraction = powerFraction(block, ['OffPower', 'PowerOffLow', 'PowerOffHigh'], warn);
  const cadenceRpm = inCadenceRange(numberOf(block, 'CadenceResting'));
  return lasting(block, 'OffDuration', warn, (durationS) => {
    return { kind: 'steady', durationS, fraction, ...cadenceRpm };
  });
}

function readFree(block: ZwoBlock, warn: Warn): PlanSegment[] {
  return lasting(block, 'Duration', warn, (durationS) => {
    return { kind: 'free', durationS, ...cadence(block) };
  });
}

/** The segment when it lasts at least a second; files hold times as reals. */
function lasting(
  block: ZwoBlock,
  attribute: string,
  warn: Warn,
  segment: (durationS: number) => PlanSegment,
): PlanSegment[] {
  const seconds = numberOf(block, attribute);
  if (seconds === null) throw new ImportProblem(`${block.label} has no ${attribute}.`);
  if (seconds > planSecondsMax) throw new ImportProblem(`${block.label} is longer than 24 hours.`);
  const durationS = Math.round(seconds);
  if (durationS >= 1) return [segment(durationS)];
  warn(`${block.label} lasts no time and is left out.`);
  return [];
}

/** A fraction of FTP by its own name, or the middle of a range. */
function powerFraction(
  block: ZwoBlock,
  [single, low, high]: readonly [string, string, string],
  warn: Warn,
): number {
  const power = numberOf(block, single);
  const lowest = numberOf(block, low);
  const highest = numberOf(block, high);
  if (power !== null) return asFraction(block, power);
  if (lowest === null || highest === null) return asFraction(block, lowest ?? highest);
  const middle = asFraction(block, (lowest + highest) / 2);
  if (lowest !== highest)
    warn(
      `${block.label} gives a range, ${percent(lowest)} to ${percent(highest)}: its middle is ridden.`,
    );
  return middle;
}

function asFraction({ label }: ZwoBlock, value: number | null): number {
  if (value === null)
    throw new ImportProblem(`${label} names no power that a trainer can be set to.`);
  if (value < 0 || value > 5) throw new ImportProblem(`${label} asks for ${value} times FTP.`);
  // Files carry noise such as 0.50449997; a hundredth of a percent is far below a watt.
  return Math.round(value * 10_000) / 10_000;
}

function cadence(block: ZwoBlock): { readonly cadenceRpm?: number } {
  const low = numberOf(block, 'CadenceLow');
  const high = numberOf(block, 'CadenceHigh');
  const middle = low === null || high === null ? (low ?? high) : (low + high) / 2;
  return inCadenceRange(numberOf(block, 'Cadence') ?? middle);
}

/** Zero stands for "as you like" in files. */
function inCadenceRange(rpm: number | null): { readonly cadenceRpm?: number } {
  const cadenceRpm = Math.round(rpm ?? 0);
  return cadenceRpm >= 20 && cadenceRpm <= 250 ? { cadenceRpm } : {};
}

function numberOf({ attributes, label }: ZwoBlock, attribute: string): number | null {
  const text = attributes.get(attribute.toLowerCase())?.trim() ?? '';
  if (text === '') return null;
  const value = Number(text);
  if (!Number.isFinite(value))
    throw new ImportProblem(`${label}: ${attribute} is no number: "${text.slice(0, 40)}".`);
  return value;
}

function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`;
}

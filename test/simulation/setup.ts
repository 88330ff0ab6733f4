/** What a seed decides before anything happens: who is there, and what will be entered and go wrong, step by step. */
import { noiseOf, type Random } from './random.ts';

export interface Setup {
  readonly hasRedis: boolean;
  /** Whether the next release may come during the run. */
  readonly hasDeploy: boolean;
  readonly sessionCount: number;
  readonly instanceCount: number;
  /** For each device the place of the session it belongs to. */
  readonly devices: readonly number[];
  readonly checkpointMs: number;
  readonly detachedGraceMs: number;
}

export interface Step {
  /** Its name in a schedule, from 1. */
  readonly number: number;
  /** Milliseconds since the run began. */
  readonly atMs: number;
  readonly kind: 'fault' | 'enter' | 'absence';
  /** Of all that is random about it, so that it stays the same when others are left out. */
  readonly seed: number;
}

/** Something is away for so long that what is built for seconds has to hold for minutes or hours. */
export interface Absence {
  /** Minutes for a store, hours for a device. */
  readonly kind: 'store' | 'device';
  readonly durationMs: number;
  /** Place of the step with which it begins, and how many more fall into it. */
  readonly begins: number;
  readonly stepCount: number;
}

/** Seeds that have one: each takes many times as long as another. */
const absenceShare = 0.03;
const minuteMs = 60_000;

const faultCountMin = 50;
const faultCountMax = 60;

export function setupOf(seed: number): Setup {
  const random = noiseOf(seed, 'setup');
  const hasRedis = random.chance(0.8);
  const sessionCount = random.chance(0.2) ? 2 : 1;
  const deviceCount = random.pick([1, 2, 2, 2, 3, 3]) ?? 2;
  return {
    hasRedis,
    hasDeploy: random.chance(0.5),
    sessionCount,
    instanceCount: random.integer(2, 3),
    devices: Array.from({ length: deviceCount }, () => random.integer(0, sessionCount - 1)),
    checkpointMs: random.integer(300, 5_000),
    detachedGraceMs: random.integer(500, 60_000),
  };
}

/** All steps of a seed, in the order of their times. */
export function stepsOf(seed: number): readonly Step[] {
  const random = noiseOf(seed, 'steps');
  const faultCount = random.integer(faultCountMin, faultCountMax);
  const enterCount = random.integer(80, 140);
  const kinds = shuffled(random, [
    ...Array.from({ length: faultCount }, () => 'fault' as const),
    ...Array.from({ length: enterCount }, () => 'enter' as const),
  ]);
  const absence = absenceOf(seed);
  let atMs = 0;
  return kinds.map((usual, index) => {
    atMs += random.chance(0.06) ? random.integer(1_000, 10_000) : random.skewed(1, 900);
    const into = absence === undefined ? 0 : index - absence.begins;
    if (absence !== undefined && into > 0 && into <= absence.stepCount)
      atMs += absence.durationMs / absence.stepCount;
    const kind = absence?.begins === index ? 'absence' : usual;
    return { number: index + 1, atMs, kind, seed: random.integer(0, 0x7fffffff) };
  });
}

/** What is absent comes back among the steps of the seed, not after them. */
export function absenceOf(seed: number): Absence | undefined {
  const random = noiseOf(seed, 'long time');
  if (!random.chance(absenceShare)) return undefined;
  const kind = random.chance(0.75) ? 'store' : 'device';
  const minutes = kind === 'store' ? random.integer(10, 15) : random.integer(120, 150);
  return {
    kind,
    durationMs: minutes * minuteMs,
    begins: random.integer(20, 60),
    stepCount: random.integer(10, 50),
  };
}

function shuffled<Item>(random: Random, items: readonly Item[]): Item[] {
  const left = [...items];
  return items.map(() => left.splice(random.integer(0, left.length - 1), 1)[0] as Item);
}

/** Which faults come when, from the seed alone. What a fault finds when its time comes may differ from run to run. */
import { seededRandom, type Random } from '../simulation/random.ts';
import type { Store } from './long-plan.ts';

/** Each kind with its weight. */
const commonWeights = {
  'client cut': 6,
  'client half open': 3,
  'client delayed': 3,
  'client frozen': 3,
  'client refused': 2,
  'page left': 2,
  'page crashed': 4,
  'page twice': 1,
  'burst of commands': 4,
  'device killed': 6,
  'device frozen': 4,
  'device offline': 4,
  'route flipped': 6,
  'routes flipped': 2,
  'instance killed': 5,
  'instance drained': 4,
  'instance frozen': 4,
  'postgres killed': 3,
  'postgres cut off': 3,
  'postgres frozen': 3,
  'postgres half open': 2,
  'postgres delayed': 2,
  'postgres refused': 2,
} as const;

const redisWeights = {
  'redis killed empty': 4,
  'redis restarted': 2,
  'redis backed up': 4,
  'redis rolled back': 4,
  'redis stopped': 3,
  'redis cut off': 3,
  'redis frozen': 4,
  'redis half open': 2,
  'redis delayed': 2,
  'redis refused': 3,
} as const;

/** What a storm in which a store is away for minutes begins with. */
type LongKind = `${Store} away for minutes`;

export type FaultKind = keyof typeof commonWeights | keyof typeof redisWeights | LongKind;

export interface PlannedFault {
  readonly kind: FaultKind;
  /** Milliseconds after the one before. */
  readonly afterMs: number;
  readonly durationMs: number;
  /** Which of the things of its kind: taken modulo their number. */
  readonly target: number;
  /** A second choice of the fault's own. */
  readonly choice: number;
}

/** Milliseconds between two faults. */
const gapMs = [100, 3_500] as const;

/** Milliseconds most faults last; a few last much longer, beyond every time-out of the service. */
const durationMs = [200, 6_000] as const;
const longDurationMs = [8_000, 14_000] as const;
const longShare = 0.08;

/** Half-open connections to a client are reset after a while, as networks do; a few wait for the heartbeat. */
const choices = 12;

export interface StormOptions {
  readonly lengthMs: number;
  readonly withRedis: boolean;
  /** A store that is away all the while. */
  readonly away?: Store | undefined;
}

/**
 * What would end for all what the outage of one store is to show: that sessions go on without it. With the other one away too they
 * only wait, and no instance gets ready while Postgres is away, so that soon there would be none.
 */
function hidesOutage(kind: string, away: Store | undefined): boolean {
  if (away === undefined) return false;
  const isInstanceGone = kind === 'instance killed' || kind === 'instance drained';
  return /^(postgres|redis) /.test(kind) || (away === 'postgres' && isInstanceGone);
}

/** `number`: of the storm, from 1. */
export function planStorm(
  seed: number,
  number: number,
  { lengthMs, withRedis, away }: StormOptions,
): readonly PlannedFault[] {
  const random = seededRandom(seed * 7_919 + number);
  const weights = Object.entries({ ...commonWeights, ...(withRedis ? redisWeights : {}) }).filter(
    ([kind]) => !hidesOutage(kind, away),
  );
  const faults: PlannedFault[] = [];
  if (away !== undefined) {
    const kind = `${away} away for minutes` as const;
    faults.push({ kind, afterMs: 0, durationMs: lengthMs, target: 0, choice: 0 });
  }
  for (let atMs = 0; ;) {
    const afterMs = Math.round(mostlyShort(random, gapMs));
    atMs += afterMs;
    if (atMs > lengthMs) return faults;
    const isLong = random.chance(longShare);
    faults.push({
      kind: pickWeighted(random, weights) as FaultKind,
      afterMs,
      durationMs: Math.round(
        isLong ? random.integer(...longDurationMs) : mostlyShort(random, durationMs),
      ),
      target: random.integer(0, 1_000_000),
      choice: random.integer(0, choices - 1),
    });
  }
}

function mostlyShort(random: Random, [from, through]: readonly [number, number]): number {
  return from + (through - from) * random.fraction() ** 2;
}

function pickWeighted(random: Random, weights: readonly (readonly [string, number])[]): string {
  const sum = weights.reduce((total, [, weight]) => total + weight, 0);
  let rest = random.fraction() * sum;
  for (const [name, weight] of weights) {
    rest -= weight;
    if (rest < 0) return name;
  }
  return weights[0]?.[0] ?? '';
}

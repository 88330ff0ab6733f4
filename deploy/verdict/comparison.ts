/** An instance and those beside it over the same stretch of time, by what each says of itself. */
import { instancesIn, lifeOf, reportOf, type Place, type SelfReport } from './instance.ts';
import {
  judgeGreetings,
  judgeLoop,
  type Greetings,
  type SloLimits,
  type SloVerdict,
} from './slo.ts';

/** `store-away`: it does badly because nobody can do well. `died`: the process that was compared is gone. */
export type Comparison =
  | SloVerdict
  | { readonly kind: 'store-away' }
  | { readonly kind: 'died'; readonly why: string };

export interface OnTrial {
  readonly instance: string;
  /** What the driver said of it when it got ready: its process, and how often it was started again. */
  readonly life: string;
  readonly limits: SloLimits;
}

export interface Compared {
  readonly greetings: Comparison;
  /** Judged at the end: a window of the event loop's delays that began with the process tells of its start. */
  readonly loop: SloVerdict;
  /** Whether what else is wrong with it may be a store's fault. */
  readonly isStoreAway: boolean;
}

const none: Greetings = { welcomed: 0, unwelcomed: 0 };

/** Begins the stretch; what it resolves to looks at what has come since. */
export async function compare(
  place: Place,
  { instance, life, limits }: OnTrial,
): Promise<() => Promise<Compared>> {
  const before = await seeAll(place);
  return async () => {
    const isSame = (await lifeOf(place, instance)) === life;
    const now = await seeAll(place);
    const fresh = now.get(instance);
    const beside = [...now].filter(([name]) => name !== instance);
    const isStoreAway =
      fresh?.ready?.phase === 'ready' &&
      fresh.ready.status !== 'ready' &&
      !beside.some(([, { ready }]) => ready?.status === 'ready');
    const judged = judgeGreetings(
      greetedSince(before, [instance, fresh]),
      beside.map((one) => greetedSince(before, one)).reduce(sum, none),
      limits,
    );
    const besideMs = Math.max(0, ...beside.map(([, { lateMs }]) => lateMs));
    return {
      greetings: isSame
        ? whole(judged, fresh?.greetings, { isStoreAway, greetingsMin: limits.greetingsMin })
        : { kind: 'died', why: 'its process ended' },
      loop: judgeLoop(fresh?.lateMs ?? 0, besideMs, limits),
      isStoreAway,
    };
  };
}

/** Who was welcomed before this stretch tells as well that there were enough. */
function whole(
  judged: SloVerdict,
  sinceBegin: Greetings | undefined,
  { isStoreAway, greetingsMin }: { readonly isStoreAway: boolean; readonly greetingsMin: number },
): Comparison {
  if (judged.kind === 'broken') return isStoreAway ? { kind: 'store-away' } : judged;
  // A release that counts none is judged by its requests alone.
  if (sinceBegin === undefined) return { kind: 'kept' };
  return sinceBegin.welcomed + sinceBegin.unwelcomed < greetingsMin ? { kind: 'too-few' } : judged;
}

async function seeAll(place: Place): Promise<Map<string, SelfReport>> {
  const names = await instancesIn(place);
  const seen = await Promise.all(
    names.map(async (name) => [name, await reportOf(place, name)] as const),
  );
  return new Map(seen.filter(([, { ready }]) => ready !== undefined));
}

const greetedSince = (
  before: ReadonlyMap<string, SelfReport>,
  [name, now]: readonly [name: string, now: SelfReport | undefined],
): Greetings => difference(now?.greetings, before.get(name)?.greetings);

const sum = (one: Greetings, other: Greetings): Greetings => ({
  welcomed: one.welcomed + other.welcomed,
  unwelcomed: one.unwelcomed + other.unwelcomed,
});

/** One that was started again counts from the beginning. */
const difference = (now: Greetings = none, before: Greetings = none): Greetings => ({
  welcomed: Math.max(0, now.welcomed - before.welcomed),
  unwelcomed: Math.max(0, now.unwelcomed - before.unwelcomed),
});

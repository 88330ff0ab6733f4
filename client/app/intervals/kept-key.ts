/** The rider's own key for intervals.icu, remembered in this browser and nowhere else: it is in no account and no export. */
import * as v from 'valibot';

const schema = v.object({
  key: v.string(),
  /** `0`: the key's own. */
  athleteId: v.string(),
  /** Whose it is then, as intervals.icu told it: what is remembered of rides is remembered by it. */
  toldId: v.string(),
  /** Of the athlete, as intervals.icu told it. */
  name: v.string(),
  /** Whether each ride goes there when it is over. */
  sendsRides: v.boolean(),
});

export type KeptKey = v.InferOutput<typeof schema>;

const storageKey = 'trackstand-intervals';

export function keptKey(): KeptKey | null {
  try {
    const kept = v.safeParse(schema, JSON.parse(localStorage.getItem(storageKey) ?? 'null'));
    return kept.success ? kept.output : null;
  } catch {
    // A browser that keeps nothing for this page, or keeps what is no key.
    return null;
  }
}

/** False where the browser does not keep it. */
export function keepKey(key: KeptKey): boolean {
  try {
    localStorage.setItem(storageKey, JSON.stringify(key));
    return true;
  } catch {
    return false;
  }
}

export function forgetKey(): void {
  try {
    localStorage.removeItem(storageKey);
  } catch {
    // Nothing was kept.
  }
}

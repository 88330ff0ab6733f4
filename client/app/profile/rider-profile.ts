/** Who rides: FTP and weight, remembered on this device. */
import * as v from 'valibot';

/** Watts. The bounds are those of a workout's input. */
export const ftpBounds = { min: 30, max: 800 };
/** Kilograms. */
export const weightBounds = { min: 25, max: 250 };

export interface RiderProfile {
  readonly ftpW: number;
  /** Null when the rider did not say. */
  readonly weightKg: number | null;
}

const storageKey = 'trackstand-profile';
/** A rider who trains a little; whoever knows better says so once. */
const usual: RiderProfile = { ftpW: 200, weightKg: null };

const schema = v.object({
  ftpW: v.pipe(v.number(), v.minValue(ftpBounds.min), v.maxValue(ftpBounds.max)),
  weightKg: v.nullable(
    v.pipe(v.number(), v.minValue(weightBounds.min), v.maxValue(weightBounds.max)),
  ),
});

export function rememberedProfile(): RiderProfile {
  try {
    const kept = v.safeParse(schema, JSON.parse(localStorage.getItem(storageKey) ?? 'null'));
    return kept.success ? kept.output : usual;
  } catch {
    // A browser that keeps nothing for this page, or keeps what is no profile.
    return usual;
  }
}

export function rememberProfile(profile: RiderProfile): void {
  try {
    localStorage.setItem(storageKey, JSON.stringify(profile));
  } catch {
    // Asked again next time.
  }
}

/** A whole number within bounds, or null. */
export function readWithin(
  text: string,
  { min, max }: { readonly min: number; readonly max: number },
): number | null {
  const value = text.trim() === '' ? Number.NaN : Math.round(Number(text));
  return value >= min && value <= max ? value : null;
}

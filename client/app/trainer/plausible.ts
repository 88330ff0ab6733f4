/**
 * What a body on a bicycle can do. A number outside is a sensor misread, and is taken as no number: one broken frame must neither
 * end a ride nor stand in its record as a maximum. The bounds lie within those of a workout's sample.
 */

/** Below 0 W a trainer is rolling out; it is 0 W to the rider. */
export function plausiblePowerW(powerW: number): number | null {
  return powerW >= -500 && powerW <= 3000 ? Math.max(0, powerW) : null;
}

export function plausibleCadenceRpm(cadenceRpm: number): number | null {
  return cadenceRpm >= 0 && cadenceRpm <= 250 ? cadenceRpm : null;
}

/** 0 is how a sensor without contact says nothing. */
export function plausibleHeartRateBpm(heartRateBpm: number): number | null {
  return heartRateBpm >= 25 && heartRateBpm <= 250 ? heartRateBpm : null;
}

/** Numbers of a ride as people write them. */

/** `37:44`, or `2:05:00` from an hour on. */
export function clockTime(seconds: number): string {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const twoDigits = (value: number) => String(value).padStart(2, '0');
  const tail = `${hours > 0 ? twoDigits(minutes) : minutes}:${twoDigits(whole % 60)}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
}

/** The value with its unit, or a dash where there is none. */
export function withUnit(value: number | null, unit: string, digits = 0): string {
  return value === null ? '–' : `${value.toFixed(digits)}${unit === '' ? '' : ` ${unit}`}`;
}

/** Numbers as the page writes them. Pure. */

/** What stands where there is no number. */
export const nothing = '–';

/** Between a number and its unit, so that no line ends there. */
export const joint = '\u00A0';

/** A number with what it is. */
export interface FigureText {
  readonly name: string;
  readonly value: string;
  /** '' for none. */
  readonly unit: string;
}

/** Seconds as `m:ss`, or `h:mm:ss` from an hour on. Fractions are cut: a clock shows the second it is in. */
export function clockTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const s = String(whole % 60).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${s}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${s}`;
}

/** Seconds still to go: a countdown shows 0:00 only when it is over. */
export function countdown(secondsLeft: number): string {
  // Milliseconds of sums may stand a hair above a whole second.
  return clockTime(Math.ceil(secondsLeft - 0.001));
}

/** A length as people say it: `45 s`, `36 min`, `2 h 15 min`. */
export function spokenTime(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}

/** How long a break was: tenths below ten seconds, because that is where a break goes unnoticed. */
export function gapTime(gapMs: number): string {
  const seconds = gapMs / 1000;
  return seconds < 10 ? `${Math.max(0.1, seconds).toFixed(1)} s` : spokenTime(seconds);
}

/** A moment on the rider's own wall: `Sat 21 Nov 2026, 18:05`. */
export function dayAndTime(atMs: number): string {
  return new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  }).format(atMs);
}

/** The day on the rider's own wall, as files and calendars write it: `2026-11-21`. */
export function isoDay(atMs: number): string {
  const at = new Date(atMs);
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()]
    .map((part) => String(part).padStart(2, '0'))
    .join('-');
}

/** A whole number, or a dash for null. */
export function whole(value: number | null): string {
  return value === null ? nothing : String(Math.round(value));
}

/** A fraction as whole percent. */
export function percent(fraction: number): string {
  return `${Math.round(fraction * 100)}${joint}%`;
}

/** A number with its unit; only the dash when there is none. */
export function withUnit(value: number | null, unit: string): string {
  return value === null ? nothing : `${Math.round(value)}${joint}${unit}`;
}

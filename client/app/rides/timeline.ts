/** What happened in a ride, in order and in words. Pure. */
import type { WorkoutState } from '../../../shared/workout/workout-state.ts';
import { brakeLine } from '../brake-steps.ts';
import type { RideChange } from '../export/ride-record.ts';
import { clockTime, gapTime, percent } from '../format.ts';
import { standing, trainerLost } from '../waiting-rule.ts';
import type { Incident } from './incidents.ts';

export interface TimelineRow {
  /** Of riding time, seconds. */
  readonly atS: number;
  readonly text: string;
  /** Trouble is told from what the rider did. */
  readonly isTrouble: boolean;
}

type RiddenState = Pick<WorkoutState, 'startedAtMs' | 'lastMs' | 'pauses' | 'phase'>;

/** Rows by time. `changes`: what the rider changed on the way, where this device knows it. */
export function timeline(
  state: RiddenState,
  changes: readonly RideChange[],
  incidents: readonly Incident[],
): readonly TimelineRow[] {
  const startMs = state.startedAtMs;
  if (startMs === null) return [];
  const rows = [
    row(startMs, 'Started'),
    ...state.pauses.map(({ fromMs, toMs, reason }) =>
      row(fromMs, pauseText(reason, toMs === null ? null : toMs - fromMs), isFault(reason)),
    ),
    ...settled(changes, startMs).map((change) => row(change.atMs, changeText(change))),
    ...incidents
      .filter(({ atMs }) => atMs >= startMs)
      // Before the break the rider was there; the moment it began is the one that is felt.
      .map((incident) => row(incident.atMs - incident.gapMs, incidentText(incident), true)),
    ...(state.phase === 'finished' ? [row(state.lastMs, 'Finished')] : []),
  ];
  return rows
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ atMs, text, isTrouble }) => ({ atS: riddenS(state, startMs, atMs), text, isTrouble }));
}

/** Who steps to another grade passes through all between: where it stayed is told, and one in a minute of those who step on and on. */
const stepsWithinMs = 10_000;
const toldWithinMs = 60_000;

/** What was set before the start was set at the start. */
function settled(changes: readonly RideChange[], startMs: number): readonly RideChange[] {
  const all = changes.map((change) => ({ ...change, atMs: Math.max(change.atMs, startMs) }));
  const brakes = all.filter(({ kind }) => kind === 'brake');
  let steppingMs: number | null = null;
  const passedThrough = new Set(
    brakes.filter(({ atMs }, index) => {
      const next = brakes[index + 1];
      steppingMs ??= atMs;
      const isPassed =
        next !== undefined && next.atMs - atMs < stepsWithinMs && atMs - steppingMs < toldWithinMs;
      if (!isPassed) steppingMs = null;
      return isPassed;
    }),
  );
  return all.filter((change) => !passedThrough.has(change));
}

/** Riding time at a moment on the wall: pauses are no part of it. */
function riddenS({ pauses, lastMs }: RiddenState, startMs: number, atMs: number): number {
  const untilMs = Math.min(Math.max(atMs, startMs), lastMs);
  const pausedMs = pauses.reduce((sum, { fromMs, toMs }) => {
    const endMs = Math.min(toMs ?? lastMs, untilMs);
    return sum + Math.max(0, endMs - fromMs);
  }, 0);
  return (untilMs - startMs - pausedMs) / 1000;
}

function isFault(reason: string | undefined): boolean {
  return reason === trainerLost || reason === 'away';
}

function row(atMs: number, text: string, isTrouble = false) {
  return { atMs, text, isTrouble };
}

function pauseText(reason: string | undefined, lengthMs: number | null): string {
  const length = lengthMs === null ? '' : ` for ${gapTime(lengthMs)}`;
  if (reason === trainerLost) return `The trainer was out of reach${length}; the clock waited`;
  if (reason === 'away') return `The device was asleep or away${length}; the clock waited`;
  if (reason === standing) return `The legs stood${length}`;
  return `Paused${length}`;
}

function changeText(change: RideChange): string {
  switch (change.kind) {
    case 'lap':
      return 'Lap';
    case 'skip':
      return `Skipped ${clockTime(change.byS)}`;
    case 'intensity':
      return `Intensity ${percent(change.intensity)}`;
    case 'brake':
      return brakeLine(change.brake);
  }
}

function incidentText({ kind, gapMs, resent, lost }: Incident): string {
  const kept = lost > 0 ? `${seconds(lost)} lost` : 'nothing lost';
  const later = resent > 0 ? `, ${seconds(resent)} delivered afterwards` : '';
  switch (kind) {
    case 'move':
      return `Moved to another server without a break, ${kept}`;
    case 'link':
      return `Connection lost, back after ${gapTime(gapMs)}${later}, ${kept}`;
    case 'rebuild':
      return `The service had lost the ride; rebuilt from this device${later}, ${kept}`;
    case 'begun':
      return `Begun without a connection, delivered after ${gapTime(gapMs)}, ${kept}`;
    case 'page':
      return `The page was loaded again${later}, ${kept}`;
  }
}

const seconds = (count: number): string => (count === 1 ? '1 second' : `${count} seconds`);

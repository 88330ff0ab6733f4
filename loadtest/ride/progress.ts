/** Shows how far the ride is: a bar that stays in its line on a terminal, a line now and then elsewhere. */
import type { SessionView } from '../../client/connect.ts';
import { systemClock } from '../../shared/clock.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { targetPowerNowW } from '../../shared/workout/workout-view.ts';
import type { RideRow } from './ride-file.ts';
import { clockTime, withUnit } from './ride-text.ts';

/** Real milliseconds between two pictures on a terminal. */
const redrawMs = 100;

/** Lines for the whole ride where there is no terminal. */
const lineCount = 10;

const barCharsMax = 24;
/** A shorter bar says nothing. */
const barCharsMin = 4;
/** The longest status; padded, so that the bar does not jump. */
const statusChars = 'reconnecting'.length;
const eraseLine = '\r\u001b[K';

/** The part of a stream that is used; `process.stdout` has it. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Moment {
  readonly row: RideRow;
  readonly view: SessionView<WorkoutState>;
  /** By the ride's clock. */
  readonly nowMs: number;
  readonly givenCount: number;
  readonly killCount: number;
}

export interface Progress {
  show(moment: Moment): void;
  /** Takes the bar off the screen. */
  clear(): void;
}

/** `durationS`: of the whole ride. */
export function openProgress(screen: Screen, durationS: number): Progress {
  const isTerminal = screen.isTTY === true;
  let shownAtMs = 0;
  let shownPart = 0;
  return {
    show: (moment) => {
      const share = Math.min(1, (moment.row.elapsedS + 1) / durationS);
      if (!isTerminal) {
        const part = Math.floor(share * lineCount);
        if (part === shownPart) return;
        shownPart = part;
        screen.write(`${describe(moment, durationS).trimEnd()}\n`);
        return;
      }
      const nowMs = systemClock.nowMs();
      if (share < 1 && nowMs - shownAtMs < redrawMs) return;
      shownAtMs = nowMs;
      screen.write(`${eraseLine}${asLine(describe(moment, durationS), share, screen.columns)}`);
    },
    clear: () => {
      if (isTerminal) screen.write(eraseLine);
    },
  };
}

/** Bar and text in one line: one that wraps could not be erased again. */
function asLine(text: string, share: number, columns = 80): string {
  const barChars = Math.min(barCharsMax, columns - text.length - 2);
  if (barChars < barCharsMin) return text.slice(0, columns - 1);
  const filledChars = Math.round(share * barChars);
  return `${'█'.repeat(filledChars)}${'░'.repeat(barChars - filledChars)} ${text}`;
}

function describe(moment: Moment, durationS: number): string {
  const { row, view, nowMs, givenCount, killCount } = moment;
  const { unaccepted, unsaved, status } = view;
  const targetW = targetPowerNowW(view.state, nowMs);
  const power = withUnit(row.powerW, targetW === null ? 'W' : `of ${targetW} W`);
  const parts = [
    `${clockTime(row.elapsedS + 1)}/${clockTime(durationS)}`,
    power.padStart(targetW === null ? 6 : 13),
    `accepted ${givenCount - unaccepted}`,
    `saved ${givenCount - unsaved}`,
    ...(killCount > 0 ? [`kills ${killCount}`] : []),
    status.padEnd(statusChars),
  ];
  return parts.join('  ');
}

/** Shows how the run goes: a line that stays in its place on a terminal, a line now and then elsewhere. */
import { systemClock } from '../../shared/clock.ts';

/** The part of a stream that is used; `process.stdout` has it. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Progress {
  /** Writes lines that stay. */
  tell(text: string): void;
  stop(): void;
}

/** Milliseconds between two pictures, on a terminal and elsewhere. */
const redrawMs = 200;
const lineMs = 15_000;

const eraseLine = '\r\u001b[K';

/** `describe` is asked for the line again and again. */
export function startProgress(screen: Screen, describe: () => string): Progress {
  const isTerminal = screen.isTTY === true;
  let isOver = false;
  const show = (): void => {
    if (isOver) return;
    const line = describe();
    screen.write(
      isTerminal ? `${eraseLine}${line.slice(0, (screen.columns ?? 80) - 1)}` : `${line}\n`,
    );
    next();
  };
  const next = (): void => {
    systemClock.after(isTerminal ? redrawMs : lineMs, show);
  };
  next();
  return {
    tell: (text) => screen.write(`${isTerminal ? eraseLine : ''}${text}\n`),
    stop: () => {
      isOver = true;
      if (isTerminal) screen.write(eraseLine);
    },
  };
}

/** `4:05` of 245 seconds. */
export function clockTime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

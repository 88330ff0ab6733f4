/** What was done to the service and when, and what each session's devices heard: for whoever follows a failure. */
import { systemClock } from '../../shared/clock.ts';

/** Begins the line of a finding. */
export const foundMark = 'FOUND';

/** Lines kept of each session's traffic. */
const sessionLinesMax = 4_000;

export class History {
  readonly #startMs = systemClock.nowMs();
  readonly #lines: string[] = [];
  readonly #sessions = new Map<string, string[]>();

  elapsedMs(): number {
    return systemClock.nowMs() - this.#startMs;
  }

  /** A fault, its end, or what a process had to say. */
  add(text: string): void {
    this.#lines.push(this.#timed(text));
  }

  /** `name`: the session's, as the run calls it. */
  addTo(name: string, text: string): void {
    const lines = this.#sessions.get(name) ?? [];
    this.#sessions.set(name, lines);
    lines.push(this.#timed(text));
    if (lines.length > sessionLinesMax) lines.splice(0, sessionLinesMax / 2);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The run's lines and those of one session, in order of time. */
  around(name: string): readonly string[] {
    return [...this.#lines, ...(this.#sessions.get(name) ?? [])].toSorted(
      (one, other) => Number.parseFloat(one) - Number.parseFloat(other),
    );
  }

  #timed(text: string): string {
    return `${(this.elapsedMs() / 1000).toFixed(3).padStart(8)}  ${text}`;
  }
}

/** How far the seeds are: one line that is written anew on a terminal, and a line now and then elsewhere. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly faults: number;
  readonly commands: number;
}

const pauseMs = { terminal: 200, elsewhere: 10_000 };

export class ProgressLine {
  readonly #out: NodeJS.WriteStream;
  readonly #beganMs = performance.now();
  #shownMs = -Infinity;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  show(progress: Progress): void {
    const nowMs = performance.now();
    const { terminal, elsewhere } = pauseMs;
    if (nowMs - this.#shownMs < (this.#out.isTTY ? terminal : elsewhere)) return;
    this.#shownMs = nowMs;
    const line = this.line(progress);
    this.#out.write(this.#out.isTTY ? `\r\u001B[2K${line}` : `${line}\n`);
  }

  /** The last state of the line, with an end. */
  end(progress: Progress): void {
    this.#out.write(`${this.#out.isTTY ? '\r\u001B[2K' : ''}${this.line(progress)}\n`);
  }

  line({ done, total, faults, commands }: Progress): string {
    const seconds = (performance.now() - this.#beganMs) / 1_000;
    const perSecond = done / seconds;
    const leftS = done === 0 ? undefined : (total - done) / perSecond;
    const left = leftS === undefined || leftS === 0 ? '' : `, ${duration(leftS)} left`;
    return `${done} of ${total} seeds, ${perSecond.toFixed(1)} a second, ${faults} faults, ${commands} commands, ${duration(seconds)}${left}`;
  }
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

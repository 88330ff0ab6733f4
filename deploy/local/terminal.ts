/** What the person at the terminal sees and presses. */
import type { ReadStream, WriteStream } from 'node:tty';

/** Ctrl-C as a raw terminal sends it. */
const ctrlC = '\u0003';

/** A terminal, or a pipe where nobody presses keys. */
export interface Terminal {
  readonly hasKeys: boolean;
  /** One line. */
  say(line: string): void;
  /** One line about something unexpected. */
  warn(line: string): void;
  /** Emphasised where the output can show it. */
  bold(text: string): string;
  /** Calls back for each key. Ctrl-C comes as `q`. */
  onKey(listener: (key: string) => void): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** Keys need a terminal on both sides; colours one on the output, and no NO_COLOR. */
export function openTerminal(
  input: ReadStream,
  output: WriteStream,
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const hasKeys = input.isTTY && output.isTTY;
  const hasColours = output.isTTY && (env['NO_COLOR'] ?? '') === '';
  const paint = (code: number, text: string) =>
    hasColours ? `\u001b[${code}m${text}\u001b[0m` : text;
  // A terminal that was closed takes no more lines; the stop that follows must go on.
  output.on('error', () => {});
  const say = (line: string) => void output.write(`${line}\n`);
  return {
    hasKeys,
    say,
    warn: (line) => say(paint(33, line)),
    bold: (text) => paint(1, text),
    onKey: (listener) => {
      if (!hasKeys) return;
      input.setRawMode(true);
      input.setEncoding('utf8');
      input.on('data', (keys: string) => {
        for (const key of keys) listener(key === ctrlC ? 'q' : key.toLowerCase());
      });
    },
    close: () => {
      if (hasKeys) input.setRawMode(false);
      input.pause();
    },
  };
}

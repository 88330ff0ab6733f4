/** Commands by name, their options, their help: reading a command line and nothing else. */
import { parseArgs } from 'node:util';

import type { ExitCode } from './exit-codes.ts';

export interface Option {
  readonly help: string;
  /** What stands for the value in the help; without it the option is a switch. */
  readonly value?: string;
}

/** Values by option name: text, or true for a switch. */
export type Options = Readonly<Record<string, string | boolean | undefined>>;

export interface Outcome {
  readonly exitCode: ExitCode;
  /** For people, line by line. */
  readonly lines: readonly string[];
  /** The same for programs: `--json`. */
  readonly json: unknown;
}

export interface Command<Context> {
  /** As it is typed, for example `schema status`. */
  readonly name: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, Option>>;
  readonly run: (context: Context, options: Options) => Promise<Outcome>;
}

/** The command line was wrong; the message says how in one sentence. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export type Invocation<Context> =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'run'; readonly command: Command<Context>; readonly options: Options };

const common: Readonly<Record<string, Option>> = {
  json: { help: 'print JSON' },
  help: { help: 'print this' },
};

/** Throws UsageError. `program` is what one types before the command. */
export function readCommandLine<Context>(
  program: string,
  commands: readonly Command<Context>[],
  argv: readonly string[],
): Invocation<Context> {
  const words = argv.filter((word, index) => !word.startsWith('-') && index < 2).join(' ');
  const command = commands.find(({ name }) => words === name || words.startsWith(`${name} `));
  if (command === undefined) {
    if (argv.length === 0 || argv.includes('--help'))
      return { kind: 'help', text: overview(program, commands) };
    const names = commands.map(({ name }) => name).join(', ');
    throw new UsageError(`There is no command "${words}"; there are ${names}.`);
  }
  const known = { ...command.options, ...common };
  const options = readOptions(known, argv.slice(command.name.split(' ').length));
  if (options['help'] === true) return { kind: 'help', text: helpOf(program, command, known) };
  return { kind: 'run', command, options };
}

function readOptions(known: Readonly<Record<string, Option>>, args: readonly string[]): Options {
  const described = Object.entries(known).map(
    ([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }] as const,
  );
  try {
    const { values } = parseArgs({ args: [...args], options: Object.fromEntries(described) });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function overview<Context>(program: string, commands: readonly Command<Context>[]): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return `${program} <command> [options]\n\n${columns(rows)}\n\n${program} <command> --help says more.\n`;
}

function helpOf<Context>(
  program: string,
  { name, summary }: Command<Context>,
  known: Readonly<Record<string, Option>>,
): string {
  const rows = Object.entries(known).map(
    ([option, { help, value }]) =>
      [`--${option}${value === undefined ? '' : ` ${value}`}`, help] as const,
  );
  return `${program} ${name} [options]\n${summary}\n\n${columns(rows)}\n`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}

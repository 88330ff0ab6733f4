/** Command line → options. The first mistake is told in one sentence. */
import { parseArgs } from 'node:util';

export interface FuzzArguments {
  readonly inputs: number;
  readonly seed: number;
}

export const usage = `Sends frames, requests and bytes to a real server on a real Redis and Postgres: right, almost right and wrong.
Nothing may crash it, leave it without an answer the protocol knows, or make it keep memory.

  npm run fuzz -- [options]

  --inputs <n>   frames and requests to send, 100 to 1000000000; 100000 by default
  --seed <n>     what is sent; a new one each time by default
  --help         this text

Exit code 0: nothing was found. 1: something was. 64: the command line is at fault.
`;

/** The command line is wrong, for the reason told. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** `randomSeed` is asked when no seed is given. Throws UsageError. */
export function readArguments(
  args: readonly string[],
  randomSeed: () => number,
): FuzzArguments | 'help' {
  const { inputs, seed, help } = parse(args);
  if (help) return 'help';
  return {
    inputs: wholeNumber('--inputs', inputs, 100, 1_000_000_000),
    seed: seed === undefined ? randomSeed() : wholeNumber('--seed', seed, 0, 1_000_000),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        inputs: { type: 'string', default: '100000' },
        seed: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    const [sentence = ''] = String(error instanceof Error ? error.message : error).split(/\. |\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')}. See --help.`);
  }
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${option} is a whole number from ${min} to ${max}, not "${text}".`);
}

/** How large a command is: for who sends it, and for who takes it. Pure. */
import { depthMax, type Limits } from './limits.ts';

/** Written out again JSON grows: `1e20` has 4 characters, and 21 then. Bytes per character of what came, more than ever. */
const growthMax = 8;

/**
 * One sentence when no server would take such data, whatever it says. [B2] [B12]
 * `sourceChars`: length of a text it was read from, when there is one: what came in a small one need not be measured.
 */
export function sizeFault(
  data: unknown,
  { command_bytes_max: bytesMax }: Pick<Limits, 'command_bytes_max'>,
  sourceChars = Infinity,
): string | undefined {
  // Before anything walks through it: what is nested deeper than the stack would end the session, for everybody in it.
  if (isDeeper(data, depthMax)) return `A command's data is ${depthMax} levels deep at most.`;
  const isLarge =
    sourceChars * growthMax > bytesMax && isLonger(JSON.stringify(data ?? null), bytesMax);
  return isLarge ? `A command has ${bytesMax} bytes at most.` : undefined;
}

/** Bytes of a character in UTF-8; one of a pair of surrogates has 2. */
const charBytesMax = 3;

/** What is short enough whatever it says is not encoded to see: that was a tenth of what a command costs its client. */
const isLonger = (text: string, bytesMax: number): boolean =>
  text.length * charBytesMax > bytesMax && new TextEncoder().encode(text).length > bytesMax;

/**
 * How many of these commands, each as JSON, from the first, go into one frame with their hashes, whatever they say; one at least.
 * [B1] [B3]
 */
export function fittingCount(
  texts: readonly string[],
  { frame_bytes_max: bytesMax, frame_commands_max: countMax }: Limits,
): number {
  let bytes = envelopeBytes;
  const place = texts.findIndex(
    (text) => (bytes += text.length * charBytesMax + hashBytesMax) > bytesMax,
  );
  return Math.min(countMax, place === -1 ? texts.length : Math.max(1, place));
}

/** Bytes of a frame around its commands, and some more. */
const envelopeBytes = 128;

/** Bytes of a command's hash (14 at most) with its quotes, and of the commas behind both. */
const hashBytesMax = 18;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((inner) => isDeeper(inner, levels - 1));
  // No list of the values: this is asked of every command.
  for (const key in value)
    if (isDeeper((value as Readonly<Record<string, unknown>>)[key], levels - 1)) return true;
  return false;
}

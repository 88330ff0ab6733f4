/** What all readers of workout files share. */
import * as v from 'valibot';

import { messageCharsMax, planSchema, textCountMax } from './plan.ts';
import type { Plan, PlanSegment } from './plan.ts';

/** Characters of a file. Real ones have at most some 50,000; this is what a phone still parses in a moment. */
export const fileCharsMax = 1_048_576;
export const tooLarge = 'The file is larger than 1 MB.';
/** Different warnings that are told: a broken file must not bury the screen. */
const warningCountMax = 50;

/** A plan with remarks for the rider, or one sentence that says why there is none. */
export type ImportResult =
  | { readonly ok: true; readonly plan: Plan; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problem: string };

/** A file that cannot be ridden as it is; the message is a sentence for the person who chose it. */
export class ImportProblem extends Error {
  override readonly name = 'ImportProblem';
}

/** A text for the rider, at its place in the whole plan. */
export interface PlacedText {
  readonly positionS: number;
  readonly message: string;
}

/** Runs a reader. What it throws as a problem becomes the result; it may add warnings until the end. */
export function imported(
  read: (warn: (warning: string) => void) => {
    readonly name: string;
    readonly description: string;
    readonly segments: readonly PlanSegment[];
    readonly texts: readonly PlacedText[];
  },
): ImportResult {
  const warnings = new Set<string>();
  const warn = (warning: string): void => {
    if (warnings.size < warningCountMax) warnings.add(warning);
  };
  try {
    const { name, description, segments, texts } = read(warn);
    const parsed = v.safeParse(planSchema, {
      name: shortened(inOneLine(name) || 'Workout without a name', 200),
      description: shortened(inOneLine(description), 2000),
      segments: withTexts(segments, texts, warn),
    });
    return parsed.success
      ? { ok: true, plan: parsed.output, warnings: [...warnings] }
      : { ok: false, problem: `The workout cannot be ridden: ${parsed.issues[0].message}` };
  } catch (error) {
    if (error instanceof ImportProblem) return { ok: false, problem: error.message };
    throw error;
  }
}

/** The segments with every text in the one it falls into: intervals come as one block and leave as many segments. */
function withTexts(
  segments: readonly PlanSegment[],
  texts: readonly PlacedText[],
  warn: (warning: string) => void,
): readonly PlanSegment[] {
  if (texts.length > textCountMax) warn(`Only the first ${textCountMax} texts are taken.`);
  const taken = texts.slice(0, textCountMax).map(({ positionS, message }) => {
    const short = shortened(message, messageCharsMax);
    if (short !== message) warn('A long text is cut.');
    return { positionS, message: short };
  });
  let startS = 0;
  const placed = segments.map((segment) => {
    const endS = startS + segment.durationS;
    const own = taken
      .filter(({ positionS }) => positionS >= startS && positionS < endS)
      .map(({ positionS, message }) => ({ atS: positionS - startS, message }))
      .toSorted((a, b) => a.atS - b.atS);
    startS = endS;
    return own.length === 0 ? segment : { ...segment, texts: own };
  });
  if (taken.some(({ positionS }) => positionS >= startS))
    warn('A text after the end of the workout is left out.');
  return placed;
}

/** All blanks as one space. */
export function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** At most that many characters, without cutting a surrogate pair in two. */
function shortened(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  return `${text.slice(0, charsMax - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** Makes a failing run small: leaves out steps as long as the same thing stays wrong. */
import type { Simulate } from './planted-source.ts';
import type { Outcome, SimulateOptions } from './simulate.ts';

export interface Shrunk {
  readonly steps: readonly number[];
  readonly variant: number;
  readonly tries: number;
  readonly outcome: Outcome;
}

/** Runs that are spent at most, and kinds of luck each schedule is tried with. */
const triesMax = 1_500;
const variantCount = 3;

/** What was wrong, without what differs from run to run. */
export function kindOf(violation: string): string {
  const [line = ''] = violation.split('\n');
  return line
    .replaceAll(/\b[a-z]0{2}[0-9]+_*(\/[a-z][0-9]+_*)?/g, 'id')
    .replaceAll(/[0-9]+(-[a-z0-9]+)?/g, 'n')
    .replaceAll(/_+/g, '');
}

/** Delta debugging over the numbers of the steps that were taken. */
export async function shrink(
  simulate: Simulate,
  first: Outcome,
  options: Pick<SimulateOptions, 'tampering' | 'isRisky'>,
): Promise<Shrunk> {
  const { seed, violation = '' } = first;
  const kind = kindOf(violation);
  const all = Array.from({ length: first.lastStep }, (_, index) => index + 1);
  let best: Shrunk = { steps: all, variant: 0, tries: 0, outcome: first };
  let tries = 0;
  const fails = async (steps: readonly number[]): Promise<boolean> => {
    const taken = new Set(steps);
    for (let variant = 0; variant < variantCount && tries < triesMax; variant++) {
      tries++;
      const isTaken = (step: { readonly number: number }): boolean => taken.has(step.number);
      const outcome = await simulate(seed, { ...options, variant, isTaken });
      if (outcome.violation === undefined || kindOf(outcome.violation) !== kind) continue;
      best = { steps, variant, tries, outcome };
      return true;
    }
    return false;
  };
  for (let partCount = 2; partCount > 0;)
    partCount = await nextPartCount(best.steps, partCount, fails, () => tries < triesMax);
  return { ...best, tries };
}

/** Tries to leave out one part of so many; returns into how many to cut next, or 0 at the end. */
async function nextPartCount(
  steps: readonly number[],
  partCount: number,
  fails: (steps: readonly number[]) => Promise<boolean>,
  isWorthwhile: () => boolean,
): Promise<number> {
  const partLength = Math.ceil(steps.length / partCount);
  // The last ones first: what comes after the mistake is never needed.
  for (let end = steps.length; end > 0 && isWorthwhile(); end -= partLength)
    if (await fails(steps.toSpliced(Math.max(0, end - partLength), partLength)))
      return Math.max(2, partCount - 1);
  return partLength <= 1 || !isWorthwhile() ? 0 : Math.min(steps.length, 2 * partCount);
}

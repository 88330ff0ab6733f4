/** Runs many seeds: `npm run sim -- --seeds 10000 --from 1`, or one of them with everything that happened: `--seed 4711 --trace`. */
import { parseArgs } from 'node:util';

import { simulate, type Outcome } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    /** Goes on after a failing seed, and counts what was wrong. */
    /** Faults may come together that nobody promises to survive. */
    risky: { type: 'boolean', default: false },
    /** What is known to be wrong, as a regular expression. */
    tolerate: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
});

const tolerated = values.tolerate === undefined ? undefined : new RegExp(values.tolerate);

/** Lines of the trace of one seed: all there are. */
const wholeTrace = 1_000_000;

const report = ({ seed, violation, trace }: Outcome): void => {
  console.log(trace.join('\n'));
  console.log(`seed ${seed}: ${violation ?? 'all is well'}`);
};

/** How often what was wrong, and where to see it. */
function summary(wrong: readonly Outcome[]): string {
  const kinds = new Map<string, number[]>();
  for (const { seed, violation = '' } of wrong) {
    const kind =
      violation
        .split('\n')[0]
        ?.replaceAll(/[0-9]+/g, 'n')
        .replaceAll(/_+/g, '') ?? '';
    kinds.set(kind, [...(kinds.get(kind) ?? []), seed]);
  }
  return [...kinds]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([kind, seeds]) => `${seeds.length} × ${kind}\n    seeds ${seeds.slice(0, 8).join(' ')}`)
    .join('\n');
}

async function runOne(seed: number): Promise<void> {
  const outcome = await simulate(seed, {
    traceNotesMax: values.trace ? wholeTrace : undefined,
    tolerated,
    isRisky: values.risky,
  });
  report(outcome);
  console.log(outcome.counts, outcome.faultNames.join(' '));
  if (outcome.violation !== undefined) process.exitCode = 1;
}

async function runMany(from: number, count: number): Promise<void> {
  const beganMs = performance.now();
  const wrong: Outcome[] = [];
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await simulate(seed, { tolerated, isRisky: values.risky });
    if (outcome.violation !== undefined) wrong.push(outcome);
    if (outcome.violation !== undefined && !values.all) break;
    const done = seed - from + 1;
    if (done % 500 === 0 || done === count) {
      const perSecond = (1_000 * done) / (performance.now() - beganMs);
      console.log(`${done} seeds, ${perSecond.toFixed(0)} a second, ${wrong.length} wrong`);
    }
  }
  if (values.all) console.log(summary(wrong));
  else wrong.forEach(report);
  if (wrong.length > 0) process.exitCode = 1;
}

if (values.seed === undefined) await runMany(Number(values.from), Number(values.seeds));
else await runOne(Number(values.seed));

/** A short look at the one figure that everything else hangs on, for every run of the tests: has an event become dearer? */
import { rounded, type ScenarioResult } from '../result.ts';
import { costTables, medianRatio, runRounds } from '../rounds.ts';
import type { Scenario, Surroundings } from '../scenario.ts';

const riderCount = 50;
const inFlight = 16;

/** Rounds and seconds of its own: it must not take long, and in short turns noise comes and goes between the subjects alike. */
const plan = { rounds: 7, seconds: 0.8, warmUpS: 3 };

/**
 * Server CPU per event, of an echo that keeps nothing, as it was measured; and how far above it noise may take the median, in which a
 * quiet and a busy machine differ.
 */
const ratioKnown = 1.3;
const noiseBand = 0.5;

async function run(surroundings: Surroundings): Promise<ScenarioResult> {
  const all = await runRounds(
    { ...surroundings, options: { ...surroundings.options, ...plan } },
    { subjects: ['durable', 'echo'], riders: riderCount, load: { inFlight } },
  );
  const measured = medianRatio(all, 'durable', 'echo', ({ cost }) => cost.serverUs);
  const atMost = rounded(ratioKnown * (1 + noiseBand));
  return {
    name: 'guard',
    what: `${riderCount} riders, each with ${inFlight} events under way, in ${plan.rounds} short turns beside a bare echo`,
    tables: costTables([[riderCount, all]], () => 'CPU per event'),
    charts: [],
    goals: [
      {
        what: `server CPU per event, of an echo that keeps nothing (known: ${ratioKnown}, noise ± ${100 * noiseBand} %)`,
        measured,
        limit: { atMost },
        unit: '×',
      },
    ],
    faults:
      measured <= atMost
        ? []
        : [`An event costs ${measured.toFixed(2)} times an echo, and cost ${ratioKnown}.`],
  };
}

export const guard: Scenario = {
  what: 'whether an event has become dearer, in half a minute',
  run,
};

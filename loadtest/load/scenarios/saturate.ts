/** As many events as there is room for: what one costs when everybody is busy. */
import type { ScenarioResult } from '../result.ts';
import { costColumns, costRows, faultsOf, medianOf, runRounds } from '../rounds.ts';
import type { Scenario, Surroundings } from '../scenario.ts';

const riderCount = 200;
const inFlight = 16;

async function run(surroundings: Surroundings): Promise<ScenarioResult> {
  const riders = surroundings.options.riders ?? riderCount;
  const all = await runRounds(surroundings, {
    subjects: ['durable', 'set', 'echo', 'echo-16'],
    riders,
    load: { inFlight },
  });
  const server = (name: 'durable' | 'set' | 'echo'): number =>
    medianOf(all.get(name), ({ cost }) => cost.serverUs);
  const redis = (name: 'durable' | 'set'): number =>
    medianOf(all.get(name), ({ cost }) => cost.redisUs);
  return {
    name: 'saturate',
    what: `${riders} riders, each with ${inFlight} events under way`,
    tables: [{ title: 'CPU per event', columns: costColumns, rows: costRows(all) }],
    charts: [],
    goals: [
      {
        what: 'server CPU per event, of ws + SET',
        measured: server('durable') / server('set'),
        limit: { atMost: 0.33 },
        unit: '×',
      },
      {
        what: 'server CPU per event, of an echo that keeps nothing',
        measured: server('durable') / server('echo'),
        limit: { atMost: 1 },
        unit: '×',
      },
      {
        what: 'Redis CPU per event, of ws + SET',
        measured: redis('durable') / redis('set'),
        limit: { atMost: 0.6 },
        unit: '×',
      },
    ],
    faults: faultsOf(all),
  };
}

export const saturate: Scenario = {
  what: 'CPU per event with as many under way as there is room for',
  run,
};

/** Runs rows, each with stores of its own. */
import { setTimeout as delay } from 'node:timers/promises';

import { startPostgres } from '../support/services/postgres-service.ts';
import { startRedis } from '../support/services/redis-service.ts';
import { guardRows } from './guard-rows.ts';
import { onePortRows } from './one-port-rows.ts';
import { otherRows } from './other-rows.ts';
import { ownRows } from './own-rows.ts';
import { failedCount, isAsExpected, type Bench, type Row, type RowResult } from './rows.ts';

export const allRows: readonly Row[] = [...ownRows, ...onePortRows, ...guardRows, ...otherRows];

export const laneCount = 3;

/** A row takes a minute or two; one that waits for what never comes must not keep the others waiting. */
const rowMsMax = 10 * 60_000;

/**
 * Those that are about time one by one, then three at a time: most of a row is waiting. Resolves in the order given; `keep` gets
 * what there is after each of them, so that a run that is cut off loses none that was done.
 */
export async function runRows(
  rows: readonly Row[],
  bench: Omit<Bench, 'stores'>,
  say: (line: string) => void,
  keep: (results: readonly RowResult[]) => Promise<void> = async () => {},
): Promise<RowResult[]> {
  const results = new Map<number, RowResult>();
  const soFar = (): RowResult[] =>
    [...results].toSorted(([one], [other]) => one - other).map(([, result]) => result);
  const [alone, others] = [true, false].map((isAlone) =>
    [...rows.entries()].filter(([, row]) => (row.isAlone === true) === isAlone),
  );
  // One page at a time: two lanes that are done together would write over each other.
  let kept = Promise.resolve();
  const lane = async (todo: [number, Row][] = []): Promise<void> => {
    for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
      const [index, row] = next;
      const beganMs = performance.now();
      const result = await runRow(row, bench);
      results.set(index, result);
      const seconds = Math.round((performance.now() - beganMs) / 1000);
      const { outcome } = result;
      const found =
        typeof outcome === 'string'
          ? outcome
          : `${failedCount(outcome)} of ${outcome.requestCount} requests failed, ${outcome.gapsMs.length} gaps, ${outcome.differingCount} losses`;
      const remark = isAsExpected(result)
        ? 'as it must be'
        : `NOT AS IT MUST BE (${row.expects.says})`;
      say(`${results.size}/${rows.length} ${row.id}, ${seconds} s: ${remark}; ${found}`);
      if (!isAsExpected(result) && typeof outcome !== 'string' && outcome.said !== undefined)
        say(outcome.said.split('\n').slice(-6).join('\n'));
      const page = soFar();
      kept = kept.then(() => keep(page));
      await kept;
    }
  };
  await lane(alone);
  await Promise.all(Array.from({ length: laneCount }, () => lane(others)));
  return soFar();
}

async function runRow(row: Row, bench: Omit<Bench, 'stores'>): Promise<RowResult> {
  const stops: (() => Promise<void>)[] = [];
  const stores = async (): Promise<{ postgres: string; redis: string }> => {
    const postgres = await startPostgres();
    stops.push(() => postgres.stop());
    const redis = await startRedis();
    stops.push(() => redis.stop());
    return { postgres: postgres.url, redis: redis.url };
  };
  try {
    return { row, outcome: await within(rowMsMax, row.run({ ...bench, stores })) };
  } catch (error) {
    // The rows that are done must not be lost with it.
    return { row, outcome: error instanceof Error ? error.message : String(error), isBroken: true };
  } finally {
    // A store that does not end in order must not end the rows that are left.
    for (const stop of stops.toReversed()) await stop().catch(() => {});
  }
}

async function within<Value>(limitMs: number, doing: Promise<Value>): Promise<Value> {
  const over = new AbortController();
  const late = delay(limitMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(`it did not end within ${limitMs / 60_000} minutes`);
  });
  try {
    return await Promise.race([doing, late]);
  } finally {
    over.abort();
  }
}

/** Runs rows, each with stores of its own. */
import { startPostgres } from '../support/services/postgres-service.ts';
import { startRedis } from '../support/services/redis-service.ts';
import { onePortRows } from './one-port-rows.ts';
import { otherRows } from './other-rows.ts';
import { ownRows } from './own-rows.ts';
import { failedCount, isAsExpected, type Bench, type Row, type RowResult } from './rows.ts';

export const allRows: readonly Row[] = [...ownRows, ...onePortRows, ...otherRows];

/** Three at a time: most of a row is waiting. Resolves in the order given. */
const laneCount = 3;

export async function runRows(
  rows: readonly Row[],
  bench: Omit<Bench, 'stores'>,
  say: (line: string) => void,
): Promise<RowResult[]> {
  const results: RowResult[] = [];
  const todo = [...rows.entries()];
  const lane = async (): Promise<void> => {
    for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
      const [index, row] = next;
      const beganMs = performance.now();
      const result = await runRow(row, bench);
      results[index] = result;
      const seconds = Math.round((performance.now() - beganMs) / 1000);
      const { outcome } = result;
      const found =
        typeof outcome === 'string'
          ? outcome
          : `${failedCount(outcome)} of ${outcome.requestCount} requests failed`;
      const remark = isAsExpected(result) ? '' : ' NOT AS EXPECTED';
      say(`row ${index + 1}/${rows.length} ${row.id}: ${found}, ${seconds} s${remark}`);
    }
  };
  await Promise.all(Array.from({ length: laneCount }, lane));
  return results;
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
    return { row, outcome: await row.run({ ...bench, stores }) };
  } catch (error) {
    // The rows that are done must not be lost with it.
    return { row, outcome: error instanceof Error ? error.message : String(error), isBroken: true };
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

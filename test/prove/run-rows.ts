/** Runs rows one after the other, each with stores of its own. */
import { startPostgres } from '../support/services/postgres-service.ts';
import { startRedis } from '../support/services/redis-service.ts';
import { otherRows } from './other-rows.ts';
import { ownRows } from './own-rows.ts';
import { failedCount, type Bench, type Row, type RowResult } from './rows.ts';

export const allRows: readonly Row[] = [...ownRows, ...otherRows];

export async function runRows(
  rows: readonly Row[],
  bench: Omit<Bench, 'stores'>,
  say: (line: string) => void,
): Promise<RowResult[]> {
  const results: RowResult[] = [];
  for (const [index, row] of rows.entries()) {
    const stops: (() => Promise<void>)[] = [];
    const stores = async (): Promise<{ postgres: string; redis: string }> => {
      const postgres = await startPostgres();
      stops.push(() => postgres.stop());
      const redis = await startRedis();
      stops.push(() => redis.stop());
      return { postgres: postgres.url, redis: redis.url };
    };
    const beganMs = performance.now();
    try {
      const outcome = await row.run({ ...bench, stores });
      results.push({ row, outcome });
      const seconds = Math.round((performance.now() - beganMs) / 1000);
      say(
        `row ${index + 1}/${rows.length} ${row.id}: ${typeof outcome === 'string' ? outcome : `${failedCount(outcome)} of ${outcome.requestCount} requests failed`}, ${seconds} s`,
      );
    } finally {
      for (const stop of stops.toReversed()) await stop();
    }
  }
  return results;
}

import { Pool } from 'pg';
import { expect, test } from 'vitest';

import type { Claim } from '../../server/store/journal.ts';
import { askingPostgres } from '../../server/store/postgres/ask-postgres.ts';
import { loadSql } from '../../server/store/postgres/statements.ts';
import { takingOver } from '../../server/store/postgres/take-over.ts';

const sessionIds = ['one', 'two', 'three'];
const claim = (sessionId: string): Claim => ({ sessionId, ownerId: 'a', versions: { tally: 1 } });
const snapshot = JSON.stringify({ kind: 'tally', version: 1, offset: 3, writers: [], state: {} });

/** Claims everything; a reading of the second session's log, alone or among others, ends as told. */
function postgresThat(fails: () => Error) {
  const readings: string[] = [];
  const pool = new Pool();
  const answer = (sql: string, [ids]: readonly unknown[]): Promise<{ rows: object[] }> => {
    const asked = sessionIds.filter((id) => String(ids).includes(id));
    if (sql !== loadSql)
      return Promise.resolve({
        rows: asked.map((id) => ({ session_id: id, result: 'taken', epoch: 'e', term: 4 })),
      });
    readings.push(asked.join(' '));
    if (asked.includes('two')) return Promise.reject(fails());
    return Promise.resolve({
      rows: asked.map((id) => ({ session_id: id, entries: '', snapshot, head: 3 })),
    });
  };
  Reflect.set(pool, 'query', answer);
  const takeOver = takingOver(askingPostgres(pool));
  const all = (): Promise<PromiseSettledResult<unknown>[]> =>
    Promise.allSettled(sessionIds.map((id) => takeOver(claim(id))));
  return { all, readings };
}

test('a log that cannot be read keeps no other session from being taken over, and is about its own alone', async () => {
  const { all, readings } = postgresThat(() =>
    Object.assign(new Error('invalid page'), { code: 'XX001' }),
  );
  const whole = { value: { kind: 'taken', term: 4, snapshot: { offset: 3 } } };
  const broken = { reason: { name: 'StoreUnavailableError', isAboutSession: true } };
  expect(await all()).toMatchObject([whole, broken, whole]);
  expect(readings).toEqual(['one two three', 'one', 'two', 'three']);
});

test('where Postgres is away nobody asks once more', async () => {
  const { all, readings } = postgresThat(() => new Error('Connection terminated'));
  const away = { reason: { name: 'StoreUnavailableError', isAboutSession: false } };
  expect(await all()).toMatchObject([away, away, away]);
  expect(readings).toEqual(['one two three']);
});

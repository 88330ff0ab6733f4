import { expect, test } from 'vitest';

import { StoreUnavailableError, type Claim } from '../../server/store/journal.ts';
import type { Query } from '../../server/store/postgres/ask-postgres.ts';
import { loadSql } from '../../server/store/postgres/statements.ts';
import { takingOver } from '../../server/store/postgres/take-over.ts';

const claim = (sessionId: string): Claim => ({ sessionId, ownerId: 'a', versions: { tally: 1 } });
const snapshot = JSON.stringify({ kind: 'tally', version: 1, offset: 3, writers: [], state: {} });

/** Claims everything, and reads no log of a damaged session, nor any together with it. */
function postgresWith(damaged: string) {
  const readings: string[] = [];
  const query = ((sql: string, [ids]: readonly unknown[]) => {
    const sessionIds = ['one', 'two', 'three'].filter((id) => String(ids).includes(id));
    if (sql !== loadSql)
      return Promise.resolve(
        sessionIds.map((id) => ({ session_id: id, result: 'taken', epoch: 'e', term: 4 })),
      );
    readings.push(sessionIds.join(' '));
    return sessionIds.includes(damaged)
      ? Promise.reject(new StoreUnavailableError('Postgres', 'invalid page'))
      : Promise.resolve(sessionIds.map((id) => ({ session_id: id, entries: '', snapshot })));
  }) as Query;
  return { takeOver: takingOver(query), readings };
}

test('a log that cannot be read keeps no other session from being taken over', async () => {
  const { takeOver, readings } = postgresWith('two');
  const taken = await Promise.allSettled(['one', 'two', 'three'].map((id) => takeOver(claim(id))));
  const whole = { value: { kind: 'taken', term: 4, snapshot: { offset: 3 } } };
  expect(taken).toMatchObject([whole, { reason: { name: 'StoreUnavailableError' } }, whole]);
  expect(readings).toEqual(['one two three', 'one', 'two', 'three']);
});

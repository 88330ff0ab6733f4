import { Pool } from 'pg';
import { expect, test } from 'vitest';

import type { Claim, Recovered } from '../../server/store/journal.ts';
import { askingPostgres } from '../../server/store/postgres/ask-postgres.ts';
import { loadSql } from '../../server/store/postgres/statements.ts';
import { takingOver } from '../../server/store/postgres/take-over.ts';

const sessionIds = ['one', 'two', 'three'];
const claim = (sessionId: string): Claim => ({ sessionId, ownerId: 'a', versions: { tally: 1 } });
const snapshot = JSON.stringify({ kind: 'tally', version: 1, offset: 3, writers: [], state: {} });

const whole = { owner_id: 'a', entries: '', snapshot, head: 3 };

interface Ends {
  /** How a reading of the second session's log ends, alone or among others. */
  readonly fails?: () => Error;
  /** What is read of each. */
  readonly rowOf?: (sessionId: string) => Readonly<Record<string, unknown>>;
}

/** Claims everything. */
function postgresThat({ fails, rowOf = () => whole }: Ends) {
  const readings: string[] = [];
  const pool = new Pool();
  const answer = (sql: string, [ids]: readonly unknown[]): Promise<{ rows: object[] }> => {
    const asked = sessionIds.filter((id) => String(ids).includes(id));
    if (sql !== loadSql)
      return Promise.resolve({
        rows: asked.map((id) => ({ session_id: id, result: 'taken', epoch: 'e', term: 4 })),
      });
    readings.push(asked.join(' '));
    if (fails !== undefined && asked.includes('two')) return Promise.reject(fails());
    return Promise.resolve({
      rows: asked.map((id) => ({ ...rowOf(id), session_id: id })),
    });
  };
  Reflect.set(pool, 'query', answer);
  const takeOver = takingOver(askingPostgres(pool));
  const all = (): Promise<PromiseSettledResult<unknown>[]> =>
    Promise.allSettled(sessionIds.map((id) => takeOver(claim(id))));
  return { all, readings };
}

test('a log that cannot be read keeps no other session from being taken over, and is about its own alone', async () => {
  const { all, readings } = postgresThat({
    fails: () => Object.assign(new Error('invalid page'), { code: 'XX001' }),
  });
  const taken = { value: { kind: 'taken', term: 4, snapshot: { offset: 3 } } };
  const broken = { reason: { name: 'StoreUnavailableError', isAboutSession: true } };
  expect(await all()).toMatchObject([taken, broken, taken]);
  expect(readings).toEqual(['one two three', 'one', 'two', 'three']);
});

test('where Postgres is away nobody asks once more', async () => {
  const { all, readings } = postgresThat({ fails: () => new Error('Connection terminated') });
  const away = { reason: { name: 'StoreUnavailableError', isAboutSession: false } };
  expect(await all()).toMatchObject([away, away, away]);
  expect(readings).toEqual(['one two three']);
});

test('[O1] who was overtaken before it had read the log is told so, and gets nothing of what another owner wrote', async () => {
  const { all } = postgresThat({
    rowOf: (id) => (id === 'two' ? { ...whole, owner_id: 'b', head: 9 } : whole),
  });
  const taken = { value: { kind: 'taken', head: 3 } };
  const overtaken = { value: { kind: 'outrun' } };
  expect(await all()).toMatchObject([taken, overtaken, taken]);
});

test('what is damaged keeps nobody from a take-over, who need not read it; who does finds out', async () => {
  const { all } = postgresThat({
    rowOf: (id) => (id === 'two' ? { ...whole, snapshot: '{"kind":' } : whole),
  });
  const [, second] = await all();
  if (second?.status !== 'fulfilled') throw new Error('It was not taken over.');
  const damaged = second.value as Recovered;
  expect(damaged.head).toBe(3);
  expect(() => damaged.snapshot).toThrow(SyntaxError);
});

import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { migrate } from '../../server/store/postgres/migrate.ts';
import { postgresJournal } from '../../server/store/postgres/postgres-journal.ts';
import { freshPglite, freshPostgres } from '../support/services/shared-services.ts';
import { describeJournal } from './journal-contract.ts';

const entry = JSON.stringify({ offset: 1, writer: 0, seq: 1, at_ms: 1, hash: 'x', events: [] });

const databases = { Postgres: freshPostgres, 'the embedded Postgres': freshPglite };

for (const [name, fresh] of Object.entries(databases))
  describe(name, () => {
    let pool: Pool;
    beforeAll(async () => {
      pool = new Pool({ connectionString: (await fresh()).url, max: 4 });
      pool.on('error', () => {});
      await migrate(pool);
    });
    afterAll(() => pool.end());

    describeJournal(name, () => {
      const journal = postgresJournal(pool);
      return Promise.resolve({
        journal,
        isLasting: true,
        seed: (sessionId, epoch, snapshot) =>
          journal.create({ sessionId, epoch, snapshot, retentionMs: 60_000 }),
      });
    });

    test('migrating again, also twice at once, applies nothing', async () => {
      expect(await Promise.all([migrate(pool), migrate(pool)])).toEqual([[], []]);
    });

    test('[O1] however appends and take-overs meet, no former owner’s write lands late and no term is given twice', async () => {
      const journal = postgresJournal(pool);
      const versions = { tally: 1 };
      const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
      for (let round = 0; round < 60; round++) {
        const sessionId = `race-${name.length}-${round}-0000000000000000`.slice(0, 30);
        await journal.create({ sessionId, epoch: 'e1', snapshot, retentionMs: 60_000 });
        await journal.takeOver({ sessionId, ownerId: 'a', versions });
        const batch = { sessionId, ownerId: 'a', epoch: 'e1', prev: 0, head: 1, entries: [entry] };
        const [late, b, c] = await Promise.all([
          journal.append(batch),
          journal.takeOver({ sessionId, ownerId: 'b', versions }),
          postgresJournal(pool).takeOver({ sessionId, ownerId: 'c', versions }),
        ]);
        const claims = [b, c].flatMap((claim) => (claim.kind === 'taken' ? [claim] : []));
        // Who was overtaken before it had read the log has nothing of it.
        for (const { kind } of [b, c]) expect(['taken', 'outrun']).toContain(kind);
        const terms = claims.map(({ term }) => term);
        expect(terms).toContain(3);
        expect(new Set(terms).size).toBe(terms.length);
        // What landed was there for whoever took over afterwards.
        for (const { entries } of claims) expect(entries).toHaveLength(late === 'appended' ? 1 : 0);
      }
    });

    test('[O4] an epoch begins only where the log ends', async () => {
      const journal = postgresJournal(pool);
      const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
      const sessionId = `epoch-ends-${name.length}-000000000000`;
      await journal.create({ sessionId, epoch: 'e1', snapshot, retentionMs: 60_000 });
      await journal.takeOver({ sessionId, ownerId: 'a', versions: { tally: 1 } });
      const start = { sessionId, ownerId: 'a', term: 1, epoch: 'e2' };
      expect(await journal.startEpoch({ ...start, snapshot: { ...snapshot, offset: 7 } })).toBe(
        'behind',
      );
      expect(await journal.startEpoch({ ...start, snapshot })).toBe('appended');
    });

    test('[R9] taking a session over keeps it for another retention', async () => {
      const journal = postgresJournal(pool);
      const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
      const sessionId = `kept-longer-${name.length}-00000000000`;
      await journal.create({ sessionId, epoch: 'e1', snapshot, retentionMs: 60_000 });
      await journal.takeOver({ sessionId, ownerId: 'a', versions: { tally: 1 } });
      const { rows } = await pool.query<{ days: string }>(
        'select extract(epoch from expires_at - now()) / 86400 as days from trackstand.sessions where session_id = $1',
        [sessionId],
      );
      expect(rows.map(({ days }) => Math.round(Number(days)))).toEqual([30]);
    });

    test('[L4] a session whose retention is over is gone, which is not the same as unknown', async () => {
      const journal = postgresJournal(pool);
      const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
      const sessionId = 'expired-session-0000000';
      await journal.create({ sessionId, epoch: 'e1', snapshot, retentionMs: -1_000 });
      const claim = { sessionId, ownerId: 'a', versions: { tally: 1 } };
      expect(await journal.takeOver(claim)).toMatchObject({ kind: 'gone', writers: [] });
      expect(await journal.peek(sessionId)).toMatchObject({ kind: 'gone', reason: 'abandoned' });
    });
  });

/** The embedded one has a single connection, so nothing there is locked by somebody else. */
describe('Postgres, where others have sessions locked', () => {
  let pool: Pool;
  beforeAll(async () => {
    pool = new Pool({ connectionString: (await freshPostgres()).url, max: 4 });
    await migrate(pool);
  });
  afterAll(() => pool.end());

  test('who waits for a session that somebody has locked keeps nobody else waiting', async () => {
    const journal = postgresJournal(pool);
    const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
    const [locked, free] = ['locked-000000000000000000', 'free-00000000000000000000'] as const;
    for (const sessionId of [locked, free])
      await journal.create({ sessionId, epoch: 'e1', snapshot, retentionMs: 60_000 });
    const claim = (sessionId: string) =>
      journal.takeOver({ sessionId, ownerId: 'a', versions: { tally: 1 } });
    const other = await pool.connect();
    await other.query('begin');
    await other.query('select from trackstand.sessions where session_id = $1 for share', [locked]);
    const [waiting, served] = [claim(locked), claim(free)];
    expect(await served).toMatchObject({ kind: 'taken' });
    expect(await claim(free)).toMatchObject({ kind: 'taken' });
    await other.query('commit');
    other.release();
    expect(await waiting).toMatchObject({ kind: 'taken', term: 1 });
  });
});

import { randomBytes } from 'node:crypto';

import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { migrate } from '../../server/store/postgres/migrate.ts';
import { postgresHousekeeping } from '../../server/store/postgres/postgres-housekeeping.ts';
import { postgresJournal } from '../../server/store/postgres/postgres-journal.ts';
import { retentionMs } from '../../shared/protocol/limits.ts';
import { freshPglite, freshPostgres } from '../support/services/shared-services.ts';

const versions = { tally: 1 };
const writer = (accepted: number) => ({
  client_id: 'client-0000000000000001',
  incarnation: 'incarnation-0000000001',
  generation: 1,
  accepted,
  hashes: [],
  at_ms: 5,
});
const snapshotAt = (offset: number) => ({
  kind: 'tally',
  version: 1,
  offset,
  writers: [writer(offset)],
  state: { text: 'a zero \u0000 and half a pair \ud800 are text too' },
});
const entriesBetween = (prev: number, head: number): string =>
  Array.from({ length: head - prev }, (_, place) => {
    const offset = prev + place + 1;
    return JSON.stringify({ offset, writer: 0, seq: offset, at_ms: 5, hash: 'x', events: [] });
  }).join(',');
/** A day, in ms. */
const day = 86_400_000;
const settings = { quietMs: day, abandonedMs: 7 * day, restMs: 600_000, countMax: 1_000 };

const databases = { Postgres: freshPostgres, 'the embedded Postgres': freshPglite };

for (const [name, fresh] of Object.entries(databases))
  describe(`the end of life on ${name}`, () => {
    let pool: Pool;
    beforeAll(async () => {
      pool = new Pool({ connectionString: (await fresh()).url, max: 4 });
      pool.on('error', () => {});
      await migrate(pool);
    });
    afterAll(() => pool.end());

    /** A session nobody was seen at for that long, with that many entries. */
    async function session({ idleMs = 0, head = 0, isEnd = false } = {}) {
      const journal = postgresJournal(pool);
      const sessionId = randomBytes(16).toString('base64url');
      const made = { sessionId, epoch: 'e1', snapshot: snapshotAt(0) };
      await journal.create({ ...made, retentionMs });
      await journal.takeOver({ sessionId, ownerId: 'a', versions });
      if (head > 0) {
        const entries = [entriesBetween(0, head)];
        const place = { sessionId, ownerId: 'a', epoch: 'e1', prev: 0, head };
        await journal.append({ ...place, entries, isEnd });
      }
      await age(sessionId, idleMs);
      return { journal, sessionId };
    }

    const age = (sessionId: string, idleMs: number) =>
      pool.query(
        `update trackstand.sessions set expires_at = now() + $2::float8 * interval '1 ms' where session_id = $1`,
        [sessionId, retentionMs - idleMs],
      );

    const archiving = (sessionId: string, offset: number, ownerId = 'a') =>
      ({
        sessionId,
        ownerId,
        epoch: 'e1',
        snapshot: snapshotAt(offset),
        reason: 'finished',
      }) as const;

    test('what is due: the ended ones that are quiet, and any that nobody came to for too long, each once', async () => {
      const ended = await session({ head: 2, isEnd: true, idleMs: 2 * day });
      const fresh = await session({ head: 2, isEnd: true });
      const paused = await session({ head: 2, idleMs: 2 * day });
      const abandoned = await session({ head: 2, idleMs: 8 * day });
      const empty = await session({ idleMs: 8 * day });
      const housekeeping = postgresHousekeeping(pool);
      const halves = await Promise.all([housekeeping.due(settings), housekeeping.due(settings)]);
      const due = halves.flat();
      expect(new Set(due).size).toBe(due.length);
      for (const { sessionId } of [ended, abandoned, empty]) expect(due).toContain(sessionId);
      for (const { sessionId } of [fresh, paused]) expect(due).not.toContain(sessionId);
      expect(await housekeeping.due(settings)).toEqual([]);
      expect(await housekeeping.due({ ...settings, restMs: 0 })).toEqual(
        expect.arrayContaining(due),
      );
    });

    test('a session with somebody there is not due, and its time begins anew', async () => {
      const { sessionId } = await session({ head: 2, isEnd: true, idleMs: 8 * day });
      const housekeeping = postgresHousekeeping(pool);
      await housekeeping.touch([sessionId], settings);
      expect(await housekeeping.due(settings)).not.toContain(sessionId);
    });

    test('[L3] somebody who is there keeps a session from being abandoned, however short that time is', async () => {
      const minute = 60_000;
      const { sessionId } = await session({ head: 2, idleMs: 20 * minute });
      const housekeeping = postgresHousekeeping(pool);
      await housekeeping.touch([sessionId], { quietMs: day, abandonedMs: 30 * minute });
      const asked = { ...settings, abandonedMs: 10 * minute };
      expect(await housekeeping.due(asked)).not.toContain(sessionId);
    });

    test('an archived session has all its entries, however often it was taken up, and stays archived until it is', async () => {
      const { journal, sessionId } = await session({ head: 4, isEnd: true, idleMs: 2 * day });
      const housekeeping = postgresHousekeeping(pool);
      expect(await journal.archive(archiving(sessionId, 4))).toBe('appended');
      expect(await housekeeping.due({ ...settings, restMs: 0 })).not.toContain(sessionId);
      expect(await journal.peek(sessionId)).toMatchObject({
        kind: 'taken',
        snapshot: snapshotAt(4),
        ended: { reason: 'finished' },
      });
      await journal.takeOver({ sessionId, ownerId: 'b', versions });
      const place = { sessionId, ownerId: 'b', epoch: 'e1' };
      await journal.append({ ...place, prev: 4, head: 6, entries: [entriesBetween(4, 6)] });
      await journal.append({ ...place, prev: 6, head: 7, entries: [entriesBetween(6, 7)] });
      await age(sessionId, 2 * day);
      expect(await housekeeping.due({ ...settings, restMs: 0 })).toContain(sessionId);
      expect(await journal.archive(archiving(sessionId, 7, 'b'))).toBe('appended');
      const history = await journal.history(sessionId);
      expect(history.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5, 6, 7]);
      const { rows } = await pool.query<{ log: string; archive: string }>(
        `select (select count(*) from trackstand.session_log where session_id = $1) as log,
          (select count(*) from trackstand.session_archive where session_id = $1) as archive`,
        [sessionId],
      );
      expect(rows).toEqual([{ log: '1', archive: '2' }]);
    });

    test('archiving and a take-over at the same moment: one of them wins, and no entry is missing', async () => {
      for (let round = 0; round < 30; round++) {
        const { journal, sessionId } = await session({ head: 3 });
        const [archived, taken] = await Promise.all([
          journal.archive(archiving(sessionId, 3)),
          journal.takeOver({ sessionId, ownerId: 'b', versions }),
        ]);
        if (taken.kind !== 'taken') throw new Error(taken.kind);
        expect(['appended', 'fenced']).toContain(archived);
        const head = taken.snapshot.offset + taken.entries.length;
        expect(head).toBe(3);
        const place = { sessionId, ownerId: 'b', epoch: 'e1', prev: 3, head: 4 };
        expect(await journal.append({ ...place, entries: [entriesBetween(3, 4)] })).toBe(
          'appended',
        );
        expect((await journal.history(sessionId)).map(({ offset }) => offset)).toEqual([
          1, 2, 3, 4,
        ]);
      }
    });

    test('[L3] who comes back to an abandoned session finds it abandoned no more', async () => {
      const { journal, sessionId } = await session({ head: 1 });
      await journal.archive({ ...archiving(sessionId, 1), reason: 'abandoned' });
      expect(await journal.peek(sessionId)).toMatchObject({ ended: { reason: 'abandoned' } });
      const claim = { sessionId, versions };
      await journal.takeOver({ ...claim, ownerId: 'b', isHousekeeping: true });
      expect(await journal.peek(sessionId)).toMatchObject({ ended: { reason: 'abandoned' } });
      await journal.takeOver({ ...claim, ownerId: 'c' });
      expect(await journal.peek(sessionId)).not.toHaveProperty('ended');
    });

    test('[L4] what is over is deleted once it is archived, and what became of each writer is kept for a while', async () => {
      const { journal, sessionId } = await session({ head: 5, idleMs: retentionMs + day });
      const live = await session({ head: 1 });
      const housekeeping = postgresHousekeeping(pool);
      const purge = { tombstoneMs: day, countMax: 100 };
      await housekeeping.purge(purge);
      const claim = { sessionId, versions };
      // Not archived yet: it is gone for clients, and nothing of it is deleted.
      expect(await journal.takeOver({ ...claim, ownerId: 'b' })).toMatchObject({ kind: 'gone' });
      expect(await housekeeping.due({ ...settings, restMs: 0 })).toContain(sessionId);
      const again = await journal.takeOver({ ...claim, ownerId: 'keeper', isHousekeeping: true });
      expect(again.kind).toBe('taken');
      await journal.archive({ ...archiving(sessionId, 5, 'keeper'), reason: 'abandoned' });
      expect(await housekeeping.purge(purge)).toBe(1);
      const { client_id, incarnation } = writer(5);
      const gone = {
        kind: 'gone',
        reason: 'abandoned',
        writers: [{ client_id, incarnation, accepted: 5 }],
      };
      expect(await journal.takeOver({ ...claim, ownerId: 'c' })).toMatchObject(gone);
      expect(await journal.peek(sessionId)).toMatchObject(gone);
      expect(await journal.history(sessionId)).toEqual([]);
      expect(await journal.peek(live.sessionId)).toMatchObject({ kind: 'taken' });
      await pool.query('update trackstand.tombstones set expires_at = now()');
      await housekeeping.purge(purge);
      expect(await journal.peek(sessionId)).toEqual({ kind: 'absent' });
    });
  });

test('checkpoints of many sessions and a touch of the same ones do not wait for each other in a circle', async () => {
  const pool = new Pool({ connectionString: (await freshPostgres()).url, max: 8 });
  await migrate(pool);
  const journal = postgresJournal(pool);
  // They lie in the table in another order than checkpoints lock them in.
  for (const sessionId of ['z', 'm', 'a']) {
    await journal.create({ sessionId, epoch: 'e1', snapshot: snapshotAt(0), retentionMs: day });
    await pool.query('update trackstand.sessions set owner_id = $1 where session_id = $2', [
      'a',
      sessionId,
    ]);
  }
  const blocker = await pool.connect();
  await blocker.query('begin');
  await blocker.query(`select from trackstand.sessions where session_id = 'm' for update`);
  const touched: unknown[] = [];
  const touching = postgresHousekeeping(pool)
    .touch(['a', 'm', 'z'], settings)
    .then(() => touched.push('all it could'));
  const waitingCount = async (): Promise<number> => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    );
    return rows.length;
  };
  while (touched.length === 0 && (await waitingCount()) === 0);
  const before = await waitingCount();
  const entries = [entriesBetween(0, 1)];
  const place = { ownerId: 'a', epoch: 'e1', prev: 0, head: 1, entries };
  const appending = ['a', 'm', 'z'].map((sessionId) => journal.append({ ...place, sessionId }));
  while ((await waitingCount()) === before);
  await blocker.query('commit');
  blocker.release();
  expect(await Promise.all(appending)).toEqual(['appended', 'appended', 'appended']);
  await touching;
  await pool.end();
});

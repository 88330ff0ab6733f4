import { randomBytes } from 'node:crypto';

import { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { Journal, SessionCatalog } from '../../server/store/journal.ts';
import { migrate } from '../../server/store/postgres/migrate.ts';
import { postgresJournal } from '../../server/store/postgres/postgres-journal.ts';
import { schemaCatalog } from '../../server/store/postgres/schema-catalog.ts';
import type { SchemaCatalog } from '../../server/store/schema-catalog.ts';
import { freshPglite, freshPostgres } from '../support/services/shared-services.ts';

const newId = (): string => randomBytes(16).toString('base64url');
const databases = { Postgres: freshPostgres, 'the embedded Postgres': freshPglite };

for (const [name, fresh] of Object.entries(databases))
  describe(`schema versions in ${name}`, () => {
    let pool: Pool;
    let journal: Journal & SessionCatalog;
    let schemas: SchemaCatalog;
    let kind: string;
    beforeAll(async () => {
      pool = new Pool({ connectionString: (await fresh()).url, max: 6 });
      pool.on('error', () => {});
      await migrate(pool);
      journal = postgresJournal(pool);
      schemas = schemaCatalog(pool);
    });
    afterAll(() => pool.end());
    beforeEach(() => {
      kind = `k${randomBytes(4).toString('hex')}`;
    });

    const snapshotOf = (version: number, offset = 0, state: unknown = {}) => ({
      kind,
      version,
      offset,
      writers: [],
      state,
    });
    async function created(version: number): Promise<string> {
      const sessionId = newId();
      const session = { sessionId, epoch: 'e1', snapshot: snapshotOf(version) };
      expect(await journal.create({ ...session, retentionMs: 60_000 })).toBe('created');
      return sessionId;
    }
    const claimed = async (sessionId: string, known: number, keepsVersion?: boolean) => {
      const ownerId = newId();
      const versions = { [kind]: known };
      const { kind: result } = await journal.takeOver({
        sessionId,
        ownerId,
        versions,
        keepsVersion,
      });
      return { result, ownerId };
    };
    const raised = (sessionId: string, ownerId: string, epoch: string) =>
      journal.startEpoch({ sessionId, ownerId, term: 1, epoch, snapshot: snapshotOf(2) });

    test('a session above the ceiling is not begun, one at it is', async () => {
      await schemas.setCeiling(kind, 1);
      const session = { sessionId: newId(), epoch: 'e1', retentionMs: 60_000 };
      expect(await journal.create({ ...session, snapshot: snapshotOf(2) })).toBe('above-ceiling');
      expect(await journal.peek(session.sessionId)).toEqual({ kind: 'absent' });
      expect(await journal.create({ ...session, snapshot: snapshotOf(1) })).toBe('created');
    });

    test('who would raise a state above the ceiling is refused, who would not is not', async () => {
      const [older, newer] = [await created(1), await created(2)];
      await schemas.setCeiling(kind, 1);
      expect(await claimed(older, 2)).toMatchObject({ result: 'too-new' });
      expect(await claimed(older, 1)).toMatchObject({ result: 'taken' });
      expect(await claimed(older, 2, true)).toMatchObject({ result: 'taken' });
      expect(await claimed(newer, 2)).toMatchObject({ result: 'taken' });
      expect(await claimed(newer, 1, true)).toMatchObject({ result: 'too-new' });
      await schemas.setCeiling(kind, 2);
      expect(await claimed(older, 2)).toMatchObject({ result: 'taken' });
    });

    test('who claimed a session before the ceiling came does not raise it afterwards', async () => {
      const sessionId = await created(1);
      const { ownerId } = await claimed(sessionId, 2);
      await schemas.setCeiling(kind, 1);
      expect(await raised(sessionId, ownerId, 'e2')).toBe('fenced');
      expect(await schemas.standing(sessionId)).toEqual({ kind, version: 1, ceiling: 1 });
      expect(await schemas.liftCeiling(kind)).toBe(true);
      expect(await schemas.liftCeiling(kind)).toBe(false);
      expect(await raised(sessionId, ownerId, 'e2')).toBe('appended');
      expect(await schemas.standing(sessionId)).toEqual({ kind, version: 2, ceiling: undefined });
    });

    test('however a ceiling and the raising of states meet: what is not above it once it is set, never is', async () => {
      for (let round = 0; round < 25; round++) {
        await schemas.liftCeiling(kind);
        const ids = await Promise.all(Array.from({ length: 4 }, () => created(1)));
        let after: (number | undefined)[] = [];
        const versionsNow = () =>
          Promise.all(ids.map(async (id) => (await schemas.standing(id))?.version));
        await Promise.all([
          ...ids.map(async (id) => {
            const { result, ownerId } = await claimed(id, 2);
            if (result === 'taken') await raised(id, ownerId, 'e2');
          }),
          schemas.setCeiling(kind, 1).then(async () => {
            after = await versionsNow();
          }),
        ]);
        expect(await versionsNow()).toEqual(after);
      }
    });

    test('an epoch brings the entries it stands on, its state and its version along, all or nothing', async () => {
      const sessionId = await created(2);
      const { ownerId } = await claimed(sessionId, 2);
      const entries = [1, 2].map((offset) =>
        JSON.stringify({
          offset,
          joined: { client_id: newId(), incarnation: newId(), generation: 1 },
        }),
      );
      const start = {
        sessionId,
        ownerId,
        term: 1,
        epoch: 'e2',
        snapshot: snapshotOf(1, 2, { a: 1 }),
      };
      const unsaved = { prev: 0, entries: entries.join(',') };
      const gap = { prev: 1, entries: entries.slice(1).join(',') };
      expect(await journal.startEpoch({ ...start, unsaved: gap })).toBe('behind');
      expect(await journal.startEpoch({ ...start, ownerId: 'other', unsaved })).toBe('fenced');
      expect(await schemas.standing(sessionId)).toMatchObject({ version: 2 });
      expect(await journal.startEpoch({ ...start, unsaved })).toBe('appended');
      expect(await journal.startEpoch({ ...start, unsaved })).toBe('appended');
      const found = await journal.peek(sessionId);
      expect(found).toMatchObject({ epoch: 'e2', snapshot: start.snapshot, entries: [] });
      expect((await journal.history(sessionId)).map(({ offset }) => offset)).toEqual([1, 2]);
      expect(await schemas.standing(sessionId)).toMatchObject({ version: 1 });
    });

    test('an epoch without entries of its own puts its state where the log ends', async () => {
      const sessionId = await created(1);
      const { ownerId } = await claimed(sessionId, 2);
      const snapshot = snapshotOf(2, 0, { isNew: true });
      const start = { sessionId, ownerId, term: 1, epoch: 'e2', snapshot };
      expect(await journal.startEpoch(start)).toBe('appended');
      expect(await journal.peek(sessionId)).toMatchObject({ snapshot, entries: [] });
    });

    test('sessions are counted by version and gone through in pages, expired ones are not', async () => {
      const ids = await Promise.all([created(1), created(2), created(2), created(1), created(2)]);
      const gone = { sessionId: newId(), epoch: 'e1', snapshot: snapshotOf(2), retentionMs: -1 };
      await journal.create(gone);
      const counts = (await schemas.census()).filter((row) => row.kind === kind);
      expect(counts).toEqual([
        { kind, version: 1, sessions: 2 },
        { kind, version: 2, sessions: 3 },
      ]);
      const first = await schemas.page(kind, '', 3);
      const rest = await schemas.page(kind, first.at(-1)?.sessionId ?? '', 3);
      expect([first.length, rest.length]).toEqual([3, 2]);
      expect(new Set([...first, ...rest].map(({ sessionId }) => sessionId))).toEqual(new Set(ids));
      expect(await schemas.standing(gone.sessionId)).toBeUndefined();
    });
  });

test('a ceiling waits for a state that is being raised: once it is set, all that was raised can be seen', async () => {
  const pool = new Pool({ connectionString: (await freshPostgres()).url, max: 4 });
  await migrate(pool);
  const schemas = schemaCatalog(pool);
  const sessionId = newId();
  const snapshot = { kind: 'slow', version: 1, offset: 0, writers: [], state: {} };
  await postgresJournal(pool).create({ sessionId, epoch: 'e1', snapshot, retentionMs: 60_000 });
  const slow = await pool.connect();
  await slow.query('begin');
  await slow.query('update trackstand.sessions set version = 2 where session_id = $1', [sessionId]);
  let isSet = false;
  const seen = schemas.setCeiling('slow', 1).then(() => {
    isSet = true;
    return schemas.standing(sessionId);
  });
  const waiting = async (): Promise<boolean> => {
    const { rows } = await pool.query('select 1 from pg_locks where not granted');
    return isSet || rows.length > 0;
  };
  await expect.poll(waiting).toBe(true);
  await slow.query('commit');
  slow.release();
  expect(await seen).toEqual({ kind: 'slow', version: 2, ceiling: 1 });
  await pool.end();
});

import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { migrate } from '../../server/store/postgres/migrate.ts';
import { postgresJournal } from '../../server/store/postgres/postgres-journal.ts';
import { freshPglite, freshPostgres } from '../support/services/shared-services.ts';
import { describeJournal } from './journal-contract.ts';

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
        seed: (sessionId, epoch, snapshot) =>
          journal.create({ sessionId, epoch, snapshot, retentionMs: 60_000 }),
      });
    });

    test('migrating again, also twice at once, applies nothing', async () => {
      expect(await Promise.all([migrate(pool), migrate(pool)])).toEqual([[], []]);
    });

    test('a session whose retention is over is absent', async () => {
      const journal = postgresJournal(pool);
      const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
      const sessionId = 'expired-session-0000000';
      await journal.create({ sessionId, epoch: 'e1', snapshot, retentionMs: -1_000 });
      const claim = { sessionId, ownerId: 'a', versions: { tally: 1 } };
      expect(await journal.takeOver(claim)).toEqual({ kind: 'absent' });
    });
  });

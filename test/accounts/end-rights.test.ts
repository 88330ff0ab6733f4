import { afterEach, expect, test } from 'vitest';

import { newAccountId } from '../../server/accounts/account-tokens.ts';
import { startEndingRights } from '../../server/accounts/end-rights.ts';
import { loginBook } from '../../server/accounts/login-book.ts';
import { connectPostgres } from '../../server/store/postgres/connect-postgres.ts';
import { migrate } from '../../server/store/postgres/migrate.ts';
import { postgresJournal } from '../../server/store/postgres/postgres-journal.ts';
import { statementPool } from '../../server/store/postgres/statement-pool.ts';
import { manualClock } from '../support/manual-clock.ts';
import { freshPostgres } from '../support/services/shared-services.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

test('however many rights cannot be ended now, the others are', async () => {
  const pool = connectPostgres((await freshPostgres()).url, () => {});
  closing.push(() => pool.end());
  await migrate(pool);
  const logins = loginBook(statementPool(pool));
  const sessionId = newAccountId();
  const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
  await postgresJournal(pool).create({ sessionId, epoch: '0', snapshot, retentionMs: 60_000 });
  const stuckCount = 250;
  await pool.query(
    `insert into trackstand.session_grants (session_id, client_id, login_id, is_ended)
     select $1, 'stuck-' || lpad(n::text, 20, '0'), 'a login', true from generate_series(1, $2::int) n
     union all select $1, 'zzz-the-last-of-them-all', 'a login', true`,
    [sessionId, stuckCount],
  );
  const errors: unknown[] = [];
  const rights = startEndingRights({
    logins,
    sessions: {
      revoke: (_session, clientId) =>
        clientId.startsWith('stuck') ? Promise.reject(new Error(clientId)) : Promise.resolve(),
    },
    clock: manualClock(),
    reportError: (error) => errors.push(error),
  });
  rights.soon();
  await rights.stop();
  expect(errors).toHaveLength(stuckCount);
  const left = await logins.endedGrants(1_000);
  expect(left).toHaveLength(stuckCount);
  expect(left.map(({ clientId }) => clientId)).not.toContain('zzz-the-last-of-them-all');
});

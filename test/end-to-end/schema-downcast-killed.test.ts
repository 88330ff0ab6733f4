import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { expect, onTestFinished, test } from 'vitest';

import { openSession, type OpeningParts } from '../../server/session/open-session.ts';
import { openStores } from '../../server/store/open-stores.ts';
import { systemClock } from '../../shared/clock.ts';
import { genesis } from '../../shared/session/fold.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import { builtFile, freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { tallyTwo } from '../support/tally-two.ts';
import { tally } from '../support/tally.ts';

const sessionsCount = 500;
const id = (place: number): string => `session-${String(place).padStart(16, '0')}`;
const joined = { client_id: id(0), incarnation: id(1), generation: 1 };

/** Two commands of a writer: (0 + amount) * 2, in Redis alone. */
function entriesOf(amount: number): string {
  const place = { writer: 0, at_ms: 1, hash: 'x' };
  const added = ['added', { amount, clientId: joined.client_id, atMs: 1 }];
  return [
    { offset: 1, joined },
    { offset: 2, seq: 1, ...place, events: [added] },
    { offset: 3, seq: 2, ...place, events: [['doubled', {}]] },
  ]
    .map((entry) => JSON.stringify(entry))
    .join(',');
}

test('[O6] the command killed in the middle, and run again: every session is taken back once, with all that only Redis had', async () => {
  const [{ url: postgres }, { url: redis }] = [await freshPostgres(), await freshRedis()];
  const stores = await openStores({ postgres, redis, clock: systemClock, warn: () => {} });
  onTestFinished(() => stores.close());
  const { journals, schemas } = stores;
  let ownerCount = 0;
  const release = (model: AnyModel): OpeningParts => ({
    journals,
    models: new Map([[model.kind, model]]),
    newId: () => `owner-${String(++ownerCount).padStart(16, '0')}`,
  });
  const places = Array.from({ length: sessionsCount }, (_, place) => place);
  const ridden = async (place: number): Promise<void> => {
    const sessionId = id(place);
    const snapshot = genesis(tallyTwo, { bound: 1_000_000 });
    await journals.checkpoints.create({ sessionId, epoch: '0', snapshot, retentionMs: 60_000 });
    const opening = await openSession(release(tallyTwo), sessionId, undefined);
    if (opening.kind !== 'opened') throw new Error(opening.kind);
    const { ownerId, epoch } = opening.session;
    const batch = { sessionId, ownerId, epoch, prev: 0, head: 3, entries: [entriesOf(place)] };
    expect(await journals.log?.append(batch)).toBe('appended');
  };
  await Promise.all(places.map(ridden));

  const program = await builtFile('test/tally-sessions');
  const started = () => {
    const child = spawn(process.execPath, [program, 'schema', 'downcast', '--to', 'tally=1'], {
      env: { ...process.env, DATABASE_URL: postgres, REDIS_URL: redis },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  };
  const killed = started();
  // The first line comes after the first page; the second page is under way then.
  await once(killed.stderr, 'data');
  killed.kill('SIGKILL');
  expect(await once(killed, 'exit')).toEqual([null, 'SIGKILL']);
  const halfway = await schemas.census();
  expect(halfway).toHaveLength(2);

  expect(await once(started(), 'exit')).toEqual([0, null]);
  expect(await schemas.census()).toEqual([{ kind: 'tally', version: 1, sessions: sessionsCount }]);
  const takenUp = async (place: number): Promise<void> => {
    expect(await stores.logVersions?.version(id(place))).toBe(1);
    const opening = await openSession(release(tally), id(place), undefined);
    expect(opening).toMatchObject({
      kind: 'opened',
      session: {
        recent: [],
        snapshot: {
          version: 1,
          offset: 3,
          state: { total: 2 * place, added: [[joined.client_id, place, 1]] },
          writers: [{ ...joined, accepted: 2 }],
        },
      },
    });
  };
  await Promise.all(places.map(takenUp));
});

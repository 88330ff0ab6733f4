import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { downcastSession, tryDowncast } from '../../server/session/downcast-session.ts';
import {
  openSession,
  type OpenedSession,
  type Opening,
  type OpeningParts,
} from '../../server/session/open-session.ts';
import { StoreUnavailableError, type Journal } from '../../server/store/journal.ts';
import { openStores, type Stores } from '../../server/store/open-stores.ts';
import { systemClock } from '../../shared/clock.ts';
import { genesis } from '../../shared/session/fold.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import { freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { tallyTwo } from '../support/tally-two.ts';
import { tally } from '../support/tally.ts';

const newId = (): string => randomBytes(16).toString('base64url');

let stores: Stores;
beforeAll(async () => {
  const [{ url: postgres }, { url: redis }] = [await freshPostgres(), await freshRedis()];
  stores = await openStores({ postgres, redis, clock: systemClock, warn: () => {} });
  await stores.schemas.setCeiling('tally', 1);
});
afterAll(() => stores.close());

function release(model: AnyModel, journals = stores.journals): OpeningParts {
  return { journals, models: new Map([[model.kind, model]]), newId };
}

const entry = (offset: number, [type, data]: [string, unknown]) =>
  JSON.stringify({
    offset,
    writer: 0,
    seq: offset - 1,
    at_ms: 1,
    hash: 'x',
    events: [[type, data]],
  });
const joined = { client_id: newId(), incarnation: newId(), generation: 1 };
const added = (amount: number): [string, unknown] => ['added', { amount, clientId: 'c', atMs: 1 }];

/** A session of the newer release: entries in Postgres, and later ones, also of a kind the older does not know, in Redis alone. */
async function ridden(): Promise<{ sessionId: string; owner: OpenedSession }> {
  const sessionId = newId();
  const snapshot = genesis(tallyTwo, { bound: 100 });
  await stores.schemas.liftCeiling('tally');
  await stores.journals.checkpoints.create({
    sessionId,
    epoch: '0',
    snapshot,
    retentionMs: 60_000,
  });
  await stores.schemas.setCeiling('tally', 1);
  const opening = await openSession(release(tallyTwo), sessionId, undefined);
  if (opening.kind !== 'opened') throw new Error(opening.kind);
  const { ownerId, epoch } = opening.session;
  const place = { sessionId, ownerId, epoch };
  const first = [JSON.stringify({ offset: 1, joined }), entry(2, added(1))].join(',');
  const rest = [entry(3, ['doubled', {}]), entry(4, added(3))].join(',');
  await stores.journals.log?.append({ ...place, prev: 0, head: 2, entries: [first] });
  await stores.journals.checkpoints.append({ ...place, prev: 0, head: 2, entries: [first] });
  await stores.journals.log?.append({ ...place, prev: 2, head: 4, entries: [rest] });
  return { sessionId, owner: opening.session };
}

/** What both releases must see: (0 + 1) * 2 + 3. */
const expected = { offset: 4, state: { total: 5 }, writers: [{ ...joined, accepted: 3 }] };

/** Either nobody gets it, or what one gets is all of it. */
function expectRightOrRefused(opening: Opening): void {
  const isOpened = opening.kind === 'opened';
  const wanted = isOpened ? { session: { snapshot: expected } } : { kind: 'too-new' };
  expect(opening).toMatchObject(wanted);
}

class Ended extends Error {}

/** Ends the process, so to speak, at its nth call of a store: before it is made, or before its answer. */
function endingAt(
  callMax: number,
  when: 'before' | 'after',
  error: () => Error,
): Stores['journals'] {
  let count = 0;
  const ending = <J extends Journal>(journal: J): J => {
    const guard =
      <Argument, Result>(ask: (argument: Argument) => Promise<Result>) =>
      async (argument: Argument): Promise<Result> => {
        const isLast = ++count === callMax;
        if (isLast && when === 'before') throw error();
        const result = await ask(argument);
        if (isLast) throw error();
        return result;
      };
    const { takeOver, startEpoch } = journal;
    return { ...journal, takeOver: guard(takeOver), startEpoch: guard(startEpoch) };
  };
  const { log, checkpoints } = stores.journals;
  return { checkpoints: ending(checkpoints), log: log && ending(log) };
}

describe('taking a session back', () => {
  for (const when of ['before', 'after'] as const)
    for (const callMax of [1, 2, 3, 4])
      test(`[O6] ended ${when} store call ${callMax}: nobody reads a wrong state, and run again it is the older release’s`, async () => {
        const { sessionId, owner } = await ridden();
        const journals = endingAt(callMax, when, () => new Ended());
        const newer = release(tallyTwo);
        await expect(downcastSession({ ...newer, journals }, sessionId, 1)).rejects.toThrow(Ended);
        const older = release(tally);
        const between = await openSession(older, sessionId, undefined);
        expectRightOrRefused(between);
        const still = await openSession(newer, sessionId, undefined);
        expectRightOrRefused(still);
        expect(await downcastSession(newer, sessionId, 1)).toBe('converted');
        const taken = await openSession(older, sessionId, undefined);
        if (taken.kind !== 'opened') throw new Error(taken.kind);
        expect(taken.session.snapshot).toMatchObject({ ...expected, version: 1 });
        expect(taken.session.snapshot.state).not.toHaveProperty('count');
        // No entry that the older release does not know is left for it to fold or to replay.
        expect(taken.session.recent).toEqual([]);
        const history = await stores.journals.checkpoints.history(sessionId);
        expect(history.map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
        expect(await stores.logVersions?.version(sessionId)).toBe(1);
        // Whoever owned it before writes nowhere any more.
        const { ownerId, epoch } = owner;
        const late = { sessionId, ownerId, epoch, prev: 4, head: 5, entries: [entry(5, added(1))] };
        expect(await stores.journals.log?.append(late)).toBe('fenced');
        expect(await stores.journals.checkpoints.append(late)).toBe('fenced');
        expect(await openSession(newer, sessionId, undefined)).toEqual({ kind: 'too-new' });
      });

  test('[O6] Redis not answering for the session ends it before Postgres changes: Redis may hold more', async () => {
    const { sessionId } = await ridden();
    const away = (): Error => new StoreUnavailableError('Redis', 'away');
    const journals = endingAt(2, 'before', away);
    const newer = release(tallyTwo);
    await expect(downcastSession({ ...newer, journals }, sessionId, 1)).rejects.toThrow('Redis');
    expect(await stores.schemas.standing(sessionId)).toMatchObject({ version: 2 });
  });

  test('[O6] trying it changes nothing', async () => {
    const { sessionId, owner } = await ridden();
    const tried = await tryDowncast(release(tallyTwo), sessionId, 1);
    expect(tried).toMatchObject({ ...expected, version: 1 });
    const { ownerId, epoch } = owner;
    const next = { sessionId, ownerId, epoch, prev: 4, head: 5, entries: [entry(5, added(1))] };
    expect(await stores.journals.log?.append(next)).toBe('appended');
  });

  test('[O6] what a model returns that is no JSON is refused', async () => {
    const { sessionId } = await ridden();
    const empty: AnyModel = { ...tallyTwo, downcast: () => undefined };
    await expect(downcastSession(release(empty), sessionId, 1)).rejects.toThrow('no state at 1');
    expect(await stores.schemas.standing(sessionId)).toMatchObject({ version: 2 });
  });
});

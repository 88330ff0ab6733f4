/** What every journal must do, whatever it is made of. */
import { randomBytes } from 'node:crypto';

import { beforeEach, describe, expect, test } from 'vitest';

import type { Batch, Journal, Recovered, TakenOver } from '../../server/store/journal.ts';
import type { Snapshot } from '../../shared/protocol/frames.ts';

export interface JournalUnderTest {
  readonly journal: Journal;
  /** Makes the session known with that snapshot, owned by nobody who would still write. */
  readonly seed: (sessionId: string, epoch: string, snapshot: Snapshot) => Promise<unknown>;
  /** Whether what is archived can be opened again: Redis forgets it. */
  readonly isLasting: boolean;
}

const id = (): string => randomBytes(16).toString('base64url');
const versions = { tally: 1 };
const snapshotAt = (offset: number, state: unknown = { total: offset }): Snapshot => ({
  kind: 'tally',
  version: 1,
  offset,
  writers: [],
  state,
});

function entry(offset: number): string {
  return JSON.stringify({
    offset,
    writer: 0,
    seq: offset,
    at_ms: 5,
    hash: 'x',
    events: [['added', { amount: 1 }]],
  });
}

function entries(prev: number, head: number): string {
  return Array.from({ length: head - prev }, (_, place) => entry(prev + place + 1)).join(',');
}

/** Whatever was taken over tells how far it reaches. */
function taken(result: TakenOver): Recovered {
  if (result.kind !== 'taken') throw new Error(`Not taken: ${result.kind}`);
  expect(result.head).toBe(result.snapshot.offset + result.entries.length);
  return result;
}

export function describeJournal(name: string, prepare: () => Promise<JournalUnderTest>): void {
  describe(`${name} as a journal`, () => {
    let journal: Journal;
    let seed: JournalUnderTest['seed'];
    let isLasting: boolean;
    let sessionId: string;
    const owner = (ownerId: string, term?: number) => ({ sessionId, ownerId, term, versions });
    const batch = (ownerId: string, prev: number, head: number, epoch = 'e1'): Batch => ({
      sessionId,
      ownerId,
      epoch,
      prev,
      head,
      entries: [entries(prev, head)],
    });

    beforeEach(async () => {
      ({ journal, seed, isLasting } = await prepare());
      sessionId = id();
      await seed(sessionId, 'e1', snapshotAt(0));
    });

    test('an unknown session is absent, for taking over and for appending', async () => {
      sessionId = id();
      expect(await journal.takeOver(owner('a'))).toEqual({ kind: 'absent' });
      expect(await journal.append(batch('a', 0, 1))).toBe('absent');
    });

    test('who takes over gets the snapshot and everything after it, in order', async () => {
      taken(await journal.takeOver(owner('a')));
      expect(await journal.append(batch('a', 0, 2))).toBe('appended');
      expect(await journal.append(batch('a', 2, 5))).toBe('appended');
      const { snapshot, entries, epoch } = taken(await journal.takeOver(owner('b')));
      expect(epoch).toBe('e1');
      expect(snapshot).toEqual(snapshotAt(0));
      expect(entries.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5]);
    });

    test('each take-over has a higher term', async () => {
      const first = taken(await journal.takeOver(owner('a')));
      const second = taken(await journal.takeOver(owner('b')));
      expect(second.term).toBeGreaterThan(first.term);
    });

    test('a term asked for must be above the one seen, and is then the one taken', async () => {
      const { term } = taken(await journal.takeOver(owner('a')));
      expect(await journal.takeOver(owner('b', term))).toEqual({ kind: 'outrun', term });
      expect(await journal.append(batch('a', 0, 1))).toBe('appended');
      expect(taken(await journal.takeOver(owner('c', term + 7))).term).toBe(term + 7);
    });

    test('[O1] a former owner cannot append, however late it tries', async () => {
      taken(await journal.takeOver(owner('a')));
      taken(await journal.takeOver(owner('b')));
      expect(await journal.append(batch('a', 0, 1))).toBe('fenced');
      expect(await journal.append(batch('b', 0, 1))).toBe('appended');
      expect(await journal.append(batch('a', 1, 2))).toBe('fenced');
    });

    test('[O1] a former owner cannot begin an epoch', async () => {
      const { term } = taken(await journal.takeOver(owner('a')));
      taken(await journal.takeOver(owner('b')));
      const start = { sessionId, ownerId: 'a', term, epoch: 'e2', snapshot: snapshotAt(0) };
      expect(await journal.startEpoch(start)).toBe('fenced');
    });

    test('[O3] the same batch again lands once', async () => {
      taken(await journal.takeOver(owner('a')));
      expect(await journal.append(batch('a', 0, 3))).toBe('appended');
      expect(await journal.append(batch('a', 0, 3))).toBe('appended');
      const { entries } = taken(await journal.takeOver(owner('b')));
      expect(entries.map(({ offset }) => offset)).toEqual([1, 2, 3]);
    });

    test('[O4] a batch that does not continue the log is behind, not fenced, and changes nothing', async () => {
      taken(await journal.takeOver(owner('a')));
      expect(await journal.append(batch('a', 0, 2))).toBe('appended');
      expect(await journal.append(batch('a', 0, 1))).toBe('behind');
      expect(await journal.append(batch('a', 4, 6))).toBe('behind');
      const { entries } = taken(await journal.takeOver(owner('b')));
      expect(entries.map(({ offset }) => offset)).toEqual([1, 2]);
    });

    test('[O4] a batch of a former epoch is behind', async () => {
      const { term } = taken(await journal.takeOver(owner('a')));
      const start = { sessionId, ownerId: 'a', term, epoch: 'e2', snapshot: snapshotAt(0) };
      expect(await journal.startEpoch(start)).toBe('appended');
      expect(await journal.append(batch('a', 0, 1, 'e1'))).toBe('behind');
      expect(await journal.append(batch('a', 0, 1, 'e2'))).toBe('appended');
    });

    test('an epoch that begins keeps the state and goes on from its offset', async () => {
      const { term } = taken(await journal.takeOver(owner('a')));
      await journal.append({ ...batch('a', 0, 3), snapshot: JSON.stringify(snapshotAt(3)) });
      const start = { sessionId, ownerId: 'a', term, epoch: 'e2', snapshot: snapshotAt(3) };
      expect(await journal.startEpoch(start)).toBe('appended');
      expect(await journal.append(batch('a', 3, 4, 'e2'))).toBe('appended');
      const recovered = taken(await journal.takeOver(owner('b')));
      expect(recovered.epoch).toBe('e2');
      expect(recovered.snapshot).toEqual(snapshotAt(3));
      expect(recovered.entries.map(({ offset }) => offset)).toEqual([4]);
    });

    test('trimming keeps what the snapshot does not cover, and only the owner trims', async () => {
      taken(await journal.takeOver(owner('a')));
      await journal.append({ ...batch('a', 0, 2), snapshot: JSON.stringify(snapshotAt(2)) });
      await journal.append(batch('a', 2, 4));
      await journal.trim({ sessionId, ownerId: 'z', epoch: 'e1', snapshot: snapshotAt(4) });
      await journal.trim({ sessionId, ownerId: 'a', epoch: 'e1', snapshot: snapshotAt(2) });
      const { snapshot, entries } = taken(await journal.takeOver(owner('b')));
      expect(snapshot).toEqual(snapshotAt(2));
      expect(entries.map(({ offset }) => offset)).toEqual([3, 4]);
    });

    test('sessions that are taken over together each have their own answer', async () => {
      const others = [id(), id(), id()] as const;
      const [appended, alone, unknown] = others;
      await seed(appended, 'e2', snapshotAt(3));
      await seed(alone, 'e3', snapshotAt(0));
      taken(await journal.takeOver({ ...owner('a'), sessionId: appended }));
      await journal.append({ ...batch('a', 3, 5, 'e2'), sessionId: appended });
      const { term } = taken(await journal.takeOver(owner('a')));
      const answers = await Promise.all([
        journal.takeOver({ ...owner('b'), sessionId: appended }),
        journal.takeOver({ ...owner('b'), sessionId: unknown }),
        journal.takeOver(owner('b', term)),
        journal.takeOver({ ...owner('b'), sessionId: alone, versions: {} }),
        journal.takeOver({ ...owner('b', term + 5), sessionId: alone }),
      ]);
      const offsets = (recovered: TakenOver) =>
        taken(recovered).entries.map(({ offset }) => offset);
      expect(offsets(answers[0])).toEqual([4, 5]);
      expect(answers[0]).toMatchObject({ epoch: 'e2', snapshot: { offset: 3 } });
      expect(answers.slice(1, 4)).toEqual([
        { kind: 'absent' },
        { kind: 'outrun', term },
        { kind: 'too-new' },
      ]);
      expect(answers[4]).toMatchObject({ kind: 'taken', epoch: 'e3', term: term + 5, entries: [] });
      // Who was not let in keeps nobody out.
      expect(await journal.append(batch('a', 0, 1))).toBe('appended');
    });

    test('reading claims nothing: the owner goes on', async () => {
      expect(await journal.peek(id())).toEqual({ kind: 'absent' });
      const { term } = taken(await journal.takeOver(owner('a')));
      await journal.append(batch('a', 0, 2));
      const read = await journal.peek(sessionId);
      expect(read).toMatchObject({ epoch: 'e1', term, head: 2, snapshot: snapshotAt(0) });
      expect(await journal.append(batch('a', 2, 3))).toBe('appended');
    });

    test('[O2] an owner that writes nothing learns that it is one no more', async () => {
      const { term } = taken(await journal.takeOver(owner('a')));
      await journal.append(batch('a', 0, 2));
      const place = { sessionId, ownerId: 'a', epoch: 'e1', head: 2 };
      expect(await journal.confirm(place)).toBe('appended');
      expect(await journal.confirm({ ...place, epoch: 'e0' })).toBe('behind');
      // The store has lost what the owner knows to be there.
      expect(await journal.confirm({ ...place, head: 3 })).toBe('behind');
      expect(await journal.confirm({ ...place, sessionId: id() })).toBe('absent');
      taken(await journal.takeOver(owner('b', term + 1)));
      expect(await journal.confirm(place)).toBe('fenced');
    });

    test('[O3] an epoch begun again, late, does not set back a log that has gone on', async () => {
      const { term } = taken(await journal.takeOver(owner('a')));
      const start = { sessionId, ownerId: 'a', term, epoch: 'e2', snapshot: snapshotAt(0) };
      expect(await journal.startEpoch(start)).toBe('appended');
      expect(await journal.append(batch('a', 0, 2, 'e2'))).toBe('appended');
      expect(await journal.startEpoch(start)).toBe('behind');
      const { entries } = taken(await journal.takeOver(owner('b')));
      expect(entries.map(({ offset }) => offset)).toEqual([1, 2]);
    });

    test('[O3] a trim that lands late, after a newer one, changes nothing', async () => {
      taken(await journal.takeOver(owner('a')));
      await journal.append({ ...batch('a', 0, 2), snapshot: JSON.stringify(snapshotAt(2)) });
      await journal.append({ ...batch('a', 2, 4), snapshot: JSON.stringify(snapshotAt(4)) });
      await journal.append(batch('a', 4, 5));
      const trim = (offset: number) =>
        journal.trim({ sessionId, ownerId: 'a', epoch: 'e1', snapshot: snapshotAt(offset) });
      expect([await trim(4), await trim(2)]).toEqual(['appended', 'appended']);
      const { snapshot, entries } = taken(await journal.takeOver(owner('b')));
      expect(snapshot).toEqual(snapshotAt(4));
      expect(entries.map(({ offset }) => offset)).toEqual([5]);
    });

    test('[L2] an archived session is forgotten by the log, and opened from the checkpoints as it was, by whoever comes', async () => {
      taken(await journal.takeOver(owner('a')));
      await journal.append({ ...batch('a', 0, 2), snapshot: JSON.stringify(snapshotAt(2)) });
      await journal.append(batch('a', 2, 4));
      const archiving = {
        sessionId,
        ownerId: 'a',
        epoch: 'e1',
        snapshot: snapshotAt(4),
        reason: 'finished',
      } as const;
      expect(await journal.archive(archiving)).toBe('appended');
      // Its answer may have been lost; it is as safe to repeat as any other write.
      expect(await journal.archive(archiving)).toBe(isLasting ? 'appended' : 'absent');
      const forgotten = { kind: 'absent' };
      const asItWas = { epoch: 'e1', snapshot: snapshotAt(4), entries: [] };
      expect(await journal.takeOver(owner('b'))).toMatchObject(isLasting ? asItWas : forgotten);
      expect(await journal.append(batch('b', 4, 5))).toBe(isLasting ? 'appended' : 'absent');
      const goneOn = { snapshot: snapshotAt(4), entries: [{ offset: 5 }] };
      expect(await journal.takeOver(owner('c'))).toMatchObject(isLasting ? goneOn : forgotten);
    });

    test('[L2] only the owner archives, and only at the end of the log: otherwise nothing changes', async () => {
      taken(await journal.takeOver(owner('a')));
      await journal.append(batch('a', 0, 2));
      const archiving = {
        sessionId,
        ownerId: 'a',
        epoch: 'e1',
        snapshot: snapshotAt(2),
        reason: 'finished',
      } as const;
      expect(await journal.archive({ ...archiving, snapshot: snapshotAt(1) })).toBe('behind');
      expect(await journal.archive({ ...archiving, epoch: 'e0' })).toBe('behind');
      expect(await journal.archive({ ...archiving, ownerId: 'z' })).toBe('fenced');
      expect(await journal.archive({ ...archiving, sessionId: id() })).toBe('absent');
      const { snapshot, entries } = taken(await journal.takeOver(owner('b')));
      expect(snapshot).toEqual(snapshotAt(0));
      expect(entries.map(({ offset }) => offset)).toEqual([1, 2]);
    });

    test('[O5] a state of an unknown schema version is not taken over, and its owner goes on', async () => {
      taken(await journal.takeOver(owner('a')));
      const claim = { ...owner('b'), versions: { tally: 0 } };
      expect(await journal.takeOver(claim)).toEqual({ kind: 'too-new' });
      expect(await journal.takeOver({ ...claim, versions: {} })).toEqual({ kind: 'too-new' });
      expect(await journal.append(batch('a', 0, 1))).toBe('appended');
    });

    test('of two owners that append at the same time one lands, and the log stays whole', async () => {
      taken(await journal.takeOver(owner('a')));
      const results = await Promise.all([
        journal.append(batch('a', 0, 1)),
        journal.takeOver(owner('b')),
        journal.append(batch('b', 0, 2)),
        journal.append(batch('a', 0, 1)),
      ]);
      const { entries } = taken(await journal.takeOver(owner('c')));
      expect(results.filter((result) => result === 'appended').length).toBeGreaterThanOrEqual(1);
      expect(entries.map(({ offset }) => offset)).toEqual(entries.map((_, index) => index + 1));
    });

    test('many sessions appended at once each get their own answer', async () => {
      const ids = Array.from({ length: 40 }, id);
      const known = ids.filter((_, index) => index % 2 === 0);
      await Promise.all(known.map((known) => seed(known, 'e1', snapshotAt(0))));
      await Promise.all(
        known.map((sessionId) => journal.takeOver({ sessionId, ownerId: 'a', versions })),
      );
      const results = await Promise.all(
        ids.map((sessionId) => journal.append({ ...batch('a', 0, 1), sessionId })),
      );
      expect(results).toEqual(ids.map((_, index) => (index % 2 === 0 ? 'appended' : 'absent')));
    });
  });
}

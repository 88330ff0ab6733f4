import { describe, expect, test } from 'vitest';

import type { Sighting } from '../../server/session/reader.ts';
import {
  continueFromPostgres,
  continueFromRedis,
  hasAllSeen,
  holdsMore,
  reconcile,
} from '../../server/session/reconcile.ts';
import type { Recovered } from '../../server/store/journal.ts';
import type { Entry, Snapshot } from '../../shared/protocol/frames.ts';
import { applyEntry, genesis } from '../../shared/session/fold.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import { tally, type TallyState } from '../support/tally.ts';

const log: Entry[] = [
  { offset: 1, joined: { client_id: 'client', incarnation: 'life', generation: 1 } },
  ...Array.from({ length: 9 }, (_, index) => ({
    offset: index + 2,
    writer: 0,
    seq: index + 1,
    at_ms: 1,
    hash: 'x',
    events: [['added', { amount: 1, clientId: 'client', atMs: 1 }] as [string, unknown]],
  })),
];
const stateAt = (offset: number): Snapshot =>
  log
    .slice(0, offset)
    .reduce((state, entry) => applyEntry(tally, state, entry), genesis(tally, { bound: 50 }));

const sighting = (epoch: string, offset: number): Sighting => ({
  clientId: 'client',
  generation: 1,
  position: { epoch, offset },
});

function recovered(from: number, to: number, more: Partial<Recovered> = {}): Recovered {
  const { snapshot = stateAt(from), entries = log.slice(from, to) } = more;
  return {
    kind: 'taken',
    term: 3,
    epoch: 'e',
    isContinuous: true,
    isLog: true,
    head: snapshot.offset + entries.length,
    snapshot,
    entries,
    ...more,
  };
}

describe('two stores', () => {
  test('[R8] Redis that continues what Postgres has is believed, and the epoch goes on', () => {
    const result = reconcile(tally, recovered(0, 4), recovered(2, 8), undefined);
    expect(result).toMatchObject({ snapshot: stateAt(8), saved: stateAt(4), startsEpoch: false });
  });

  test('[R8] where Redis proves the epoch, nothing is read of Postgres but how far it is', () => {
    const unread = {
      ...recovered(0, 4),
      get snapshot(): never {
        throw new Error('It was read.');
      },
      get entries(): never {
        throw new Error('It was read.');
      },
    };
    const result = reconcile(tally, unread, recovered(2, 8), undefined);
    expect(result).toMatchObject({ snapshot: stateAt(8), saved: stateAt(4), startsEpoch: false });
    for (const doubtful of [{ isContinuous: false }, { isLog: false }, { epoch: 'other' }])
      expect(() => reconcile(tally, unread, recovered(2, 8, doubtful), undefined)).toThrow('read');
  });

  test('[R8] Redis may have been trimmed to where Postgres is, and no further', () => {
    const goesOn = (from: number): boolean =>
      !reconcile(tally, recovered(0, 4), recovered(from, 8), undefined).startsEpoch;
    expect([3, 4, 5].map(goesOn)).toEqual([true, true, false]);
    const atEnd = reconcile(tally, recovered(0, 4), recovered(4, 4), undefined);
    expect(atEnd).toMatchObject({ snapshot: stateAt(4), saved: stateAt(4), startsEpoch: false });
  });

  test('[R8] without Redis the session goes on from Postgres under a new epoch', () => {
    const result = reconcile(tally, recovered(0, 4), undefined, undefined);
    expect(result).toMatchObject({ snapshot: stateAt(4), startsEpoch: true });
  });

  test('[R8] Redis behind Postgres was rolled back: Postgres counts', () => {
    const result = reconcile(tally, recovered(0, 6), recovered(0, 5), undefined);
    expect(result).toMatchObject({ snapshot: stateAt(6), startsEpoch: true });
  });

  test('[R11] Redis of another epoch is stale: only commands Postgres does not have are taken over, with their outcome', () => {
    const stale = recovered(0, 9, { epoch: 'old' });
    const result = reconcile(tally, recovered(0, 4), stale, undefined);
    expect(result).toMatchObject({ saved: stateAt(4), startsEpoch: true });
    expect(result.snapshot).toEqual(stateAt(9));
    expect(reconcile(tally, recovered(0, 9), stale, undefined).snapshot).toEqual(stateAt(9));
  });

  test('[R12] Redis of a later epoch that lacks a command of Postgres is not believed, though the same one was given just before', () => {
    const later = recovered(0, 2, {
      epoch: '4-later',
      entries: [
        ...log.slice(0, 2),
        { offset: 3, joined: { client_id: 'other', incarnation: 'life', generation: 1 } },
      ],
    });
    const result = reconcile(tally, recovered(0, 3, { epoch: '3-former' }), later, undefined);
    expect(result.snapshot.writers[0]).toMatchObject({ accepted: 2 });
    expect(result.startsEpoch).toBe(true);
  });

  test('[R11] a stale command behind a gap is left to its client', () => {
    const stale = recovered(6, 9, { epoch: 'old' });
    const result = reconcile(tally, recovered(0, 4), stale, undefined);
    expect(result.snapshot).toEqual(stateAt(4));
  });

  test('[C2] [C8] a stale command that stands on another one than the writer gave here is left to its client', () => {
    const otherWay = log.map((entry) => (entry.offset === 5 ? { ...entry, hash: 'y' } : entry));
    const stale = recovered(0, 9, { epoch: 'old', entries: otherWay });
    expect(reconcile(tally, recovered(0, 5), stale, undefined).snapshot).toEqual(stateAt(5));
    expect(reconcile(tally, recovered(0, 4), stale, undefined).snapshot.offset).toBe(10);
  });

  test('[C2] [R11] what is taken over is renumbered behind what another device did meanwhile', () => {
    const other = { client_id: 'other', incarnation: 'life', generation: 1 };
    const meanwhile: Entry[] = [
      ...log.slice(0, 3),
      { offset: 4, joined: other },
      {
        offset: 5,
        writer: 1,
        seq: 1,
        at_ms: 1,
        hash: 'x',
        events: [['added', { amount: 40, clientId: 'other', atMs: 1 }]],
      },
    ];
    const postgres = { ...recovered(0, 0), entries: meanwhile };
    const result = reconcile(tally, postgres, recovered(0, 6, { epoch: 'old' }), undefined);
    expect(result.snapshot).toMatchObject({ offset: 8, state: { total: 45 } });
    expect(result.snapshot.writers.map(({ accepted }) => accepted)).toEqual([5, 1]);
    expect(result.recent.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('[R8] Redis that was restarted keeps what it has under a new epoch, since a suffix may be missing', () => {
    const result = reconcile(
      tally,
      recovered(0, 4),
      recovered(0, 7, { isContinuous: false }),
      undefined,
    );
    expect(result).toMatchObject({ snapshot: stateAt(7), startsEpoch: true });
  });

  test('[E1] Redis that never was the log of this epoch cannot prove that nothing was lost', () => {
    const result = reconcile(tally, recovered(0, 8), recovered(8, 8, { isLog: false }), undefined);
    expect(result).toMatchObject({ snapshot: stateAt(8), startsEpoch: true });
  });

  test('[R4] a client that has seen more begins a new epoch; one that has seen as much does not', () => {
    const seen = (offset: number) =>
      reconcile(tally, recovered(0, 4), recovered(0, 7), sighting('e', offset)).startsEpoch;
    expect(seen(8)).toBe(true);
    expect(seen(7)).toBe(false);
  });
});

describe('what a client bears witness to', () => {
  const startsEpoch = (seen: Sighting): boolean =>
    reconcile(tally, recovered(0, 5), recovered(0, 5), seen).startsEpoch;

  test('[R4] only what it saw in this epoch tells of a loss', () => {
    expect(startsEpoch(sighting('e', 5))).toBe(false);
    expect(startsEpoch(sighting('e', 6))).toBe(true);
    expect(startsEpoch(sighting('other', 6))).toBe(false);
  });

  test('[A4] a client whose token is retired bears witness to nothing', () => {
    const seen = { ...sighting('e', 99), generation: 0 };
    expect(startsEpoch(seen)).toBe(false);
    expect(startsEpoch(sighting('e', 99))).toBe(true);
  });
});

describe('a state of an older version', () => {
  const next: AnyModel = {
    ...tally,
    version: 2,
    upcast: (state) => ({ ...(state as TallyState), isUpcast: true }),
  };

  test('[O5] is brought up to date, and a new epoch tells both stores of its version', () => {
    const result = reconcile(next, recovered(0, 4), recovered(2, 8), undefined);
    expect(result).toMatchObject({
      startsEpoch: true,
      snapshot: { version: 2, state: { total: 7, isUpcast: true } },
    });
  });

  test('[O5] without a way to bring it up to date it is not taken for one of this version', () => {
    const stuck: AnyModel = { ...tally, version: 2 };
    expect(() => reconcile(stuck, recovered(0, 4), undefined, undefined)).toThrow(
      'cannot read its state of version 1',
    );
  });
});

describe('Postgres behind what it had confirmed', () => {
  test('[R8] Redis trimmed beyond Postgres tells of a restored backup: a new epoch, and Redis counts', () => {
    const result = reconcile(tally, recovered(0, 3), recovered(5, 8), undefined);
    expect(result).toMatchObject({ snapshot: stateAt(8), startsEpoch: true });
  });
});

describe('Postgres restored to a time before the epoch of Redis', () => {
  const restored = recovered(0, 3, { epoch: '3-a' });

  test('[R12] Redis of a later epoch that has all of Postgres counts, under a new epoch', () => {
    const result = reconcile(tally, restored, recovered(5, 8, { epoch: '12-b' }), undefined);
    expect(result).toMatchObject({ snapshot: stateAt(8), saved: stateAt(3), startsEpoch: true });
    expect(result.recent).toEqual([]);
  });

  test('[R12] not when its hashes do not reach back to what Postgres has, or it numbers the writers otherwise', () => {
    const whole = recovered(5, 8, { epoch: '12-b' });
    const [writer] = whole.snapshot.writers;
    if (writer === undefined) throw new Error('There is no writer.');
    const far = { ...whole.snapshot, writers: [{ ...writer, hashes: writer.hashes.slice(-1) }] };
    const other = { ...writer, client_id: 'other', accepted: 0, hashes: [] };
    const swapped = { ...whole.snapshot, writers: [other, writer] };
    for (const snapshot of [far, swapped])
      expect(
        reconcile(tally, restored, { ...whole, snapshot, entries: [] }, undefined),
      ).toMatchObject({
        snapshot: { offset: 3 },
        startsEpoch: true,
      });
  });

  test('[R8] Redis of an earlier epoch does not, however much it has', () => {
    const result = reconcile(tally, restored, recovered(5, 8, { epoch: '2-b' }), undefined);
    expect(result).toMatchObject({ snapshot: stateAt(3), startsEpoch: true });
  });

  test('[R8] Postgres that went its own way since is not set aside; what stands on the other way is left to its client', () => {
    const others: readonly Entry[] = log.map((entry) =>
      'seq' in entry && entry.seq === 2 ? { ...entry, hash: 'other' } : entry,
    );
    const redis = recovered(0, 5, { epoch: '12-b', entries: others.slice(0, 5) });
    const result = reconcile(tally, restored, redis, undefined);
    expect(result).toMatchObject({ snapshot: { offset: 3, writers: [{ accepted: 2 }] } });
    expect(result.recent).toEqual(log.slice(0, 3));
  });
});

describe('Redis alone', () => {
  test('[R11] while Postgres is away Redis counts when it has all that the client has seen', () => {
    const hasAll = (epoch: string, offset: number): boolean =>
      hasAllSeen(tally, recovered(2, 8, { epoch: '5-a' }), sighting(epoch, offset));
    expect(hasAll('5-a', 8)).toBe(true);
    expect(hasAll('5-a', 9)).toBe(false);
    expect(hasAll('6-b', 3)).toBe(false);
    expect(hasAll('5-b', 3)).toBe(false);
    expect(hasAll('4-a', 99)).toBe(true);
    expect(hasAllSeen(tally, recovered(2, 8), undefined)).toBe(true);
    expect(hasAllSeen({ ...tally, version: 2 }, recovered(2, 8), undefined)).toBe(false);
  });

  test('[R11] it goes on in its epoch, because another one could not be recorded anywhere', () => {
    expect(continueFromRedis(tally, recovered(2, 8))).toMatchObject({
      snapshot: stateAt(8),
      saved: stateAt(2),
      startsEpoch: false,
    });
  });
});

describe('Postgres alone', () => {
  test('[E1] [R11] a new epoch begins: it may be an older backup, and Redis may come back with what it holds', () => {
    const result = continueFromPostgres(tally, recovered(2, 9));
    expect(result).toMatchObject({ snapshot: stateAt(9), saved: stateAt(9), startsEpoch: true });
  });
});

describe('what Redis still holds when it is back', () => {
  const than = stateAt(5);

  test('[R11] is more when a writer has come further there, in its snapshot or after it', () => {
    expect(holdsMore(recovered(0, 5), than)).toBe(false);
    expect(holdsMore(recovered(5, 5), than)).toBe(false);
    expect(holdsMore(recovered(2, 6), than)).toBe(true);
    expect(holdsMore(recovered(6, 6), than)).toBe(true);
  });

  test('[R11] is more when a writer is there that is not here, once it has given a command', () => {
    const joined = { client_id: 'other', incarnation: 'life', generation: 1 };
    const other = { offset: 6, joined };
    expect(holdsMore({ ...recovered(0, 5), entries: [...log.slice(0, 5), other] }, than)).toBe(
      false,
    );
    const command = { offset: 7, writer: 1, seq: 1, at_ms: 1, hash: 'y', events: [] };
    const entries = [...log.slice(0, 5), other, command];
    expect(holdsMore({ ...recovered(0, 5), entries }, than)).toBe(true);
  });
});

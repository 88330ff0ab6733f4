import { beforeEach, describe, expect, test } from 'vitest';

import { seededRandom } from '../simulation/random.ts';
import { commandSource, type Issued } from './command-source.ts';
import type { FindingKind } from './findings.ts';
import { Given } from './given.ts';

const startMs = 1_000;

describe('what a device was given', () => {
  let given: Given;
  let commands: readonly Issued[];
  let found: FindingKind[];
  const timesOf = (...ordinals: readonly number[]): readonly number[] =>
    ordinals.map((ordinal) => commands[ordinal - 1]?.atMs ?? 0);

  beforeEach(() => {
    const source = commandSource(seededRandom(3), 0);
    commands = Array.from({ length: 6 }, () => source());
    found = [];
    given = new Given((kind) => found.push(kind));
    for (const command of commands) given.give(command, startMs);
  });

  test('while its process lives, nothing may be missing, kept or not', () => {
    given.toldKept(timesOf(1, 2));
    expect([...given.unsure]).toEqual([]);
    expect(given.lastStanding).toBe(6);
  });

  test('when its process is killed, what was said to be kept may not be missing, and all else may', () => {
    given.toldKept(timesOf(1, 2, 3));
    given.processDied();
    expect([...given.unsure]).toEqual([4, 5, 6]);
  });

  test('what the next process finds in the storage may not be missing, and the rest is void', () => {
    given.toldKept(timesOf(1, 2));
    given.processDied();
    given.foundKept(timesOf(1, 2, 3, 4));
    expect([...given.unsure]).toEqual([]);
    expect([...given.voided]).toEqual([5, 6]);
    expect(given).toMatchObject({ lastStanding: 4, standingCount: 4, keptCount: 4 });
  });

  test('what was given to the next process is its own affair', () => {
    given.toldKept(timesOf(1, 2, 3, 4, 5));
    given.processDied();
    given.foundKept(timesOf(1, 2, 3, 4, 5));
    const next = { ...(commands[5] as Issued), ordinal: 7, atMs: 7 };
    given.give(next, startMs);
    expect([...given.voided]).toEqual([6]);
    expect(given.lastStanding).toBe(7);
    given.processDied();
    expect([...given.unsure]).toEqual([7]);
    expect([...given.voided]).toEqual([6]);
  });

  test('what is accepted and saved counts without what is void', () => {
    given.toldKept(timesOf(1, 2, 3));
    given.processDied();
    given.foundKept(timesOf(1, 2, 3));
    given.shown(3, { unaccepted: 1, unsaved: 2 }, startMs + 50);
    expect(given).toMatchObject({ acceptedCount: 2, checkpointedCount: 1, longestStallMs: 50 });
    expect(given.unsaved.map(({ ordinal }) => ordinal)).toEqual([2, 3]);
  });

  test('what waits on a device that is away on purpose counts as waiting from when it is back', () => {
    given.cameBack(startMs + 900);
    given.shown(6, { unaccepted: 0, unsaved: 6 }, startMs + 1_000);
    expect(given.longestStallMs).toBe(100);
  });

  test('a command that is sent before it is kept is found', () => {
    given.toldKept(timesOf(1, 2));
    given.toldSent(timesOf(1, 2));
    expect(found).toEqual([]);
    given.toldSent(timesOf(2, 3));
    expect(found).toEqual(['sent-before-kept']);
  });

  test('a command that an earlier process kept may be sent by the next one', () => {
    given.processDied();
    given.foundKept(timesOf(1, 2, 3));
    given.toldSent(timesOf(1, 2, 3));
    expect(found).toEqual([]);
    given.toldSent(timesOf(4));
    expect(found).toEqual(['sent-before-kept']);
  });

  test('a kill excuses nothing that was shown as accepted, kept or not', () => {
    given.toldKept(timesOf(1));
    given.shown(2, { unaccepted: 0, unsaved: 2 }, startMs);
    given.processDied();
    expect([...given.unsure]).toEqual([3, 4, 5, 6]);
    given.foundKept(timesOf(1));
    expect(given).toMatchObject({ acceptedCount: 2, standingCount: 2 });
  });

  test('a command nobody gave is found where it is kept, and where it is sent', () => {
    given.toldKept([99]);
    given.toldSent([99]);
    expect(found).toEqual(['altered', 'altered']);
  });
});

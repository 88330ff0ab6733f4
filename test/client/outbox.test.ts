import { describe, expect, test } from 'vitest';

import {
  addCommand,
  commandAt,
  commandsBetween,
  emptyOutbox,
  lastSeq,
  meetWelcome,
  raiseWatermarks,
  reincarnate,
  type Outbox,
} from '../../client/outbox.ts';
import { retryDelayMs } from '../../client/reconnect.ts';
import type { Welcome, WireCommand } from '../../shared/protocol/frames.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import { commandHash } from '../../shared/session/fold.ts';

const add = (amount: number, atMs = 1): WireCommand => ['add', { amount }, atMs];
const filled = (...amounts: number[]): Outbox =>
  amounts.reduce((outbox, amount) => addCommand(outbox, add(amount)), emptyOutbox('life'));

const welcome = (more: Partial<Welcome>): Welcome => ({
  type: 'welcome',
  result: 'resumed',
  epoch: 'e',
  accepted: 0,
  checkpointed: 0,
  hashes: [],
  head: 0,
  proof: 'p',
  token: 't',
  heartbeat_ms: 1,
  pong_timeout_ms: 1,
  retention_ms: 1,
  backoff_ms: [1, 2],
  limits: defaultLimits,
  release: 'r',
  ...more,
});

describe('outbox', () => {
  test('[C1] commands are numbered from 1 and found by their seq', () => {
    const outbox = filled(10, 20, 30);
    expect(lastSeq(outbox)).toBe(3);
    expect(commandAt(outbox, 2)).toEqual(add(20));
    expect(commandsBetween(outbox, 2, 3)).toEqual([add(20), add(30)]);
  });

  test('[C1] two outboxes that went on from the same one differently have nothing of each other', () => {
    const common = filled(1, 2);
    const one = addCommand(common, add(3));
    const other = addCommand(addCommand(common, add(30)), add(40));
    expect(commandsBetween(one, 1, 9)).toEqual([add(1), add(2), add(3)]);
    expect(commandsBetween(other, 1, 9)).toEqual([add(1), add(2), add(30), add(40)]);
    expect(commandsBetween(common, 1, 9)).toEqual([add(1), add(2)]);
    expect(commandAt(common, 3)).toBeUndefined();
    expect(commandsBetween({ ...common, forgottenCount: 5 }, 1, 3)).toEqual([]);
  });

  test('[C9] a clock that jumps back does not take the commands with it', () => {
    const outbox = addCommand(addCommand(emptyOutbox('life'), add(1, 9_000)), add(2, 4_000));
    expect(commandAt(outbox, 2)).toEqual(add(2, 9_000));
  });

  test('[C6] watermarks only rise with what is told along the way', () => {
    const outbox = raiseWatermarks(filled(1, 2, 3), { accepted: 3, checkpointed: 2 });
    expect(raiseWatermarks(outbox, { accepted: 2, checkpointed: 1 })).toMatchObject({
      accepted: 3,
      checkpointed: 2,
    });
  });

  test('[R8] a welcome may tell less than before: what is above is there to be sent again', () => {
    const outbox = raiseWatermarks(filled(1, 2, 3), { accepted: 3, checkpointed: 1 });
    const verdict = meetWelcome(
      outbox,
      welcome({ accepted: 1, checkpointed: 1, result: 'rebuilt' }),
    );
    expect(verdict).toMatchObject({ kind: 'continue', lostCount: 0, outbox: { accepted: 1 } });
  });

  test('[R7] more accepted than was ever given means that this storage was rolled back', () => {
    const hashes = [1, 2, 3].map((amount) => commandHash(add(amount)));
    const verdict = meetWelcome(filled(1, 2), welcome({ accepted: 3, hashes }));
    expect(verdict).toEqual({ kind: 'diverged', commonSeq: 2 });
  });

  test('[R7] what a rolled back storage still has and the server has too is not given again', () => {
    const hashes = [1, 2, 3, 4, 5, 6, 7].map((amount) => commandHash(add(amount)));
    const rolledBack = raiseWatermarks(filled(1, 2, 3, 4, 5), { accepted: 2, checkpointed: 0 });
    const verdict = meetWelcome(rolledBack, welcome({ accepted: 7, hashes }));
    expect(verdict).toEqual({ kind: 'diverged', commonSeq: 5 });
    const goneOn = addCommand(rolledBack, add(60));
    expect(meetWelcome(goneOn, welcome({ accepted: 7, hashes }))).toEqual({
      kind: 'diverged',
      commonSeq: 5,
    });
  });

  test('[R7] [C8] rolled back farther than hashes reach, it is not guessed where the two part', () => {
    const outbox = raiseWatermarks(filled(1, 2, 3), { accepted: 2, checkpointed: 0 });
    const hashes = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((amount) => commandHash(add(amount)));
    const told = (count: number): object =>
      meetWelcome(outbox, welcome({ accepted: 9, hashes: hashes.slice(-count) }));
    expect(told(2)).toEqual({ kind: 'unclear' });
    expect(told(6)).toEqual({ kind: 'unclear' });
    expect(told(7)).toEqual({ kind: 'diverged', commonSeq: 3 });
  });

  test('[R7] a copy that differs from the first hash on parts before it, unless that is the first of all', () => {
    const hashes = [7, 8, 9].map((amount) => commandHash(add(amount)));
    expect(meetWelcome(filled(1, 2, 3, 4, 5), welcome({ accepted: 5, hashes }))).toEqual({
      kind: 'unclear',
    });
    expect(meetWelcome(filled(1, 2, 3), welcome({ accepted: 3, hashes }))).toEqual({
      kind: 'diverged',
      commonSeq: 0,
    });
  });

  test('[C8] the same payload at another time is another command', () => {
    expect(commandHash(add(0, 1_000))).not.toBe(commandHash(add(0, 1_001)));
  });

  test('[R7] another hash under a known seq means that this storage is a copy', () => {
    const outbox = filled(1, 2, 3);
    const same = welcome({ accepted: 2, hashes: [add(1), add(2)].map(commandHash) });
    expect(meetWelcome(outbox, same)).toMatchObject({ kind: 'continue' });
    const other = welcome({ accepted: 2, hashes: [add(1), add(7)].map(commandHash) });
    expect(meetWelcome(outbox, other)).toEqual({ kind: 'diverged', commonSeq: 1 });
  });

  test('[R7] a new incarnation numbers anew what was never accepted, and only that', () => {
    const outbox = raiseWatermarks(filled(1, 2, 3, 4), { accepted: 2, checkpointed: 0 });
    const next = reincarnate(outbox, 2, 'second');
    expect(next).toMatchObject({ incarnation: 'second', accepted: 0, checkpointed: 0 });
    expect(commandsBetween(next, 1, lastSeq(next))).toEqual([add(3), add(4)]);
  });
});

describe('coming back', () => {
  test('[P2] the first retry is spread over the server’s first bound, later ones double up to its longest', () => {
    const spans = [0, 1, 2, 3, 10].map((attempt) => retryDelayMs(attempt, [200, 20_000], 0.5));
    expect(spans).toEqual([100, 250, 500, 1_000, 10_000]);
    expect(retryDelayMs(0, [200, 20_000], 0)).toBe(0);
  });
});

import { expect, test } from 'vitest';

import { withCircuit } from '../../server/store/circuit.ts';
import { StoreUnavailableError, type Journal, type Trim } from '../../server/store/journal.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryJournal } from '../support/memory-journal.ts';

const trimOf = (sessionId: string): Trim => ({
  sessionId,
  ownerId: 'a',
  epoch: 'e1',
  snapshot: { kind: 'tally', version: 1, offset: 0, writers: [], state: {} },
});

/** A journal that fails as told, and tells which sessions it was asked for. */
function failing(isAboutSession: boolean) {
  const asked: string[] = [];
  const journal: Journal = {
    ...memoryJournal({ keepsAll: false }),
    trim: ({ sessionId }) => {
      asked.push(sessionId);
      return Promise.reject(new StoreUnavailableError('Redis', 'away', { isAboutSession }));
    },
  };
  return { journal, asked };
}

test('after a failure nobody is asked to wait, until the store is tried again', async () => {
  const { journal, asked } = failing(false);
  const clock = manualClock();
  const circuit = withCircuit(journal, 'Redis', clock);
  const ask = (sessionId: string) =>
    expect(circuit.trim(trimOf(sessionId))).rejects.toThrow(StoreUnavailableError);
  await ask('one');
  await ask('two');
  expect(asked).toEqual(['one']);
  clock.pass(500);
  await ask('three');
  expect(asked).toEqual(['one', 'three']);
});

test('somebody who sets the time back does not keep a store away', async () => {
  const { journal, asked } = failing(false);
  const clock = manualClock();
  const circuit = withCircuit(journal, 'Redis', clock);
  await expect(circuit.trim(trimOf('one'))).rejects.toThrow(StoreUnavailableError);
  clock.setForward(-3_600_000);
  clock.pass(500);
  await expect(circuit.trim(trimOf('two'))).rejects.toThrow(StoreUnavailableError);
  expect(asked).toEqual(['one', 'two']);
});

test('sessions in other parts of the store do not notice', async () => {
  const { journal, asked } = failing(false);
  const circuit = withCircuit(journal, 'Redis', manualClock(), {
    partOf: (sessionId) => sessionId.charAt(0),
  });
  for (const sessionId of ['a1', 'a2', 'b1', 'b2'])
    await expect(circuit.trim(trimOf(sessionId))).rejects.toThrow(StoreUnavailableError);
  expect(asked).toEqual(['a1', 'b1']);
});

test('trouble of one session keeps nobody else away', async () => {
  const { journal, asked } = failing(true);
  const circuit = withCircuit(journal, 'Redis', manualClock());
  for (const sessionId of ['one', 'two'])
    await expect(circuit.trim(trimOf(sessionId))).rejects.toThrow(StoreUnavailableError);
  expect(asked).toEqual(['one', 'two']);
});

import { describe, expect, test } from 'vitest';

import { seededRandom } from '../simulation/random.ts';
import { commandSource, type Issued } from './command-source.ts';
import type { FindingKind } from './findings.ts';
import { Ledger } from './ledger.ts';
import { differenceOf, judge } from './oracle.ts';
import type { StoredRow } from './stored-log.ts';

const clientId = 'a-client-of-twenty-two-letters';
const incarnation = 'its-incarnation-has-some-too';
const issued = commandsOf(40);
const nothing: ReadonlySet<number> = new Set();
const author = { name: 'a', clientId, issued, excused: nothing, voided: nothing };

function commandsOf(count: number): readonly Issued[] {
  const source = commandSource(seededRandom(3), 0);
  return Array.from({ length: count }, () => source());
}

/** A log with those commands, in one row after the row of the beginning. */
function logOf(commands: readonly Issued[]): readonly StoredRow[] {
  const ledger = new Ledger();
  const joined = { offset: 1, joined: { client_id: clientId, incarnation, generation: 1 } };
  const outcomes = commands.map((command, place) => {
    const due = ledger.due(command);
    if ('events' in due) for (const event of due.events) ledger.take(event);
    return { offset: place + 2, writer: 0, seq: place + 1, at_ms: command.atMs, ...due };
  });
  const entries = [joined, ...outcomes].map((entry) => JSON.stringify(entry)).join(',');
  return [
    { prev: -1, head: 0, entries: '', writtenAtMs: 1 },
    { prev: 0, head: outcomes.length + 1, entries, writtenAtMs: 2 },
  ];
}

function kindsOf(rows: readonly StoredRow[]): readonly FindingKind[] {
  return [...new Set(judge([author], rows).findings.map(({ kind }) => kind))];
}

describe('the judge of a chaos run', () => {
  test('a log with every command once and in order is right', () => {
    const verdict = judge([author], logOf(issued));
    expect(verdict.findings).toEqual([]);
    expect(verdict).toMatchObject({ lostCount: 0, doubledCount: 0, reorderedCount: 0 });
  });

  test('a command that is not there is lost', () => {
    expect(kindsOf(logOf(issued.toSpliced(7, 1)))).toContain('lost');
    expect(judge([author], logOf(issued.slice(0, -2))).lostCount).toBe(2);
  });

  test('a command of which nobody knows yet whether it is kept may be missing, and no other one may', () => {
    const [absent] = issued.slice(7, 8) as [Issued];
    const killed = { ...author, excused: new Set([absent.ordinal]) };
    const without = logOf(issued.toSpliced(7, 1));
    expect(judge([killed], without)).toMatchObject({ findings: [], lostCount: 0 });
    expect(judge([killed], logOf(issued)).findings).toEqual([]);
    expect(judge([killed], logOf(issued.toSpliced(7, 2))).lostCount).toBe(1);
  });

  test('a command that the storage did not have after a kill must be missing', () => {
    const [absent] = issued.slice(7, 8) as [Issued];
    const killed = { ...author, voided: new Set([absent.ordinal]) };
    expect(judge([killed], logOf(issued.toSpliced(7, 1))).findings).toEqual([]);
    expect(judge([killed], logOf(issued)).findings).toMatchObject([{ kind: 'void-delivered' }]);
  });

  test('a command that may be missing is there once at most, in its place', () => {
    const [unsure] = issued.slice(5, 6) as [Issued];
    const killed = { ...author, excused: new Set([unsure.ordinal]) };
    const found = (commands: readonly Issued[]) =>
      judge([killed], logOf(commands)).findings.map(({ kind }) => kind);
    expect(found([...issued, unsure])).toContain('doubled');
    expect(found([...issued.toSpliced(5, 1), unsure])).toContain('reordered');
  });

  test('a command that is there again is doubled, under another seq too', () => {
    expect(kindsOf(logOf([...issued, ...issued.slice(5, 6)]))).toContain('doubled');
  });

  test('commands that changed places are reordered', () => {
    const swapped = [...issued.slice(0, 10), ...issued.slice(10, 12).toReversed()];
    expect(kindsOf(logOf([...swapped, ...issued.slice(12)]))).toContain('reordered');
  });

  test('an outcome with another payload, and a command nobody gave, are altered', () => {
    const rows = logOf(issued).map((row) => ({
      ...row,
      entries: row.entries.replace('"heartRateBpm":100', '"heartRateBpm":101'),
    }));
    expect(kindsOf(rows)).toEqual(['altered']);
    expect(kindsOf(logOf(commandsOf(41)))).toEqual(['altered']);
  });

  test('with two devices outcomes may be of another moment, and payloads may not be others', () => {
    const other = {
      name: 'b',
      clientId: 'another-client-of-this-session',
      issued: [],
      excused: nothing,
      voided: nothing,
    };
    const changed = (from: string, to: string) =>
      judge(
        [author, other],
        logOf(issued).map((row) => ({ ...row, entries: row.entries.replace(from, to) })),
      ).findings.map(({ kind }) => kind);
    expect(changed('"second":4', '"second":3')).toEqual([]);
    expect(changed('"heartRateBpm":100', '"heartRateBpm":101')).toEqual(['altered']);
  });

  test('rows and entries that do not continue each other are a broken chain', () => {
    const [first, second] = logOf(issued) as [StoredRow, StoredRow];
    expect(kindsOf([first, { ...second, prev: 1 }])).toEqual(['broken-chain']);
    const withHole = second.entries.replace('"offset":9,', '"offset":10,');
    expect(kindsOf([first, { ...second, entries: withHole }])).toEqual(['broken-chain']);
  });

  test('a state that is not what the log comes to is told by its first difference', () => {
    const { totals } = judge([author], logOf(issued));
    const { lapsAtMs, pauses, recordedS, energyJ, ...rest } = totals;
    const state = {
      ...rest,
      laps: lapsAtMs.map((atMs) => ({ atMs })),
      pauses: pauses.map((reason) => ({ reason })),
      metrics: { recordedS, energyJ },
    };
    expect(differenceOf(state, totals)).toBeUndefined();
    const wrong = { ...state, metrics: { recordedS, energyJ: energyJ + 1 } };
    expect(differenceOf(wrong, totals)).toMatch(/^energyJ is/);
  });
});

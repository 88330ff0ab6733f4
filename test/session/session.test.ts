import { describe, expect, test } from 'vitest';

import {
  stepSession,
  type CommandsInput,
  type Input,
  type Step,
} from '../../server/session/session.ts';
import type { Entry, Snapshot, WireCommand } from '../../shared/protocol/frames.ts';
import { applyEntry, commandHash, genesis } from '../../shared/session/fold.ts';
import { tally, type TallyState } from '../support/tally.ts';

const add = (amount: number, atMs = 1_000): WireCommand => ['add', { amount }, atMs];
const rider = { reader: 'r', clientId: 'client', incarnation: 'life' };
const join: Input<string> = { kind: 'join', ...rider, generation: 1 };
const commands = (seq: number, ...commands: WireCommand[]): CommandsInput<string> => ({
  kind: 'commands',
  ...rider,
  seq,
  commands,
});

function step(snapshot: Snapshot, ...inputs: Input<string>[]): Step<string> {
  return stepSession(tally, snapshot, inputs, 3);
}

const entriesOf = ({ entries }: Step<string>): Entry[] =>
  JSON.parse(`[${entries?.text ?? ''}]`) as Entry[];
const totalOf = ({ next }: Step<string>): number => (next.state as TallyState).total;
const joined = step(genesis(tally, { bound: 100 }), join).next;

describe('commands', () => {
  test('[C1] commands take effect in order, and accepted is the last one', () => {
    const result = step(joined, commands(1, add(1), add(2)), commands(3, add(3)));
    expect(totalOf(result)).toBe(6);
    expect(result.next.writers[0]?.accepted).toBe(3);
    expect(entriesOf(result).map((entry) => 'seq' in entry && entry.seq)).toEqual([1, 2, 3]);
  });

  test('[C2] a repeated seq is not applied again', () => {
    const { next } = step(joined, commands(1, add(1), add(2)));
    const again = step(next, commands(1, add(1), add(2)));
    expect(again.entries).toBeUndefined();
    expect(again.answers).toEqual([]);
    const overlapping = step(next, commands(2, add(2), add(3)));
    expect(totalOf(overlapping)).toBe(6);
  });

  test('[C3] a gap in seq is answered with the seq expected, and nothing of the frame has effect', () => {
    const result = step(joined, commands(2, add(1), add(2)));
    expect(result.entries).toBeUndefined();
    expect(result.answers).toEqual([{ kind: 'gap', reader: 'r', expected: 1 }]);
  });

  test('[C4] a refused command still advances accepted, and those behind it go on', () => {
    const result = step(joined, commands(1, add(101), add(5)));
    expect(entriesOf(result)[0]).toMatchObject({ seq: 1, refused: 'over-bound' });
    expect(totalOf(result)).toBe(5);
    expect(result.next.writers[0]?.accepted).toBe(2);
  });

  test('[C7] a command the kind does not know or cannot read is refused, and one it fails over too', () => {
    const result = step(
      joined,
      commands(1, ['leap', {}, 1], ['add', { amount: 'x' }, 1], ['fail', {}, 1]),
    );
    const refusals = entriesOf(result).map((entry) => 'refused' in entry && entry.refused);
    expect(refusals).toEqual(['bad-command', 'bad-command', 'model-failed']);
    expect(result.modelErrors).toEqual([new Error('The model has a mistake.')]);
  });

  test('[C8] another payload under the last accepted seq is a divergence, and nothing behind it has effect', () => {
    const { next } = step(joined, commands(1, add(1), add(2)));
    const result = step(next, commands(2, add(7), add(8)), commands(4, add(9)));
    expect(result.answers).toEqual([{ kind: 'diverged', reader: 'r' }]);
    expect(result.entries).toBeUndefined();
  });

  test('[C8] hashes are of the latest accepted commands, and not more than are needed', () => {
    const { next } = step(joined, commands(1, add(1), add(2)));
    expect(next.writers[0]?.hashes).toEqual([add(1), add(2)].map(commandHash));
  });

  test('[C8] hashes a client tells stand as they came, also those of a frame that repeats some', () => {
    const told = { ...commands(1, add(1), add(2)), hashes: ['a1', 'a2'] };
    const first = step(joined, told);
    expect(entriesOf(first)).toMatchObject([{ hash: 'a1' }, { hash: 'a2' }]);
    const overlapping = { ...commands(2, add(2), add(3)), hashes: ['a2', 'a3'] };
    const second = step(first.next, overlapping);
    expect(entriesOf(second)).toMatchObject([{ seq: 3, hash: 'a3' }]);
    expect(second.next.writers[0]?.hashes).toEqual(['a1', 'a2', 'a3']);
  });

  test('[C8] a repeat with another told hash is a divergence, whatever the command says', () => {
    const { next } = step(joined, { ...commands(1, add(1)), hashes: ['a1'] });
    const again = step(next, { ...commands(1, add(1)), hashes: ['b1'] });
    expect(again.answers).toEqual([{ kind: 'diverged', reader: 'r' }]);
  });

  test('[C8] a server computes the hashes of a client that tells none, as the client would', () => {
    const hashes = [add(1), add(2)].map(commandHash);
    const silent = step(joined, commands(1, add(1), add(2)));
    expect(silent).toEqual(step(joined, { ...commands(1, add(1), add(2)), hashes }));
    const repeated = step(silent.next, { ...commands(2, add(2), add(3)), hashes: undefined });
    expect(repeated.answers).toEqual([]);
  });

  test('[C9] the time of an entry never falls within a writer', () => {
    const result = step(joined, commands(1, add(1, 5_000), add(2, 4_000), add(3, 6_000)));
    expect(entriesOf(result).map((entry) => 'at_ms' in entry && entry.at_ms)).toEqual([
      5_000, 5_000, 6_000,
    ]);
  });

  test('[E1] offsets continue the log without a gap, and the entries add up to the next state', () => {
    const result = step(joined, commands(1, add(1), add(101), add(2)));
    const entries = entriesOf(result);
    expect(entries.map(({ offset }) => offset)).toEqual([2, 3, 4]);
    const folded = entries.reduce((state, entry) => applyEntry(tally, state, entry), joined);
    expect(folded).toEqual(result.next);
  });

  test('[L5] what is refused after the end is counted by who decides and by who folds alike', () => {
    const model = { ...tally, isEnded: ({ total }: TallyState) => total >= 10 };
    const inputs = [commands(1, add(101), add(10), add(101), add(102))];
    const result = stepSession(model, joined, inputs, 3);
    expect(result.next.writers[0]).toMatchObject({ accepted: 4, lost: 2 });
    const fold = (state: Snapshot, entry: Entry): Snapshot => applyEntry(model, state, entry);
    expect(entriesOf(result).reduce(fold, joined)).toEqual(result.next);
  });

  test('[E1] folding an entry that does not follow is an error', () => {
    const entry: Entry = { offset: 9, writer: 0, seq: 1, at_ms: 1, hash: 'x', events: [] };
    expect(() => applyEntry(tally, joined, entry)).toThrow('does not follow');
  });
});

describe('joining', () => {
  test('[A3] the same token again changes nothing; a newer one is noted as proven', () => {
    expect(step(joined, join).entries).toBeUndefined();
    const newer = step(joined, { ...join, generation: 2 });
    expect(newer.next.writers).toMatchObject([{ generation: 2 }]);
  });

  test('[A4] a token older than a proven one is turned away, and what it brings along has no effect', () => {
    const { next } = step(joined, { ...join, generation: 5 });
    const result = step(next, { ...join, generation: 4 }, commands(1, add(1)));
    expect(result.answers).toEqual([{ kind: 'retired', reader: 'r' }]);
    expect(result.entries).toBeUndefined();
  });

  test('[A4] a newer token of the same client in the same step turns the older one away', () => {
    const result = step(joined, { ...join, reader: 'thief' }, { ...join, generation: 2 });
    expect(result.answers).toMatchObject([
      { kind: 'retired', reader: 'thief' },
      { kind: 'joined', reader: 'r' },
    ]);
  });

  test('[A5] a token newer than any the store knows is good', () => {
    const result = step(joined, { ...join, generation: 40 });
    expect(result.answers).toMatchObject([{ kind: 'joined', reader: 'r', writer: 0 }]);
  });

  test('[B8] a further writer is turned away, a known one is not', () => {
    const second: Input<string> = { ...join, incarnation: 'second' };
    const third: Input<string> = { ...join, incarnation: 'third' };
    const fourth: Input<string> = { ...join, incarnation: 'fourth' };
    const result = step(joined, second, third, fourth, second);
    expect(result.answers.map(({ kind }) => kind)).toEqual([
      'joined',
      'joined',
      'too-many-writers',
      'joined',
    ]);
  });

  test('[R7] each incarnation of a client counts its own seq', () => {
    const life: Input<string> = { ...join, incarnation: 'second' };
    const { next } = step(joined, commands(1, add(1)), life);
    const result = stepSession(
      tally,
      next,
      [{ kind: 'commands', ...rider, incarnation: 'second', seq: 1, commands: [add(2)] }],
      3,
    );
    expect(totalOf(result)).toBe(3);
    expect(result.next.writers.map(({ accepted }) => accepted)).toEqual([1, 1]);
  });
});

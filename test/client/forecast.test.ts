import { describe, expect, test } from 'vitest';

import { Forecast } from '../../client/forecast.ts';
import type { Entry, OutcomeEntry, Snapshot, WireCommand } from '../../shared/protocol/frames.ts';
import { applyEntry, genesis } from '../../shared/session/fold.ts';
import { tally, type TallyState } from '../support/tally.ts';

const author = { clientId: 'me', incarnation: 'life' };
const add = (amount: number): WireCommand => ['add', { amount }, 1];
const joined = applyEntry(tally, genesis(tally, { bound: 10 }), {
  offset: 1,
  joined: { client_id: 'me', incarnation: 'life', generation: 1 },
});
const outcome = (offset: number, seq: number, amount: number): OutcomeEntry => ({
  offset,
  writer: 0,
  seq,
  at_ms: 1,
  hash: 'x',
  events: [['added', { amount, clientId: 'me', atMs: 1 }]],
});
const totalOf = (forecast: Forecast): number => (forecast.state as TallyState).total;
const forecastOn = (snapshot: Snapshot, ...pending: WireCommand[]): Forecast =>
  new Forecast(tally, snapshot, author, pending);

describe('a forecast', () => {
  test('has every pending command on top of what is confirmed, refusals too', () => {
    const forecast = forecastOn(joined, add(1), add(20));
    forecast.add(add(2));
    expect(totalOf(forecast)).toBe(3);
  });

  test('of a device the session has not heard of is as if it had', () => {
    expect(totalOf(forecastOn(genesis(tally, { bound: 10 }), add(4)))).toBe(4);
  });

  test('stands when everything came as foreseen, and goes on from there', () => {
    const forecast = forecastOn(joined, add(1), add(20), add(2));
    const refused: Entry = {
      offset: 3,
      writer: 0,
      seq: 2,
      at_ms: 1,
      hash: 'x',
      refused: 'over-bound',
    };
    expect(forecast.agreesWith([outcome(2, 1, 1), refused])).toBe(true);
    forecast.add(add(3));
    expect(forecast.agreesWith([outcome(4, 3, 2), { ...outcome(5, 4, 3), hash: 'x' }])).toBe(true);
    expect(totalOf(forecast)).toBe(6);
  });

  test('stands where a model makes fields that JSON leaves out', () => {
    const model = {
      ...tally,
      decide: (...[state, command, context]: Parameters<typeof tally.decide>) => {
        const decision = tally.decide(state, command, context);
        return 'refused' in decision
          ? decision
          : decision.map(({ type, data }) => ({ type, data: { ...data, note: undefined } }));
      },
    };
    const forecast = new Forecast(model, joined, author, [add(1)]);
    expect(forecast.agreesWith([outcome(2, 1, 1)])).toBe(true);
  });

  test.each<[string, Entry[]]>([
    ['another outcome', [outcome(2, 1, 9)]],
    ['less of an outcome', [{ ...outcome(2, 1, 1), events: [['added', { amount: 1 }]] }]],
    ['no data', [{ ...outcome(2, 1, 1), events: [['added', null]] }]],
    ['another place', [outcome(3, 1, 1)]],
    ['a refusal', [{ offset: 2, writer: 0, seq: 1, at_ms: 1, hash: 'x', refused: 'over-bound' }]],
    ['another device', [{ ...outcome(2, 1, 1), writer: 1 }]],
    [
      'a device that joins',
      [{ offset: 2, joined: { client_id: 'x', incarnation: 'y', generation: 1 } }],
    ],
    ['more than was asked for', [outcome(2, 1, 1), outcome(3, 2, 1)]],
  ])('falls with %s', (_name, entries) => {
    expect(forecastOn(joined, add(1)).agreesWith(entries)).toBe(false);
  });
});

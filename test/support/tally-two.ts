/** The tally of the next release: it counts, and knows a command and an event that the first version does not. */
import * as v from 'valibot';

import { defineSession } from '../../shared/session/session-model.ts';
import { tally, type TallyState } from './tally.ts';

export interface TallyTwoState extends TallyState {
  readonly count: number;
  readonly doubledCount: number;
}

const before = v.object({
  bound: v.number(),
  total: v.number(),
  added: v.array(v.tuple([v.string(), v.number(), v.number()])),
});

export const tallyTwo = defineSession({
  kind: 'tally',
  version: 2,
  input: v.object({ bound: v.number() }),
  commands: { add: v.object({ amount: v.number() }), double: v.object({}) },
  events: {
    added: v.object({ amount: v.number(), clientId: v.string(), atMs: v.number() }),
    doubled: v.object({}),
  },
  initial: (input): TallyTwoState => ({ ...tally.initial(input), count: 0, doubledCount: 0 }),
  decide: (state, command, { clientId, atMs }) => {
    if (command.type === 'double') return [{ type: 'doubled', data: {} }];
    const { amount } = command.data;
    if (state.total + amount > state.bound) return { refused: 'over-bound' };
    return [{ type: 'added', data: { amount, clientId, atMs } }];
  },
  evolve: (state, event) =>
    event.type === 'doubled'
      ? { ...state, total: 2 * state.total, doubledCount: state.doubledCount + 1 }
      : { ...state, ...tally.evolve(state, event), count: state.count + 1 },
  upcast: (state) => {
    const former = v.parse(before, state);
    return { ...former, count: former.added.length, doubledCount: 0 };
  },
  downcast: ({ bound, total, added }): TallyState => ({ bound, total, added }),
});

/** The smallest session kind with everything a kind can have: a tally that must stay below its bound. */
import * as v from 'valibot';

import { defineSession } from '../../shared/session/session-model.ts';

export interface TallyState {
  readonly bound: number;
  readonly total: number;
  /** Every amount added, in order, with who added it: tells a loss, a repeat and a swap. */
  readonly added: readonly (readonly [clientId: string, amount: number, atMs: number])[];
}

const amount = v.object({ amount: v.number() });

export const tally = defineSession({
  kind: 'tally',
  version: 1,
  input: v.object({ bound: v.number() }),
  commands: { add: amount, fail: v.object({}) },
  events: { added: v.object({ amount: v.number(), clientId: v.string(), atMs: v.number() }) },
  initial: ({ bound }): TallyState => ({ bound, total: 0, added: [] }),
  decide: (state, command, { clientId, atMs }) => {
    if (command.type === 'fail') throw new Error('The model has a mistake.');
    const { amount } = command.data;
    if (state.total + amount > state.bound) return { refused: 'over-bound' };
    return [{ type: 'added', data: { amount, clientId, atMs } }];
  },
  evolve: (state, { data: { amount, clientId, atMs } }) => ({
    ...state,
    total: state.total + amount,
    added: [...state.added, [clientId, amount, atMs] as const],
  }),
});

/** The tally of the next release: it counts, too. Instances and pages of both releases are there during a deploy. */
import * as v from 'valibot';

import { defineSession, type AnyModel } from '../../shared/session/session-model.ts';
import { tally, type TallyState } from '../support/tally.ts';

interface TallyTwoState extends TallyState {
  readonly count: number;
}

const amount = v.object({ amount: v.number() });

const tallyTwo = defineSession({
  kind: tally.kind,
  version: 2,
  input: v.object({ bound: v.number() }),
  commands: { add: amount, fail: v.object({}) },
  events: { added: v.object({ amount: v.number(), clientId: v.string(), atMs: v.number() }) },
  initial: (input): TallyTwoState => ({ ...tally.initial(input), count: 0 }),
  decide: (state, command, context) => tally.decide(state, command, context),
  evolve: (state, event) => ({ ...state, ...tally.evolve(state, event), count: state.count + 1 }),
  upcast: (state): TallyTwoState => {
    const former = state as TallyState;
    return { ...former, count: former.added.length };
  },
});

/** By version. */
export const releases: Readonly<Record<Version, AnyModel>> = { 1: tally, 2: tallyTwo };

export type Version = 1 | 2;

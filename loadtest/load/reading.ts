/** The session kind of the measurements: what a sensor says, and no more than that, so that the framework is what is measured. */
import * as v from 'valibot';

import { defineSession } from '../../shared/session/session-model.ts';

const data = v.object({ powerW: v.number(), cadenceRpm: v.number(), heartRateBpm: v.number() });

export type Reading = v.InferOutput<typeof data>;

export const reading = defineSession({
  kind: 'reading',
  version: 1,
  input: v.object({}),
  commands: { read: data },
  events: { taken: data },
  initial: (): { readonly count: number; readonly last: Reading | undefined } => ({
    count: 0,
    last: undefined,
  }),
  decide: (_state, command) => [{ type: 'taken', data: command.data }],
  evolve: ({ count }, event) => ({ count: count + 1, last: event.data }),
});

/** What goes over the wire as an event, for everybody the same bytes. */
export function readingAt(number: number): Reading {
  return {
    powerW: 200 + (number % 97),
    cadenceRpm: 85 + (number % 11),
    heartRateBpm: 140 + (number % 7),
  };
}

/** The session kind of the measurements: what a sensor says, and no more than that, so that the framework is what is measured. */
import * as v from 'valibot';

import { defineSession } from '../../shared/session/session-model.ts';

const data = v.object({ powerW: v.number(), cadenceRpm: v.number(), heartRateBpm: v.number() });

export type Reading = v.InferOutput<typeof data>;

export interface Readings {
  readonly count: number;
  /** Of all readings in their order: one more, one less or two swapped make another. */
  readonly mix: number;
}

export const nothingRead: Readings = { count: 0, mix: 0 };

/** A prime: what is below it times the factor is far from where numbers become inexact. */
const mixMax = 1_000_003;
const mixFactor = 131;

export const after = ({ count, mix }: Readings, { powerW }: Reading): Readings => ({
  count: count + 1,
  mix: (mix * mixFactor + powerW) % mixMax,
});

export const reading = defineSession({
  kind: 'reading',
  version: 1,
  input: v.object({}),
  commands: { read: data },
  events: { taken: data },
  initial: () => nothingRead,
  decide: (_state, command) => [{ type: 'taken', data: command.data }],
  evolve: (state, event) => after(state, event.data),
});

/** What goes over the wire as an event, for everybody the same bytes. */
export function readingAt(number: number): Reading {
  return {
    powerW: 200 + (number % 97),
    cadenceRpm: 85 + (number % 11),
    heartRateBpm: 140 + (number % 7),
  };
}

/** Rows become values here: what a store gives back is checked once and trusted from then on. */
import * as v from 'valibot';

import {
  entrySchema,
  snapshotSchema,
  type Entry,
  type Snapshot,
} from '../../shared/protocol/frames.ts';

/** Throws when the text is not a snapshot: a corrupt store is not something to go on from. */
export function parseSnapshot(text: string): Snapshot {
  return v.parse(snapshotSchema, JSON.parse(text));
}

export function parseEntries(batches: readonly string[]): Entry[] {
  return batches.flatMap((batch) => v.parse(v.array(entrySchema), JSON.parse(`[${batch}]`)));
}

/** Parses batches of encoded entries and keeps those after an offset. Throws on a gap: part of a tail is never taken as whole. [E1] */
export function parseEntriesAfter(offset: number, batches: readonly string[]): Entry[] {
  const entries = parseEntries(batches).filter((entry) => entry.offset > offset);
  entries.forEach((entry, index) => {
    if (entry.offset !== offset + index + 1)
      throw new Error(`Entry ${entry.offset} stands where ${offset + index + 1} belongs.`);
  });
  return entries;
}

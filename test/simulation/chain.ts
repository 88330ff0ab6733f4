/** The oracle's own fold of a log. Shares no code with the product, so that one mistake cannot hide in both. */
import type { Entry, Snapshot } from '../../shared/protocol/frames.ts';

/** One tally entry as the state shows it. */
export type Added = readonly [clientId: string, amount: number, atMs: number];

/** What a log adds up to at one offset. */
export interface Link {
  readonly offset: number;
  /** Fingerprint of every amount added so far, in order. */
  readonly digest: number;
  readonly writers: readonly string[];
  /** Highest seq of each writer, in the order of `writers`. */
  readonly accepted: readonly number[];
  /** Highest generation of a token each writer has proven, likewise. */
  readonly generations: readonly number[];
}

export const writerKey = (clientId: string, incarnation: string): string =>
  `${clientId}/${incarnation}`;

export function acceptedOf(link: Link, writer: string): number {
  return link.accepted[link.writers.indexOf(writer)] ?? 0;
}

/** Highest generation of a token any writer of that client has proven; 0 for none. */
export function generationOf({ writers, generations }: Link, clientId: string): number {
  const own = generations.filter((_, index) => writers[index]?.startsWith(`${clientId}/`) === true);
  return Math.max(0, ...own);
}

export function addedOf(snapshot: Snapshot): readonly Added[] {
  return (snapshot.state as { readonly added: readonly Added[] }).added;
}

/** What is wrong with a state of its version; undefined when nothing is. */
export function shapeProblem({ version, state }: Snapshot): string | undefined {
  const { added, count } = state as { readonly added: readonly Added[]; readonly count?: number };
  const counted = version === 1 ? undefined : added.length;
  if (count === counted) return undefined;
  return `a state of version ${version} with ${added.length} entries counts ${count} [O5]`;
}

export function linkOf(snapshot: Snapshot): Link {
  return {
    offset: snapshot.offset,
    digest: digestOf(addedOf(snapshot)),
    writers: snapshot.writers.map((writer) => writerKey(writer.client_id, writer.incarnation)),
    accepted: snapshot.writers.map((writer) => writer.accepted),
    generations: snapshot.writers.map((writer) => writer.generation),
  };
}

export function digestOf(added: readonly Added[]): number {
  return added.reduce(mix, 17);
}

/** The next link, or one sentence that says why the entry cannot follow. */
export function follow(link: Link, entry: Entry): Link | string {
  if (entry.offset !== link.offset + 1)
    return `entry ${entry.offset} stands after offset ${link.offset}`;
  const { offset } = entry;
  if ('joined' in entry) {
    const { client_id, incarnation, generation } = entry.joined;
    const key = writerKey(client_id, incarnation);
    const known = link.writers.indexOf(key);
    if (known !== -1) {
      const highest = Math.max(generation, link.generations[known] ?? 0);
      return { ...link, offset, generations: link.generations.with(known, highest) };
    }
    return {
      ...link,
      offset,
      writers: [...link.writers, key],
      accepted: [...link.accepted, 0],
      generations: [...link.generations, generation],
    };
  }
  const former = link.accepted[entry.writer];
  if (former === undefined) return `entry ${offset} is of a writer nobody knows`;
  if (entry.seq !== former + 1)
    return `entry ${offset} has seq ${entry.seq} of ${link.writers[entry.writer]}, after ${former}`;
  const accepted = link.accepted.with(entry.writer, entry.seq);
  return { ...link, offset, accepted, digest: addedBy(entry).reduce(mix, link.digest) };
}

export function addedBy(entry: Entry): Added[] {
  if ('joined' in entry) return [];
  return (entry.events ?? []).map(([, data]) => {
    const { clientId, amount, atMs } = data as { clientId: string; amount: number; atMs: number };
    return [clientId, amount, atMs];
  });
}

function mix(digest: number, [clientId, amount, atMs]: Added): number {
  let mixed = digest;
  for (const part of [clientId.charCodeAt(1), amount, atMs % 0x7fffffff])
    mixed = Math.imul(mixed ^ part, 0x9e3779b1) ^ (mixed >>> 13);
  return mixed | 0;
}

/** Where two lists part, as one sentence. */
export function firstDifference(
  expected: readonly Added[],
  actual: readonly Added[],
): string | undefined {
  const length = Math.max(expected.length, actual.length);
  for (let index = 0; index < length; index++)
    if (expected[index]?.join() !== actual[index]?.join())
      return `number ${index + 1} of ${expected.length} must be ${expected[index]?.join()}, is ${actual[index]?.join()} of ${actual.length}`;
  return undefined;
}

/** While one write is under way, the next ones gather and go out together: many sessions, one transaction, or one script. */
import { StoreUnavailableError } from './journal.ts';

/** How much goes together: a write keeps all the others waiting. */
export interface GroupBounds<Item> {
  readonly countMax: number;
  /** Characters, unless one item alone has more. */
  readonly charsMax: number;
  /** What an item adds to them. */
  readonly charsOf: (item: Item) => number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Turns a write of many into a write of one. `writeAll` gets items of distinct keys (a session's second batch waits for its first)
 * and returns a result per item, in order; when it rejects, all of the group do, and with a store that is away all that wait: group
 * after group would find that out by a time-out of its own.
 */
export function groupCommit<Item extends { readonly sessionId: string }, Result>(
  writeAll: (items: readonly Item[]) => Promise<readonly Result[]>,
  bounds: GroupBounds<Item>,
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let isWriting = false;

  async function writeNext(): Promise<void> {
    const [group, rest] = takeGroup(waiting, bounds);
    waiting = rest;
    isWriting = true;
    try {
      const results = await writeAll(group.map(({ item }) => item));
      group.forEach(({ resolve, reject }, index) => {
        const result = results[index];
        if (result === undefined) reject(new Error('A group commit lost a result.'));
        else resolve(result);
      });
    } catch (error) {
      const failed = isAway(error) ? [...group, ...waiting.splice(0)] : group;
      for (const { reject } of failed) reject(error);
    }
    isWriting = false;
    if (waiting.length > 0) void writeNext();
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      // After the sockets that can be read now have been: sessions that are due together share even the first write.
      if (!isWriting) {
        isWriting = true;
        setImmediate(() => void writeNext());
      }
    });
}

const isAway = (error: unknown): boolean =>
  error instanceof StoreUnavailableError && !error.isAboutSession;

function takeGroup<Item extends { readonly sessionId: string }, Result>(
  waiting: readonly Waiting<Item, Result>[],
  { countMax, charsMax, charsOf }: GroupBounds<Item>,
): [group: Waiting<Item, Result>[], rest: Waiting<Item, Result>[]] {
  const seen = new Set<string>();
  const group: Waiting<Item, Result>[] = [];
  const rest: Waiting<Item, Result>[] = [];
  let chars = 0;
  for (const entry of waiting) {
    const more = charsOf(entry.item);
    const isRoom = group.length === 0 || (group.length < countMax && chars + more <= charsMax);
    const fits = isRoom && !seen.has(entry.item.sessionId);
    if (fits) chars += more;
    seen.add(entry.item.sessionId);
    (fits ? group : rest).push(entry);
  }
  return [group, rest];
}

/** While one write is under way, the next ones gather and go out together: many sessions, one transaction. */

/** Sessions in one statement at most: keeps the time that rows are locked bounded. */
const groupMax = 500;

/**
 * Characters in one statement at most, unless one item has more: a second's work on a slow machine. When Postgres was away for long, all
 * that waited in one statement would take longer than its time-out, again and again.
 */
const groupCharsMax = 4_000_000;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Turns a write of many into a write of one. `writeAll` gets items of distinct keys (a session's second batch waits for its first)
 * and returns a result per item, in order; when it rejects, all of the group do.
 * `charsOf` an item is what it adds to a statement.
 */
export function groupCommit<Item extends { readonly sessionId: string }, Result>(
  writeAll: (items: readonly Item[]) => Promise<readonly Result[]>,
  charsOf: (item: Item) => number = () => 0,
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let isWriting = false;

  async function writeNext(): Promise<void> {
    const [group, rest] = takeGroup(waiting, charsOf);
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
      for (const { reject } of group) reject(error);
    }
    isWriting = false;
    if (waiting.length > 0) void writeNext();
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      // A turn later, so that sessions that are due together share even the first write.
      if (!isWriting) {
        isWriting = true;
        queueMicrotask(() => void writeNext());
      }
    });
}

function takeGroup<Item extends { readonly sessionId: string }, Result>(
  waiting: readonly Waiting<Item, Result>[],
  charsOf: (item: Item) => number,
): [group: Waiting<Item, Result>[], rest: Waiting<Item, Result>[]] {
  const seen = new Set<string>();
  const group: Waiting<Item, Result>[] = [];
  const rest: Waiting<Item, Result>[] = [];
  let chars = 0;
  for (const entry of waiting) {
    const more = charsOf(entry.item);
    const isRoom = group.length === 0 || (group.length < groupMax && chars + more <= groupCharsMax);
    const fits = isRoom && !seen.has(entry.item.sessionId);
    if (fits) chars += more;
    seen.add(entry.item.sessionId);
    (fits ? group : rest).push(entry);
  }
  return [group, rest];
}

/** Goes through the live sessions of a kind and finds those with something newer than a version, in either store. */
import type { LogVersions, SchemaCatalog } from '../store/schema-catalog.ts';

/** Sessions asked for at once, and worked on at a time. */
const pageCount = 200;
const concurrencyMax = 8;

export interface SessionVersions {
  readonly schemas: SchemaCatalog;
  readonly logVersions: LogVersions | undefined;
}

/** Calls `work` for each of them, some at a time, and `passed` after each page. The first error ends it. */
export async function eachNewer(
  { schemas, logVersions }: SessionVersions,
  { kind, version }: { readonly kind: string; readonly version: number },
  work: (sessionId: string) => Promise<void>,
  passed: (count: number) => void = () => {},
): Promise<void> {
  let last = '';
  for (;;) {
    const page = await schemas.page(kind, last, pageCount);
    await inParallel(page, async ({ sessionId, version: stored }) => {
      const logged = stored > version ? stored : await logVersions?.version(sessionId);
      if ((logged ?? 0) > version) await work(sessionId);
    });
    passed(page.length);
    last = page.at(-1)?.sessionId ?? last;
    if (page.length < pageCount) return;
  }
}

/** Once one fails no other is begun; rejects when those under way have ended. */
async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift())
      await work(item).catch((error: unknown) => {
        waiting.length = 0;
        throw error;
      });
  };
  const ends = await Promise.allSettled(Array.from({ length: concurrencyMax }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

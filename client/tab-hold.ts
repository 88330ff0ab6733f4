/**
 * Which of a browser's tabs has a session. One tab holds it and writes; others read along by what it tells them, until it lets go or
 * somebody takes it over. Where the browser has no Web Locks every tab holds, and the service lets the newest connection win.
 */

export interface TabHold {
  /** Resolves when another tab has taken over. */
  readonly lost: Promise<void>;
  /** To all tabs that follow: anything that can be cloned. A tab that comes later is told the latest at once. */
  tell(message: unknown): void;
  release(): void;
}

export interface HoldOptions {
  /** Takes the session from the tab that holds it. */
  readonly takesOver?: boolean | undefined;
  /** Waits until it is free, or the signal aborts; resolves with null then. Without it a session that is held is null at once. */
  readonly until?: AbortSignal | undefined;
}

/** Null when another tab holds the session of that name. */
export function holdInTab(name: string, options: HoldOptions = {}): Promise<TabHold | null> {
  if (typeof globalThis.navigator?.locks !== 'object')
    return Promise.resolve(makeHold(name, never));
  const { takesOver = false, until } = options;
  const how =
    takesOver || until === undefined
      ? { steal: takesOver, ifAvailable: !takesOver }
      : { signal: until };
  return new Promise((resolve) => {
    let free = ignored;
    const held = new Promise<void>((release) => {
      free = release;
    });
    let lose = ignored;
    const lost = new Promise<void>((tell) => {
      lose = tell;
    });
    navigator.locks
      .request(lockName(name), how, (lock) => {
        if (lock === null) return resolve(null);
        resolve(makeHold(name, lost, free));
        return held;
      })
      // Stolen, or given up while waiting; a page that is going may no longer ask at all.
      .catch(() => {
        lose();
        resolve(null);
      });
  });
}

/** Whether some tab holds the session of that name now. */
export async function isHeldInTab(name: string): Promise<boolean> {
  if (typeof globalThis.navigator?.locks !== 'object') return false;
  const { held = [] } = await navigator.locks.query();
  return held.some((lock) => lock.name === lockName(name));
}

/** Hears what the tab that holds the session tells, the latest of it at once. Returns a function that stops it. */
export function followTab(name: string, heard: (message: unknown) => void): () => void {
  if (typeof BroadcastChannel !== 'function') return () => {};
  const channel = new BroadcastChannel(lockName(name));
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (isTold(data)) heard(data.told);
  });
  channel.postMessage('tell');
  return () => channel.close();
}

const never = new Promise<void>(() => {});

const ignored = (): void => {};

const lockName = (name: string): string => `trackstand:${name}`;

function makeHold(name: string, lost: Promise<void>, free = ignored): TabHold {
  const channel =
    typeof BroadcastChannel === 'function' ? new BroadcastChannel(lockName(name)) : undefined;
  let latest: { readonly told: unknown } | undefined;
  channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data === 'tell' && latest !== undefined) channel.postMessage(latest);
  });
  const close = (): void => channel?.close();
  void lost.then(close);
  return {
    lost,
    tell: (told) => {
      latest = { told };
      channel?.postMessage(latest);
    },
    release: () => {
      close();
      free();
    },
  };
}

function isTold(data: unknown): data is { readonly told: unknown } {
  return typeof data === 'object' && data !== null && 'told' in data;
}

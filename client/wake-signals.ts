/** Moments when a sleeping or moved device should look at its connection. Nothing happens where there is no window. */

export interface WakeEvents {
  /** The page is visible again, was restored, or the network is back. */
  readonly woke: () => void;
  readonly wentOffline: () => void;
}

/** Returns a function that stops listening. */
export function listenForWake({ woke, wentOffline }: WakeEvents): () => void {
  if (typeof globalThis.addEventListener !== 'function') return () => {};
  const visible = (): void => {
    if (globalThis.document?.visibilityState === 'visible') woke();
  };
  const listeners: readonly (readonly [EventTarget | undefined, string, () => void])[] = [
    [globalThis, 'online', woke],
    [globalThis, 'pageshow', woke],
    [globalThis, 'offline', wentOffline],
    [globalThis.document, 'visibilitychange', visible],
  ];
  for (const [target, event, listener] of listeners) target?.addEventListener(event, listener);
  return () => {
    for (const [target, event, listener] of listeners) target?.removeEventListener(event, listener);
  };
}

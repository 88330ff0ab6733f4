/** Keeps the screen on while somebody rides. */

export interface WakeLock {
  /** Cheap to repeat. */
  hold(isOn: boolean): void;
}

/** Does what the browser allows; a browser takes the lock away whenever the page is hidden. */
export function makeWakeLock(): WakeLock {
  let sentinel: WakeLockSentinel | undefined;
  let hasAsked = false;
  // Refused on a low battery, for example: asked again when the page comes to the front the next time.
  document.addEventListener('visibilitychange', () => {
    hasAsked = false;
  });
  const take = async (): Promise<void> => {
    hasAsked = true;
    sentinel = await navigator.wakeLock.request('screen').catch(() => undefined);
  };
  return {
    hold: (isOn) => {
      if (!('wakeLock' in navigator)) return;
      const isHeld = sentinel !== undefined && !sentinel.released;
      if (isOn && !isHeld && !hasAsked && document.visibilityState === 'visible') void take();
      if (!isOn && isHeld) {
        void sentinel?.release();
        sentinel = undefined;
        hasAsked = false;
      }
    },
  };
}

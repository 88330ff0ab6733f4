/** Keeps the screen on while somebody rides. */

export interface WakeLock {
  /** Cheap to repeat. */
  hold(isOn: boolean): void;
}

/** Does what the browser allows; a browser takes the lock away whenever the page is hidden. */
export function makeWakeLock(): WakeLock {
  let sentinel: WakeLockSentinel | undefined;
  let hasAsked = false;
  let isWanted = false;
  // Refused on a low battery, for example: asked again when the page comes to the front the next time.
  document.addEventListener('visibilitychange', () => {
    hasAsked = false;
  });
  const take = async (): Promise<void> => {
    hasAsked = true;
    const given = await navigator.wakeLock.request('screen').catch(() => undefined);
    // The ride may have been paused, or have gone elsewhere, while the browser made up its mind: nobody would give it back later.
    if (isWanted) sentinel = given;
    else giveBack(given);
  };
  const giveBack = (lock: WakeLockSentinel | undefined): void => {
    void lock?.release();
    hasAsked = false;
  };
  return {
    hold: (isOn) => {
      if (!('wakeLock' in navigator)) return;
      isWanted = isOn;
      const isHeld = sentinel !== undefined && !sentinel.released;
      if (isOn && !isHeld && !hasAsked && document.visibilityState === 'visible') void take();
      if (!isOn && isHeld) {
        giveBack(sentinel);
        sentinel = undefined;
      }
    },
  };
}

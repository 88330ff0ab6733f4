/** The page's own files in the browser: it opens without a network, and a new release never interrupts a ride. */

export interface OfflineCopy {
  /** Looks for a new release; one that is ready is shown, which loads the page anew. Only for a page without a ride. */
  renew(): Promise<void>;
}

export function keepOfflineCopy(): OfflineCopy {
  // Absent where a page may keep nothing, and on addresses without TLS.
  if (!('serviceWorker' in navigator)) return { renew: () => Promise.resolve() };
  const registered = navigator.serviceWorker
    .register('service-worker.js', { updateViaCache: 'none' })
    // The service is away: the page was opened from the copy there is.
    .catch(() => navigator.serviceWorker.getRegistration());
  let isRenewing = false;
  const takeOver = (worker: ServiceWorker): void => {
    if (isRenewing) return;
    isRenewing = true;
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload());
    worker.postMessage('take-over');
  };
  return {
    renew: async () => {
      const registration = await registered;
      // The first worker of all is no new release: it keeps what this page was loaded with.
      if (registration === undefined || navigator.serviceWorker.controller === null) return;
      await registration.update().catch(() => {});
      const { waiting, installing } = registration;
      if (waiting !== null) takeOver(waiting);
      installing?.addEventListener('statechange', () => {
        if (installing.state === 'installed') takeOver(installing);
      });
    },
  };
}

/** Asks the browser not to throw a ride away when it runs short of space; it may say no, or ask the rider. */
export function askToKeepStorage(): void {
  void navigator.storage?.persist?.().catch(() => {});
}

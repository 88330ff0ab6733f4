/** Whether the ride pauses when the legs stand; remembered on this device. */
const storageKey = 'trackstand-pause-standing';

export function pausesStanding(): boolean {
  try {
    return localStorage.getItem(storageKey) === 'yes';
  } catch {
    return false;
  }
}

export function setPausesStanding(isOn: boolean): void {
  try {
    localStorage.setItem(storageKey, isOn ? 'yes' : 'no');
  } catch {
    // Asked again next time.
  }
}

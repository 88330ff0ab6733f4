/** What a rider chooses once, remembered on this device. */

export interface SwitchSetting {
  readonly isOn: () => boolean;
  readonly set: (isOn: boolean) => void;
}

/** Whether the ride pauses when the legs stand. */
export const pausesStanding = switchSetting('trackstand-pause-standing', false);

/**
 * Whether the ride begins when the rider pedals. Not unless asked for: many a trainer has to be pedalled awake before it can be
 * connected, and a ride that has begun by that stands in the list.
 */
export const startsPedalling = switchSetting('trackstand-start-pedalling', false);

/** Whether the last seconds of an interval are heard. */
export const beeps = switchSetting('trackstand-beeps', true);

function switchSetting(key: string, usually: boolean): SwitchSetting {
  return {
    isOn: () => {
      try {
        const kept = localStorage.getItem(key);
        return kept === null ? usually : kept === 'yes';
      } catch {
        // A browser that keeps nothing for this page.
        return usually;
      }
    },
    set: (isOn) => {
      try {
        localStorage.setItem(key, isOn ? 'yes' : 'no');
      } catch {
        // Asked again next time.
      }
    },
  };
}

/** Makes the beeps heard, where the browser lets a page be heard. */
import { dueBeep, heardPlace, type Beep, type HeardPlace } from './beeps.ts';
import type { RideFrame } from './ride-loop.ts';

export interface Beeper {
  /** Cheap to repeat: called at every beat. */
  hear(frame: RideFrame): void;
  close(): void;
}

const tones: Readonly<Record<Beep, { readonly hertz: number; readonly lengthS: number }>> = {
  soon: { hertz: 660, lengthS: 0.12 },
  now: { hertz: 990, lengthS: 0.4 },
};
/** Of full scale: heard beside a fan, and no fright in headphones. */
const loudness = 0.25;

export function makeBeeper(isOn: () => boolean): Beeper {
  let context: AudioContext | undefined;
  let place: HeardPlace | null = null;
  // Browsers keep a page silent until it was touched; the tap or key that starts the ride is one.
  const unlock = (): void => {
    if (!isOn() || !('AudioContext' in globalThis)) return;
    context ??= new AudioContext();
    void context.resume().catch(() => {});
  };
  document.addEventListener('pointerdown', unlock);
  document.addEventListener('keydown', unlock);
  return {
    hear: ({ view: { state, status }, nowMs }) => {
      const now = status === 'stopped' ? null : heardPlace(state, nowMs);
      const beep = dueBeep(place, now);
      place = now;
      if (beep !== null && isOn() && context?.state === 'running') sound(context, beep);
    },
    close: () => {
      document.removeEventListener('pointerdown', unlock);
      document.removeEventListener('keydown', unlock);
      void context?.close().catch(() => {});
    },
  };
}

/** Fades in and out: a tone that is cut off clicks. */
function sound(context: AudioContext, beep: Beep): void {
  const { hertz, lengthS } = tones[beep];
  const startS = context.currentTime;
  const tone = new OscillatorNode(context, { frequency: hertz });
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.linearRampToValueAtTime(loudness, startS + 0.01);
  volume.gain.setValueAtTime(loudness, startS + lengthS - 0.03);
  volume.gain.linearRampToValueAtTime(0, startS + lengthS);
  tone.connect(volume).connect(context.destination);
  tone.start(startS);
  tone.stop(startS + lengthS);
}

/** What riders do: mostly samples, each unlike any other, now and then something rarer. */
import type { WorkoutCommand } from '../../shared/workout/workout-schemas.ts';
import type { Random } from '../simulation/random.ts';

/** A command as it was issued. Its time is its name: no other command of the session has it. */
export interface Issued {
  /** From 1, over all lives of the device's storage. */
  readonly ordinal: number;
  /** By the device's clock. */
  readonly atMs: number;
  readonly type: WorkoutCommand['type'];
  readonly data: Readonly<Record<string, unknown>>;
}

/** The devices' clock: commands are a second of the ride apart, whatever the machine does. */
const rideStartMs = 1_800_000_000_000;
const commandMs = 1_000;

/** Powers a sample can have: 5,000 W in sixteenths, so that each of as many samples is unlike the others. */
const powerCount = 80_000;

/** A session takes 200 laps and 200 pauses; beyond them commands would only be refused. */
const rarityMax = 90;

/** The next command of one device of a session. */
export type CommandSource = () => Issued;

/** `place`: which device of its session it is, from 0. The first one starts the ride. */
export function commandSource(random: Random, place: number): CommandSource {
  let ordinal = 0;
  let lapCount = 0;
  let pauseCount = 0;
  let isPaused = false;
  const next = (): Pick<Issued, 'type' | 'data'> => {
    if (ordinal === 1 && place === 0) return { type: 'start', data: {} };
    // Others' samples are refused meanwhile, which is an outcome to be kept like any other.
    if (isPaused && random.chance(0.3)) {
      isPaused = false;
      return { type: 'resume', data: {} };
    }
    if (random.chance(0.02) && lapCount++ < rarityMax) return { type: 'lap', data: {} };
    if (random.chance(0.02) && !isPaused && pauseCount++ < rarityMax) {
      isPaused = true;
      return { type: 'pause', data: { reason: `device ${place}, command ${ordinal}` } };
    }
    if (random.chance(0.02))
      return { type: 'adjust', data: { intensity: random.integer(50, 150) / 100 } };
    const powerW = (ordinal % powerCount) / 16;
    return { type: 'sample', data: { powerW, cadenceRpm: place, heartRateBpm: 100 } };
  };
  return () => {
    ordinal += 1;
    return { ordinal, atMs: issueTimeMs(ordinal, place), ...next() };
  };
}

/** Devices of a session are fractions of a second apart. */
function issueTimeMs(ordinal: number, place: number): number {
  return rideStartMs + ordinal * commandMs + place;
}

/** Of the command with that time. */
export function ordinalOf(atMs: number): number {
  return Math.floor((atMs - rideStartMs) / commandMs);
}

/** What the rider's sensors last said, and the devices that do nothing but say it. */
import type { Clock } from '../../../shared/clock.ts';
import { decodePowerMeter, unwatchedCrank, withCrank } from './cycling-power.ts';
import { characteristics, services, type GattLink } from './gatt.ts';
import { decodeHeartRate } from './heart-rate.ts';
import type { BikeReading } from './indoor-bike-data.ts';
import { plausibleCadenceRpm, plausibleHeartRateBpm, plausiblePowerW } from './plausible.ts';
import type { TrainerSample } from './trainer.ts';

export interface Sensors {
  /** Of a machine or a power meter. */
  take(reading: BikeReading): void;
  takeStrap(heartRateBpm: number | null): void;
  /** Another trainer is ridden now. */
  forget(): void;
  sample(): TrainerSample;
}

/** What a sensor said says nothing about now any more. Machines may send power and cadence in turns, straps once a second. */
const freshMs = 3_000;

export function makeSensors(clock: Clock): Sensors {
  const power = latestReading(clock);
  const cadence = latestReading(clock);
  const ownHeart = latestReading(clock);
  const strapHeart = latestReading(clock);
  return {
    take: ({ powerW, cadenceRpm, heartRateBpm }) => {
      if (powerW !== undefined) power.take(plausiblePowerW(powerW));
      if (cadenceRpm !== undefined) cadence.take(plausibleCadenceRpm(cadenceRpm));
      if (heartRateBpm !== undefined) ownHeart.take(plausibleHeartRateBpm(heartRateBpm));
    },
    takeStrap: (heartRateBpm) =>
      strapHeart.take(heartRateBpm === null ? null : plausibleHeartRateBpm(heartRateBpm)),
    forget: () => {
      for (const reading of [power, cadence, ownHeart]) reading.take(null);
    },
    sample: () => ({
      atMs: clock.nowMs(),
      powerW: power.value(),
      cadenceRpm: cadence.value(),
      heartRateBpm: strapHeart.value() ?? ownHeart.value(),
    }),
  };
}

export interface ListenerParts {
  readonly link: GattLink;
  /** Anything at all was said. */
  readonly heard: () => void;
}

/** Listens to a power meter; rejects when the device is none. */
export async function listenToPowerMeter(
  { link, heard }: ListenerParts,
  clock: Clock,
  read: (reading: BikeReading) => void,
): Promise<void> {
  let crank = unwatchedCrank;
  await link.listen(services.cyclingPower, characteristics.powerMeasurement, (bytes) => {
    heard();
    const frame = decodePowerMeter(bytes);
    if (frame === null) return;
    const { powerW } = frame;
    if (frame.crank !== null) crank = withCrank(crank, frame.crank, clock.nowMs());
    const { cadenceRpm } = crank;
    read(cadenceRpm === null ? { powerW } : { powerW, cadenceRpm });
  });
}

/** Listens to a heart-rate strap; null while it is not worn. Rejects when the device is none. */
export async function listenToStrap(
  { link, heard }: ListenerParts,
  read: (heartRateBpm: number | null) => void,
): Promise<void> {
  await link.listen(services.heartRate, characteristics.heartRateMeasurement, (bytes) => {
    heard();
    const reading = decodeHeartRate(bytes);
    if (reading !== null) read(reading.hasContact ? reading.heartRateBpm : null);
  });
}

interface LatestReading {
  take(value: number | null): void;
  /** Null when it is too old to count for now. */
  value(): number | null;
}

function latestReading(clock: Clock): LatestReading {
  let latest: { readonly value: number | null; readonly atMs: number } | undefined;
  return {
    take: (value) => {
      latest = { value, atMs: clock.nowMs() };
    },
    value: () =>
      latest !== undefined && clock.nowMs() - latest.atMs < freshMs ? latest.value : null,
  };
}

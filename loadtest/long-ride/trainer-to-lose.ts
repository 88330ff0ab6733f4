/** The simulated machine over a link that can be lost, and that notes what it is told. */
import type { GattDevice, GattLink } from '../../client/app/trainer/gatt.ts';
import type { Clock } from '../../shared/clock.ts';

export interface TrainerToLose extends GattDevice {
  /** The link breaks, and the machine is out of reach for so long. */
  drop(awayMs: number): void;
  /** Everything written, as hex, with the ride's time of it. */
  readonly writes: readonly string[];
}

export function trainerToLose(device: GattDevice, clock: Clock): TrainerToLose {
  const writes: string[] = [];
  let awayUntilMs = 0;
  const noting = (link: GattLink): GattLink => ({
    ...link,
    write: (service, characteristic, bytes) => {
      writes.push(`${clock.nowMs()} ${Buffer.from(bytes).toString('hex')}`);
      return link.write(service, characteristic, bytes);
    },
  });
  return {
    id: device.id,
    name: device.name,
    writes,
    connect: async () => {
      if (clock.nowMs() < awayUntilMs) throw new Error('Out of reach.');
      return noting(await device.connect());
    },
    disconnect: () => device.disconnect(),
    drop: (awayMs) => {
      awayUntilMs = clock.nowMs() + awayMs;
      device.disconnect();
    },
  };
}
